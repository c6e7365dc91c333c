package report

import (
	"cmp"
	"slices"
	"strings"
)

// mdCompact is the form for a run whose table has no room: a bare list, what
// failed or drifted first, as long as it fits, and the counts of the rest
// together.
func mdCompact(run *Run, room, details int) string {
	title := mdTitle(run)
	units := make([]*Unit, 0, len(run.Units))
	for i := range run.Units {
		if !quiet(&run.Units[i]) {
			units = append(units, &run.Units[i])
		}
	}
	slices.SortStableFunc(units, func(a, b *Unit) int { return cmp.Or(rank(a)-rank(b), weight(a)-weight(b)) })
	if room < len(title)+noticeRoom {
		return cutBytes("Strata: "+mdText(run.Verb)+" of "+mdText(run.Environment)+": "+mdText(Summary(run)), room)
	}
	// The list stands within a fence, which no line of it may end.
	room -= len(title) + noticeRoom
	var lines []string
	for len(units) > 0 {
		u := units[0]
		line := strings.TrimRight(resultWord(u.Result)+" "+brief(u.ID, 300)+" "+foundText(run, u), " ")
		line = strings.ReplaceAll(line, "`", "'")
		if room -= len(line) + 1; room < 0 {
			break
		}
		lines = append(lines, line)
		units = units[1:]
	}
	var b strings.Builder
	b.WriteString(title)
	if len(lines) > 0 {
		b.WriteString("\n")
		mdFence(&b, "text", lines)
	}
	if len(units) > 0 {
		b.WriteString("\nFurther " + count(len(units), "unit") + ", together " + together(run, units) + ".\n")
	}
	b.WriteString(notice(run, details, 0))
	return b.String()
}

// foundText says what a unit changes, or how it drifted.
func foundText(run *Run, u *Unit) string {
	switch {
	case run.Verb == driftVerb:
		return run.driftText(u)
	case u.Changes != nil:
		return changesText(*u.Changes)
	default:
		return ""
	}
}

// together counts what units change, or how they drifted.
func together(run *Run, units []*Unit) string {
	if run.Verb == driftVerb {
		results, all := make(map[Result]int), []*Difference(nil)
		for _, u := range units {
			results[u.Result]++
			all = append(all, severest(u.Drift)...)
		}
		text := mdText(resultsText(results))
		if len(all) > 0 {
			text += ": " + differencesText(all)
		}
		return text
	}
	var rest Changes
	for _, u := range units {
		if u.Changes != nil {
			rest = plus(rest, *u.Changes)
		}
	}
	return "`" + changesText(rest) + "`"
}
