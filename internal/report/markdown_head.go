package report

import (
	"fmt"
	"slices"
	"strings"
)

// headForm is how much of a head is shown.
type headForm struct {
	fold   bool // unchanged units are only counted
	reason int  // bytes of a reason
	extras int  // warnings and orphans listed
}

// mdHead is everything above the details, in the fullest form that leaves room
// for what is needed below it.
func mdHead(run *Run, room, need int) (head string, fits bool) {
	for _, form := range []headForm{{false, 200, 50}, {true, 200, 50}, {true, 60, 20}} {
		if head = mdForm(run, form); len(head)+need+noticeRoom <= room {
			return head, true
		}
	}
	head = mdForm(run, headForm{true, 0, 5})
	return head, len(head)+noticeRoom <= room
}

func mdForm(run *Run, form headForm) string {
	var b strings.Builder
	b.WriteString(mdTitle(run))
	mdTable(&b, run, form)
	mdExtras(&b, run, form.extras)
	return b.String()
}

// mdTitle is the heading and the line below it.
func mdTitle(run *Run) string {
	verb, result := run.Verb, string(run.Result)
	if verb == "" {
		verb = "run"
	}
	if result == "" {
		result = string(run.outcome())
	}
	title := "## Strata: " + mdText(brief(verb, 60))
	if run.Environment != "" {
		title += " of " + mdText(brief(run.Environment, 100))
	}
	title += ": " + mdText(brief(result, 60)) + "\n\n"
	var facts []string
	if run.Commit != "" {
		facts = append(facts, "Commit "+mdCode(brief(run.Commit, 60)))
	}
	if run.ID != "" {
		facts = append(facts, "run "+mdCode(brief(run.ID, 60)))
	}
	facts = append(facts, mdText(brief(summary(run), 500)))
	title += strings.Join(facts, " · ") + "\n"
	if run.Error != "" {
		title += "\n**Error:** " + mdText(brief(run.Error, 1000)) + "\n"
	}
	return title
}

// mdTable is the table of units.
func mdTable(b *strings.Builder, run *Run, form headForm) {
	folded, begun := 0, false
	for i := range run.Units {
		u := &run.Units[i]
		if form.fold && quiet(u) {
			folded++
			continue
		}
		if !begun {
			b.WriteString("\n| Unit | Result | Changes | Time | Why |\n|---|---|---|--:|---|\n")
			begun = true
		}
		changes, took := "", ""
		if u.Changes != nil {
			counts := mainCounts(*u.Changes)
			changes = strings.TrimRight("`"+strings.Join(counts[:], " ")+"` "+otherCounts(*u.Changes), " ")
		}
		if u.Seconds > 0 {
			took = duration(u.Seconds)
		}
		why := ""
		if form.reason > 0 {
			why = mdText(brief(u.Reason, form.reason))
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", mdCode(brief(u.ID, 300)), mdText(resultWord(u.Result)), changes, took, why)
	}
	if folded > 0 {
		b.WriteString("\n" + count(folded, "unit") + " unchanged.\n")
	}
}

// mdExtras lists what may exist without being in state, and the warnings on
// the run as a whole, at most limit of each.
func mdExtras(b *strings.Builder, run *Run, limit int) {
	orphans := 0
	for i := range run.Units {
		u := &run.Units[i]
		for _, address := range u.Orphans {
			if orphans == 0 {
				b.WriteString("\n**May exist without being in state:**\n\n")
			}
			if orphans++; orphans <= limit {
				b.WriteString("- " + mdCode(brief(u.ID, 200)) + " " + mdCode(brief(address, 200)) + "\n")
			}
		}
	}
	if orphans > limit {
		b.WriteString("- … and " + thousands(orphans-limit) + " more\n")
	}
	for _, note := range run.Notes {
		b.WriteString("\n" + mdText(brief(note, 300)) + "\n")
	}
	for n, warning := range run.Warnings {
		if n == limit {
			b.WriteString("\n… and " + count(len(run.Warnings)-n, "more warning") + "\n")
			break
		}
		b.WriteString("\n**Warning:** " + mdText(brief(warning, 300)) + "\n")
	}
}

// mdCompact is the form for a run whose table has no room: a bare list, what
// failed first, as long as it fits, and the counts of the rest together.
func mdCompact(run *Run, room, details int) string {
	title := mdTitle(run)
	units := make([]*Unit, 0, len(run.Units))
	for i := range run.Units {
		if !quiet(&run.Units[i]) {
			units = append(units, &run.Units[i])
		}
	}
	slices.SortStableFunc(units, func(a, b *Unit) int { return rank(a) - rank(b) })
	if room < len(title)+noticeRoom {
		return cutBytes("Strata: "+mdText(run.Verb)+" of "+mdText(run.Environment)+": "+mdText(summary(run)), room)
	}
	// The list stands within a fence, which no line of it may end.
	room -= len(title) + noticeRoom
	var lines []string
	for len(units) > 0 {
		u := units[0]
		line := resultWord(u.Result) + " " + brief(u.ID, 300)
		if u.Changes != nil {
			line += " " + changesText(*u.Changes)
		}
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
	var rest Changes
	for _, u := range units {
		if u.Changes != nil {
			rest = plus(rest, *u.Changes)
		}
	}
	if len(units) > 0 {
		b.WriteString("\nFurther " + count(len(units), "unit") + ", together `" + changesText(rest) + "`.\n")
	}
	b.WriteString(notice(run, details, 0))
	return b.String()
}
