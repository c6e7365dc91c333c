package report

import (
	"io"
	"path/filepath"
	"strings"
)

// TableOptions says how a table is drawn.
type TableOptions struct {
	Color bool // colours for a terminal
	Width int  // columns of the terminal; 0 is unlimited
}

const (
	foldAbove = 30 // more unchanged units than this become one line
	idColumn  = 60 // a longer id does not widen the column of all
)

// Table writes what people read at the end of a run: a row for each unit, the
// resources of a small plan, the drift, what tools found, what failed and what to
// do next, a summary and the place of the logs.
func Table(w io.Writer, run *Run, opts TableOptions) error {
	t := &table{run: run, style: style{opts.Color}, width: opts.Width}
	t.rows()
	t.resources()
	t.drift()
	t.ignored()
	t.gone()
	t.checks()
	t.diagnostics()
	t.orphans()
	t.ending()
	_, err := io.WriteString(w, t.out.String())
	return err
}

// table collects the lines of one table.
type table struct {
	run   *Run
	style style
	width int
	out   strings.Builder
}

// line writes one line. Everything foreign in it has been cleaned before.
func (t *table) line(text string) {
	t.out.WriteString(disarm(strings.TrimRight(text, " ")))
	t.out.WriteByte('\n')
}

// text writes clean text below an indent, wrapped to the terminal.
func (t *table) text(indent, s string) {
	text := strings.TrimLeft(s, " ")
	indent, s = indent+s[:len(s)-len(text)], text
	for _, line := range wrap(s, t.width-len(indent)) {
		t.line(indent + line)
	}
}

// section begins a part, after an empty line where something stands above it.
func (t *table) section(title string) {
	if t.out.Len() > 0 {
		t.line("")
	}
	t.line(t.style.bold(title))
}

// ending writes the warnings of the run as a whole, its error, the summary and
// the place of the logs.
func (t *table) ending() {
	if t.out.Len() > 0 {
		t.line("")
	}
	for _, note := range t.run.Notes {
		t.text("", clean(note))
	}
	for _, warning := range t.run.Warnings {
		t.text("", t.style.yellow("Warning:")+" "+clean(warning))
	}
	for n, line := range cleanLines(t.run.Error) {
		switch {
		case n == 0 && line == "":
		case n == 0:
			t.text("", t.style.red("Error:")+" "+line)
		default:
			t.line("  " + line)
		}
	}
	if len(t.run.Units)+len(t.run.Checks) > 0 || t.run.Error == "" {
		for _, line := range wrap(Summary(t.run), t.width) {
			t.line(t.style.run(t.run, line))
		}
	}
	if t.run.Logs != "" {
		t.line("Logs: " + clean(t.run.Logs))
	}
}

// logOf is the path of a unit's log, or empty.
func logOf(run *Run, u *Unit) string {
	if u.Log == "" {
		return ""
	}
	return clean(filepath.Join(run.Logs, u.Log))
}
