package report

import (
	"cmp"
	"slices"
	"strings"
)

// driftVerb is the verb of a run that compares what is there with what was
// deployed.
const driftVerb = "drift"

// drifts says whether a unit is not as it was deployed, and still is not: a
// deploy that sets it back has another result. Where the run is compared with
// an earlier one, only what is new counts.
func (r *Run) drifts(u *Unit) bool {
	return isDrifted(u) && (len(u.Drift) > 0 || r.Since == "")
}

func isDrifted(u *Unit) bool { return u.Result == Drifted || u.Result == DriftedPending }

// CompareSeverity orders severities, the highest first.
func CompareSeverity(a, b string) int { return cmp.Compare(severityRank(a), severityRank(b)) }

// severityRank orders severities, the highest first. One that nobody knows
// stands before those that are known to be less than high.
func severityRank(severity string) int {
	switch severity {
	case "high":
		return 0
	case "medium":
		return 2
	case "low":
		return 3
	default:
		return 1
	}
}

func bySeverity(a, b *Difference) int {
	return CompareSeverity(a.Severity, b.Severity)
}

// severest lists differences, those of the highest severity first.
func severest(list []Difference) []*Difference {
	sorted := make([]*Difference, len(list))
	for i := range list {
		sorted[i] = &list[i]
	}
	slices.SortStableFunc(sorted, bySeverity)
	return sorted
}

// severity is the highest of a unit's drift, or empty.
func (u *Unit) severity() string {
	if len(u.Drift) == 0 {
		return ""
	}
	first := &u.Drift[0]
	for i := range u.Drift {
		if d := &u.Drift[i]; bySeverity(d, first) < 0 {
			first = d
		}
	}
	return first.Severity
}

// differencesText counts differences: 2 changed, 1 deleted (high). Nothing in
// it is foreign.
func differencesText(list []*Difference) string {
	changed, deleted, others, severity := 0, 0, 0, ""
	for i, d := range list {
		switch d.Action {
		case "changed":
			changed++
		case "deleted":
			deleted++
		default:
			others++
		}
		if i == 0 || CompareSeverity(d.Severity, severity) < 0 {
			severity = d.Severity
		}
	}
	text := counts([]int{changed, deleted, others}, []string{"changed", "deleted", "other"})
	if severity == "high" || severity == "medium" || severity == "low" {
		text += " (" + severity + ")"
	}
	return text
}

// severitiesText counts differences by severity: 1 high, 12 low.
func severitiesText(list []*Difference) string {
	words := []string{"high", "of unknown severity", "medium", "low"}
	numbers := make([]int, len(words))
	for _, d := range list {
		numbers[severityRank(d.Severity)]++
	}
	return counts(numbers, words)
}

// counts says the numbers that are not zero, each with its word.
func counts(numbers []int, words []string) string {
	var parts []string
	for i, n := range numbers {
		if n > 0 {
			parts = append(parts, thousands(n)+" "+words[i])
		}
	}
	return strings.Join(parts, ", ")
}

// driftText says what was found of a unit, in a few words.
func (r *Run) driftText(u *Unit) string {
	var parts []string
	switch {
	case len(u.Drift) > 0:
		parts = append(parts, differencesText(severest(u.Drift)))
	case isDrifted(u) && r.Since != "":
		parts = append(parts, "nothing new")
	case u.Result == Applied && u.Changes != nil: // to set it back
		parts = append(parts, changesText(*u.Changes))
	}
	if n := len(u.Ignored); n > 0 {
		parts = append(parts, thousands(n)+" ignored")
	}
	return strings.Join(parts, ", ")
}

const pathsUpTo = 3 // paths named of a difference in a line

// pathsText names the attributes of a difference in a line.
func pathsText(d *Difference, show func(string) string) string {
	var paths []string
	for n := range d.Attributes {
		if n == pathsUpTo {
			return strings.Join(paths, ", ") + " and " + thousands(len(d.Attributes)-n) + " more"
		}
		paths = append(paths, show(d.Attributes[n].Path))
	}
	return strings.Join(paths, ", ")
}

// verdict is the result of a run as its title says it. That of a run which
// looked for drift says what it found, beside what went wrong.
func verdict(run *Run) string {
	result := run.Result
	if result == "" {
		result = run.outcome()
	}
	if run.Verb != driftVerb {
		return string(result)
	}
	found := found(run)
	switch {
	case found == "" && result == Succeeded && len(run.Units) > 0:
		return string(InSync)
	case found == "":
		return string(result)
	case result == Succeeded:
		return found
	default:
		return string(result) + ", " + found
	}
}

// found says the worst that was found of a run's units.
func found(run *Run) string {
	var drift []*Difference
	has := make(map[Result]bool)
	drifts := false
	for i := range run.Units {
		u := &run.Units[i]
		has[u.Result] = true
		if run.drifts(u) {
			drifts = true
			drift = append(drift, severest(u.Drift)...)
		}
	}
	switch {
	case drifts:
		if slices.ContainsFunc(drift, func(d *Difference) bool { return d.Severity == "high" }) {
			return string(Drifted) + " (high)"
		}
		return string(Drifted)
	case has[Drifted] || has[DriftedPending]:
		return string(Drifted) + ", nothing new"
	case has[Pending]:
		return string(Pending)
	case has[Unmanaged]:
		return string(Unmanaged)
	default:
		return ""
	}
}
