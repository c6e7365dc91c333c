package report

import (
	"fmt"
	"strings"
)

// text is what an event says, or nothing where it is not worth a line.
func (p *plain) text(e *Event) string {
	switch e.Kind {
	case UnitStarted:
		return "started"
	case StepStarted:
		if step, _, _ := strings.Cut(e.Text, " "); step == "apply" || step == "destroy" || step == "hook" {
			return clean(e.Text)
		}
	case Working:
		if isMilestone(e.Text) {
			return clean(e.Text)
		}
	case Waiting:
		return p.style.yellow("waiting:") + " " + clean(e.Text)
	case Line:
		if text := strings.TrimRight(clean(e.Text), " "); text != "" {
			return "| " + cut(text, lineUpTo)
		}
	case Diagnosed:
		if e.Diagnostic != nil {
			return cut(headline(e.Diagnostic), lineUpTo)
		}
	case UnitFinished:
		if e.Unit != nil {
			text := p.style.unit(e.Unit, cut(Outcome(e.Unit), lineUpTo))
			return fmt.Sprintf("%s [%d of %d]", text, len(p.tracker.done), p.tracker.total)
		}
	case Note:
		return clean(e.Text)
	}
	return ""
}

// isMilestone tells what an apply has done from what it is doing and from
// what a plan reads.
func isMilestone(text string) bool {
	for _, word := range []string{"Creation", "Modifications", "Destruction", "Import"} {
		if strings.Contains(text, ": "+word+" complete") {
			return true
		}
	}
	return strings.Contains(text, " errored after ")
}
