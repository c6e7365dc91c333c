package report

import (
	"fmt"
	"strings"
)

// headForm is how much of a head is shown.
type headForm struct {
	fold   bool // quiet units are only counted
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
	mdChecks(&b, run, form.extras)
	mdExtras(&b, run, form.extras)
	return b.String()
}

// mdTitle is the heading and the line below it.
func mdTitle(run *Run) string {
	verb := run.Verb
	if verb == "" {
		verb = "run"
	}
	title := "## Strata: " + mdText(brief(verb, 60))
	if run.Environment != "" {
		title += " of " + mdText(brief(run.Environment, 100))
	}
	title += ": " + mdText(brief(verdict(run), 60)) + "\n\n"
	var facts []string
	if run.Commit != "" {
		facts = append(facts, "Commit "+mdCode(brief(run.Commit, 60)))
	}
	if run.ID != "" {
		facts = append(facts, "run "+mdCode(brief(run.ID, 60)))
	}
	facts = append(facts, mdText(brief(Summary(run), 500)))
	title += strings.Join(facts, " · ") + "\n"
	if run.Error != "" {
		title += "\n**Error:** " + mdText(brief(run.Error, 1000)) + "\n"
	}
	return title
}

// mdTable is the table of units.
func mdTable(b *strings.Builder, run *Run, form headForm) {
	folded, begun, title := make(map[Result]int), false, "Changes"
	if run.Verb == driftVerb {
		title = "Drift"
	}
	for i := range run.Units {
		u := &run.Units[i]
		if form.fold && quiet(u) {
			folded[u.Result]++
			continue
		}
		if !begun {
			b.WriteString("\n| Unit | Result | " + title + " | Time | Why |\n|---|---|---|--:|---|\n")
			begun = true
		}
		changes, took := "", ""
		switch {
		case run.Verb == driftVerb:
			changes = run.driftText(u)
		case u.Changes != nil:
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
	if len(folded) > 0 {
		b.WriteString("\n" + foldedText(folded) + ".\n")
	}
}

// mdExtras lists what may exist without being in state, the drift that is gone,
// and the warnings on the run as a whole, at most limit of each.
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
	mdGone(b, run, limit)
	for _, note := range run.Notes {
		b.WriteString("\n" + disarm(mdText(brief(note, 300))) + "\n")
	}
	for n, warning := range run.Warnings {
		if n == limit {
			b.WriteString("\n… and " + count(len(run.Warnings)-n, "more warning") + "\n")
			break
		}
		b.WriteString("\n**Warning:** " + mdText(brief(warning, 300)) + "\n")
	}
}
