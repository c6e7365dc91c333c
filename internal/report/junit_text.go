package report

import "strings"

const (
	junitValueUpTo = 500  // characters of one value
	junitLinesUpTo = 1000 // lines of one case
	junitWordUpTo  = 1000 // bytes of a name or a message
)

// junitWord is foreign text as an attribute: reports are printed too, so that
// it must not be a command to the log's reader.
func junitWord(s string) string { return disarm(brief(s, junitWordUpTo)) }

// prefixed is a word of a name behind a space, or nothing.
func prefixed(s string) string {
	if s == "" {
		return ""
	}
	return " " + junitWord(s)
}

// junitLines joins clean lines.
func junitLines(lines []string) string {
	var b strings.Builder
	for n, line := range lines {
		if n == junitLinesUpTo {
			b.WriteString("… " + count(len(lines)-n, "more line") + "\n")
			break
		}
		b.WriteString(disarm(line) + "\n")
	}
	return b.String()
}

// junitMessage says in a line what is wrong with a unit.
func junitMessage(run *Run, u *Unit) string {
	text := resultWord(u.Result)
	if isDrifted(u) {
		if found := run.driftText(u); found != "" {
			text += ": " + found
		}
	}
	if u.Reason != "" {
		text += ": " + u.Reason
	}
	return text
}

// junitDetails is all that is known of a unit, as clean lines.
func junitDetails(run *Run, u *Unit) []string {
	lines := []string{clean(junitMessage(run, u))}
	for n, d := range severest(u.Drift) {
		if n == 0 {
			lines = append(lines, "", "Drift (deployed → there now):")
		}
		severity := brief(d.Severity, 20)
		if severity == "" {
			severity = "severity unknown"
		}
		lines = append(lines, "  "+clean(d.Address)+"  "+clean(d.Action)+" ("+severity+")")
		for n := range d.Attributes {
			if d.Action == "deleted" {
				break // all of it is gone
			}
			a := &d.Attributes[n]
			lines = append(lines, "    "+clean(a.Path)+": "+attributeText(a, "", junitValueUpTo, clean))
		}
	}
	for n := range u.Ignored {
		if n == 0 {
			lines = append(lines, "", "Ignored:")
		}
		lines = append(lines, "  "+ignoredText(&u.Ignored[n]))
	}
	for n := range u.Diagnostics {
		d := &u.Diagnostics[n]
		lines = append(lines, "", headline(d))
		for _, line := range diagnosticLines(d) {
			lines = append(lines, "  "+line)
		}
	}
	for n, address := range u.Orphans {
		if n == 0 {
			lines = append(lines, "", "May exist without being in state; look, then import or remove:")
		}
		lines = append(lines, "  "+clean(address))
	}
	if log := logOf(run, u); log != "" {
		lines = append(lines, "", "log: "+log)
	}
	return lines
}

// junitOut is what is worth saying of a run beside its cases: what is no
// problem of a unit has no place in its case.
func junitOut(run *Run) string {
	var lines []string
	for _, note := range run.Notes {
		lines = append(lines, clean(note))
	}
	for _, warning := range run.Warnings {
		lines = append(lines, "Warning: "+clean(warning))
	}
	for i := range run.Units {
		u := &run.Units[i]
		if u.Result == Pending || u.Result == Unmanaged || isDrifted(u) && !run.drifts(u) {
			lines = append(lines, clean(u.ID)+"  "+clean(junitMessage(run, u)))
		}
	}
	_, warnings := gather(run)
	for _, w := range warnings {
		line := headline(w.diagnostic) + " of " + clean(w.units[0].ID)
		if n := len(w.units); n > 1 {
			line += " and " + count(n-1, "other")
		}
		lines = append(lines, line)
	}
	for n := range run.Gone {
		if n == 0 {
			lines = append(lines, goneTitle(run, clean)+":")
		}
		v := &run.Gone[n]
		lines = append(lines, strings.TrimRight("  "+clean(v.Unit)+"  "+clean(v.Address)+"  "+clean(v.Path), " "))
	}
	return junitLines(append(lines, Summary(run)))
}
