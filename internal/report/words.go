package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// resultOrder is the order in which a summary names results.
func resultOrder() []Result {
	return []Result{Applied, Destroyed, Drifted, DriftedPending, Pending, Unmanaged, InSync, Planned, Provisional, Deferred, Unchanged, Succeeded, Failed, Refused, Interrupted, NotRun}
}

// Summary says how many units have each result, how many findings refuse and
// how many only warn, and how long the run took.
func Summary(run *Run) string {
	var parts []string
	for _, text := range []string{resultsText(run.Counts()), checksText(run)} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "no units")
	}
	return strings.Join(parts, "; ") + " in " + duration(run.Seconds)
}

// resultsText says how many units have each result.
func resultsText(counts map[Result]int) string {
	counts = maps.Clone(counts)
	var parts []string
	for _, result := range resultOrder() {
		if n := counts[result]; n > 0 {
			parts = append(parts, thousands(n)+" "+string(result))
		}
		delete(counts, result)
	}
	var others []string
	for result, n := range counts {
		others = append(others, thousands(n)+" "+resultWord(result))
	}
	slices.Sort(others)
	return strings.Join(append(parts, others...), ", ")
}

func resultWord(result Result) string {
	if result == "" {
		return "without a result"
	}
	return brief(string(result), 40)
}

// mainCounts are the four counts that are always shown.
func mainCounts(c Changes) [4]string {
	return [4]string{
		fmt.Sprintf("+%d", c.Add), fmt.Sprintf("~%d", c.Change),
		fmt.Sprintf("-/+%d", c.Replace), fmt.Sprintf("-%d", c.Destroy),
	}
}

// otherCounts says the counts that are shown only where they are not zero.
func otherCounts(c Changes) string {
	var parts []string
	if c.Import > 0 {
		parts = append(parts, fmt.Sprintf("%d imported", c.Import))
	}
	if c.Move > 0 {
		parts = append(parts, fmt.Sprintf("%d moved", c.Move))
	}
	if c.Forget > 0 {
		parts = append(parts, fmt.Sprintf("%d forgotten", c.Forget))
	}
	if c.Outputs > 0 {
		parts = append(parts, count(c.Outputs, "output"))
	}
	return strings.Join(parts, ", ")
}

// changesText says counts in a line.
func changesText(c Changes) string {
	counts := mainCounts(c)
	text := strings.Join(counts[:], " ")
	if other := otherCounts(c); other != "" {
		text += ", " + other
	}
	return text
}

func plus(a, b Changes) Changes {
	return Changes{
		Add: a.Add + b.Add, Change: a.Change + b.Change, Replace: a.Replace + b.Replace, Destroy: a.Destroy + b.Destroy,
		Import: a.Import + b.Import, Move: a.Move + b.Move, Forget: a.Forget + b.Forget, Outputs: a.Outputs + b.Outputs,
	}
}

// quiet tells a unit that may be folded into a count: nothing changed, nothing
// drifted, nothing failed.
func quiet(u *Unit) bool {
	return (u.Result == Unchanged || u.Result == InSync) && (u.Changes == nil || *u.Changes == Changes{}) && len(u.Drift)+len(u.Orphans) == 0
}

// foldedText says how many units are folded: 12 units in sync.
func foldedText(folded map[Result]int) string {
	var parts []string
	for _, result := range []Result{Unchanged, InSync} {
		if n := folded[result]; n > 0 {
			parts = append(parts, count(n, "unit")+" "+string(result))
		}
	}
	return strings.Join(parts, ", ")
}

// place says where a diagnostic points to: file:line.
func place(d *Diagnostic) string {
	if d.File == "" {
		return ""
	}
	if d.Line > 0 {
		return fmt.Sprintf("%s:%d", clean(d.File), d.Line)
	}
	return clean(d.File)
}

func isWarning(d *Diagnostic) bool { return d.Severity == "warning" }

// headline says a diagnostic in a line.
func headline(d *Diagnostic) string {
	text := "Error: "
	if isWarning(d) {
		text = "Warning: "
	}
	text += clean(d.Summary)
	var where []string
	if p := place(d); p != "" {
		where = append(where, p)
	}
	if d.Address != "" {
		where = append(where, clean(d.Address))
	}
	if len(where) > 0 {
		text += " (" + strings.Join(where, ", ") + ")"
	}
	return text
}

// Outcome says how a unit ended, in a line.
func Outcome(u *Unit) string {
	text := resultWord(u.Result)
	switch {
	case isDrifted(u) && len(u.Drift) > 0:
		text += ": " + differencesText(severest(u.Drift))
	case u.Changes != nil && *u.Changes != (Changes{}):
		text += " " + changesText(*u.Changes)
	}
	if u.Seconds > 0 {
		text += " in " + duration(u.Seconds)
	}
	if u.Reason != "" {
		text += ": " + clean(u.Reason)
	}
	return text
}
