package report

import (
	"cmp"
	"slices"
	"strings"
)

// mdCompact is the form for a run whose table has no room: the table of tools if
// that has, a bare list of units, what failed or drifted first, as long as it
// fits, and the counts of the rest together; then as many of the findings that
// refuse as fit. These have at most half of the room.
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
	room -= len(title) + noticeRoom
	var b strings.Builder
	b.WriteString(title)
	mdChecks(&b, run, 1)
	if b.Len()-len(title) > room/2 {
		b.Reset()
		b.WriteString(title)
	}
	room -= b.Len() - len(title)
	refusing, findings := refusingLines(run), 0
	need := 0
	for _, line := range refusing {
		need += len(line) + 1
	}
	kept := min(need, room/2)
	var lines []string
	for _, u := range units {
		lines = append(lines, strings.TrimRight(resultWord(u.Result)+" "+brief(u.ID, 300)+" "+foundText(run, u), " "))
	}
	n, used := mdLines(&b, lines, room-kept)
	if units = units[n:]; len(units) > 0 {
		b.WriteString("\nFurther " + count(len(units), "unit") + ", together " + together(run, units) + ".\n")
	}
	n, _ = mdLines(&b, refusing, room-used)
	if rest := len(refusing) - n; rest > 0 {
		b.WriteString("\nFurther " + count(rest, "finding") + verbed(rest, " refuse") + ".\n")
	}
	for i := range run.Checks {
		findings += len(run.Checks[i].Findings) + len(run.Checks[i].Undetermined)
	}
	b.WriteString(notice(run, omission{left: details}, omission{left: findings - n}))
	return b.String()
}

// mdLines writes as many lines as fit as a block, and returns how many these are
// and how many bytes they take. No line can end the block.
func mdLines(b *strings.Builder, lines []string, room int) (n, used int) {
	for _, line := range lines {
		if used+len(line)+1 > room {
			break
		}
		used += len(line) + 1
		n++
	}
	if n > 0 {
		quiet := make([]string, n)
		for i := range quiet {
			quiet[i] = strings.ReplaceAll(lines[i], "`", "'")
		}
		b.WriteString("\n")
		mdFence(b, "text", quiet)
	}
	return n, used
}

// refusingLines says in a line each what refuses, the gravest first.
func refusingLines(run *Run) []string {
	var lines []string
	for _, c := range chapters(run) {
		for _, h := range c.hits {
			if !c.refuses {
				continue
			}
			line := string(h.severity()) + " " + brief(h.Rule, 100) + " " + brief(h.Tool, toolUpTo) + " " + brief(h.where(clean), 200)
			line += " " + brief(h.what(), 200)
			if h.undetermined {
				line += " (" + h.follows() + ")"
			}
			lines = append(lines, line)
		}
	}
	return lines
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
