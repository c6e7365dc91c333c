package report

import (
	"fmt"
	"strings"

	"github.com/strata-tf/strata/internal/finding"
)

// warningsUpTo is how many findings that only warn are listed at the end of a
// run that is not about findings.
const warningsUpTo = 20

// checks lists what tools found, and says what each of them has looked at.
func (t *table) checks() {
	for _, c := range chapters(t.run) {
		t.chapter(&c)
	}
	t.tools()
}

// chapter lists findings by severity. Those that refuse are never left out.
func (t *table) chapter(c *chapter) {
	t.section(c.title + ": " + severities(c.hits))
	list := c.hits
	if !c.refuses && !aboutFindings(t.run.Verb) && len(list) > warningsUpTo {
		list = list[:warningsUpTo]
	}
	for _, group := range grave(list) {
		title := string(group[0].severity())
		if !c.refuses {
			title += ", only warns"
		}
		t.line("  " + t.style.gravity(group[0], title))
		for _, h := range group {
			t.hit(h)
		}
	}
	if left := c.hits[len(list):]; len(left) > 0 {
		t.text("  ", "… and "+thousands(len(left))+" more: "+severities(left)+" (--format json or sarif has them all)")
	}
}

// aboutFindings tells the verbs whose runs are about findings.
func aboutFindings(verb string) bool { return verb == "scan" || verb == "policy" || verb == "validate" }

func (t *table) hit(h hit) {
	head := clean(h.Rule) + " (" + clean(h.Tool) + ")"
	if h.Title != "" && h.Title != h.Rule {
		head += ": " + clean(h.Title)
	}
	t.text("    ", head)
	for _, line := range []string{
		strings.TrimSpace(h.where(clean) + "  " + clean(h.Resource)), labelled("used by ", h.users(clean)), labelled("help: ", brief(h.Help, 500)),
	} {
		if line != "" {
			t.text("      ", line)
		}
	}
}

// labelled is text behind its label, or empty.
func labelled(label, text string) string {
	if text == "" {
		return ""
	}
	return label + text
}

// tools writes a row for each tool, and below it what does not count and why it
// told nothing.
func (t *table) tools() {
	if len(t.run.Checks) == 0 {
		return
	}
	header := [5]string{"TOOL", "MODE", "FINDINGS", "LOOKED", "TIME"}
	rows := make([][5]string, len(t.run.Checks))
	var w [5]int
	for n, cell := range header {
		w[n] = len(cell)
	}
	for i := range rows {
		c := &t.run.Checks[i]
		rows[i] = [5]string{c.named(), brief(c.Mode, toolUpTo), c.foundText(), thousands(c.Looked), c.tookText()}
		for n, cell := range rows[i] {
			w[n] = max(w[n], columns().StringWidth(cell))
		}
	}
	row := func(cells [5]string, paint func(string) string) string {
		return pad(cells[0], w[0]) + "  " + pad(cells[1], w[1]) + "  " + paint(pad(cells[2], w[2])) + "  " + fmt.Sprintf("%*s  %*s", w[3], cells[3], w[4], cells[4])
	}
	t.section(row(header, func(text string) string { return text }))
	for i := range rows {
		c := &t.run.Checks[i]
		t.line(row(rows[i], func(text string) string { return t.style.check(c, text) }))
		if left := c.leftText(); left != "" {
			t.text("    ", "not counted: "+left)
		}
		t.failures(c)
	}
}

// failures says why a tool told nothing, or not all.
func (t *table) failures(c *Check) {
	label := t.style.yellow("Warning:")
	if c.Fails() {
		label = t.style.red("Error:")
	}
	for _, text := range c.Errors {
		for n, line := range c.failure(text) {
			if n == 0 {
				t.text("    ", label+" "+line)
			} else {
				t.text("      ", line)
			}
		}
	}
}

// gravity colours text by how grave a finding is, where it refuses.
func (s style) gravity(h hit, text string) string {
	switch {
	case !h.refuses:
		return s.yellow(text)
	case h.severity() == finding.Critical || h.severity() == finding.High:
		return s.red(text)
	default:
		return text
	}
}

// check colours text by what a tool told.
func (s style) check(c *Check, text string) string {
	switch {
	case c.Fails() || c.Refuses() > 0:
		return s.red(text)
	case len(c.Errors)+len(c.Findings)+len(c.Undetermined) > 0:
		return s.yellow(text)
	default:
		return s.green(text)
	}
}
