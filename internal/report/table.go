package report

import (
	"fmt"
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
// resources of a small plan, what failed and what to do next, a summary and
// the place of the logs.
func Table(w io.Writer, run *Run, opts TableOptions) error {
	t := &table{run: run, style: style{opts.Color}, width: opts.Width}
	t.rows()
	t.resources()
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

// section begins a part after an empty line.
func (t *table) section(title string) {
	t.line("")
	t.line(t.style.bold(title))
}

// row is one unit as the cells of its row.
type row struct {
	unit   *Unit
	id     string
	counts [4]string
	other  string
	time   string
}

// rows writes the table itself.
func (t *table) rows() {
	if len(t.run.Units) == 0 {
		return
	}
	folded := 0
	for i := range t.run.Units {
		if quiet(&t.run.Units[i]) {
			folded++
		}
	}
	if folded <= foldAbove {
		folded = 0
	}
	id, result, numbers, other, took := len("UNIT"), len("RESULT"), [4]int{}, 0, len("TIME")
	var rows []row
	for i := range t.run.Units {
		u := &t.run.Units[i]
		if folded > 0 && quiet(u) {
			continue
		}
		r := row{unit: u, id: clean(u.ID)}
		if u.Changes != nil {
			r.counts, r.other = mainCounts(*u.Changes), otherCounts(*u.Changes)
		}
		if u.Seconds > 0 {
			r.time = duration(u.Seconds)
		}
		rows = append(rows, r)
		id = max(id, min(columns().StringWidth(r.id), idColumn))
		result = max(result, len(resultWord(u.Result)))
		other, took = max(other, len(r.other)), max(took, len(r.time))
		for n, c := range r.counts {
			numbers[n] = max(numbers[n], len(c))
		}
	}
	changes := max(numbers[0]+numbers[1]+numbers[2]+numbers[3]+3, len("CHANGES"))
	if other > 0 {
		changes += 2 + other
	}
	if len(rows) > 0 {
		t.line(t.style.bold(pad("UNIT", id) + "  " + pad("RESULT", result) + "  " + pad("CHANGES", changes) + "  " + fmt.Sprintf("%*s", took, "TIME") + "  WHY"))
	}
	for _, r := range rows {
		cells := ""
		for n, c := range r.counts {
			cells += pad(c, numbers[n]) + " "
		}
		if r.other != "" {
			cells += " " + r.other
		}
		head := pad(r.id, id) + "  " + pad(resultWord(r.unit.Result), result)
		tail := "  " + pad(strings.TrimRight(cells, " "), changes) + "  " + fmt.Sprintf("%*s", took, r.time)
		used := columns().StringWidth(head + tail)
		head = pad(r.id, id) + "  " + t.style.result(r.unit.Result, pad(resultWord(r.unit.Result), result))
		reason := clean(r.unit.Reason)
		if reason == "" || t.width <= 0 || used+2+columns().StringWidth(reason) <= t.width {
			t.line(head + tail + "  " + reason)
			continue
		}
		t.line(head + tail)
		t.text("    ", reason)
	}
	if folded > 0 {
		t.line(t.style.dim(count(folded, "unit") + " unchanged"))
	}
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
	if len(t.run.Units) > 0 || t.run.Error == "" {
		t.line(t.style.result(t.run.outcome(), summary(t.run)))
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
