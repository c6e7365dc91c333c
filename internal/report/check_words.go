package report

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/strata-tf/strata/internal/finding"
)

// digits says a number as files have them: without separators.
func digits(n int) string { return strconv.Itoa(n) }

// checksText says what tools found in a few words: 3 findings refuse, 5 warn (2
// undetermined), 1 tool failed. It is empty where there are no checks.
func checksText(run *Run) string {
	if len(run.Checks) == 0 {
		return ""
	}
	refuse, warn, undetermined, failed := 0, 0, 0, 0
	for i := range run.Checks {
		c := &run.Checks[i]
		refuse += c.Refuses()
		warn += len(c.Findings) + len(c.Undetermined) - c.Refuses()
		undetermined += len(c.Undetermined)
		if len(c.Errors) > 0 {
			failed++
		}
	}
	var parts []string
	if refuse > 0 {
		parts = append(parts, count(refuse, "finding")+verbed(refuse, " refuse"))
	}
	switch {
	case warn > 0 && refuse > 0:
		parts = append(parts, thousands(warn)+verbed(warn, " warn"))
	case warn > 0:
		parts = append(parts, count(warn, "finding")+verbed(warn, " warn"))
	}
	if undetermined > 0 {
		parts[len(parts)-1] += " (" + thousands(undetermined) + " undetermined)"
	}
	if failed > 0 {
		parts = append(parts, count(failed, "tool")+" failed")
	}
	if len(parts) == 0 {
		return "no findings"
	}
	return strings.Join(parts, ", ")
}

// verbed is a verb as n of something do it.
func verbed(n int, verb string) string {
	if n == 1 {
		return verb + "s"
	}
	return verb
}

// warns says whether a tool told something that refuses nothing, or failed.
func (r *Run) warns() bool {
	for i := range r.Checks {
		if c := &r.Checks[i]; len(c.Findings)+len(c.Undetermined)+len(c.Errors) > 0 {
			return true
		}
	}
	return false
}

// told says whether a tool told anything at all.
func (c *Check) told() bool {
	return c.Looked+c.Ignored+c.Below+len(c.Findings)+len(c.Undetermined)+len(c.Known) > 0
}

// named is a tool and its version.
func (c *Check) named() string {
	return strings.TrimRight(brief(c.Tool, toolUpTo)+" "+brief(c.Version, toolUpTo), " ")
}

// foundText says how many findings of a tool count: 4, 1 undetermined.
func (c *Check) foundText() string {
	if len(c.Errors) > 0 && !c.told() {
		return "told nothing"
	}
	var parts []string
	if n := len(c.Findings); n > 0 {
		parts = append(parts, thousands(n))
	}
	if n := len(c.Undetermined); n > 0 {
		parts = append(parts, thousands(n)+" undetermined")
	}
	if len(c.Errors) > 0 {
		parts = append(parts, "not all told")
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// leftText counts what a tool found that does not count, by why: 3 below high, 2
// suppressed.
func (c *Check) leftText() string {
	numbers := []int{c.Below, 0, 0, 0, 0, c.Ignored}
	for i := range c.Known {
		numbers[1+kind(c.Known[i].Known)]++
	}
	return counts(numbers, []string{
		"below " + brief(string(c.Severity), toolUpTo), "suppressed", "in the baseline", "found by another tool", "accepted", "ignored in the code",
	})
}

// kind tells by its words why a finding does not count: 0 it is suppressed, 1 in
// the baseline, 2 found by another tool too, 3 anything else.
func kind(known string) int {
	for n, prefix := range []string{"suppressed ", "in the baseline", "also found by "} {
		if strings.HasPrefix(known, prefix) {
			return n
		}
	}
	return 3
}

// tookText says how long a tool ran.
func (c *Check) tookText() string {
	switch {
	case c.Cached:
		return "cached"
	case c.Seconds > 0:
		return duration(c.Seconds)
	default:
		return ""
	}
}

// failure says the error of a tool, as clean lines of which there is at least
// one.
func (c *Check) failure(text string) []string {
	lines := cleanLines(text)
	how := " told nothing: "
	if c.told() {
		how = " did not tell all: "
	}
	lines[0] = brief(c.Tool, toolUpTo) + how + cmp.Or(lines[0], "it did not say why")
	return lines
}

// reportText says a check in a line: what it found, and at how much it looked.
func (c *Check) reportText() string {
	text := "findings: " + c.foundText() + "; looked at " + thousands(c.Looked)
	if left := c.leftText(); left != "" {
		text += "; not counted: " + left
	}
	if c.Cached {
		text += "; cached"
	}
	return text
}

// follows says what follows from a finding.
func (h hit) follows() string {
	switch {
	case h.undetermined && h.refuses:
		return "cannot be decided before the apply: refused"
	case h.undetermined:
		return "cannot be decided before the apply: only told"
	case h.refuses:
		return "refuses"
	default:
		return "only warns"
	}
}

// details is all that is known of a finding, as clean lines.
func (h hit) details() []string {
	f := h.Finding
	lines := []string{string(h.severity()) + ": " + clean(h.what()) + " (" + h.follows() + ")", "rule: " + clean(f.Rule)}
	for _, part := range []struct{ name, text string }{
		{"also known as", strings.Join(f.Aliases, ", ")}, {"at", h.at()}, {"unit", f.Unit}, {"resource", f.Resource}, {"used by", usedBy(f)}, {"help", f.Help},
	} {
		if part.text != "" {
			lines = append(lines, part.name+": "+clean(part.text))
		}
	}
	return lines
}

// at is where a finding is in a file, or empty.
func (h hit) at() string {
	if h.File == "" {
		return ""
	}
	return h.lines()
}

// usedBy are all units that use the file of a finding.
func usedBy(f *finding.Finding) string {
	if f.Unit != "" {
		return ""
	}
	return strings.Join(f.Units, ", ")
}
