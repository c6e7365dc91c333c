package report

import "strings"

// mdDrift lists how a unit drifted, the severest first: in short with the
// attributes' names, in full with what was deployed and what is there.
func mdDrift(b *strings.Builder, u *Unit, short bool) {
	if len(u.Drift) == 0 {
		return
	}
	if !short {
		b.WriteString("Deployed → there now:\n\n")
	}
	list := severest(u.Drift)
	for n, d := range list {
		if short && n == shortResources {
			b.WriteString("- … and " + count(len(list)-n, "more resource") + ": " + severitiesText(list[n:]) + "\n")
			break
		}
		b.WriteString("- " + mdSeverity(d.Severity) + " " + mdDifference(d, short))
		if !short && d.Action != "deleted" {
			mdAttributes(b, "  - ", "", d.Attributes)
		}
	}
	b.WriteString("\n")
}

func mdSeverity(severity string) string {
	switch severity {
	case "":
		return "severity unknown"
	case "high":
		return "**high**"
	default:
		return mdText(brief(severity, 20))
	}
}

// mdDifference is the line of a difference, behind the mark of a list.
func mdDifference(d *Difference, paths bool) string {
	text := mdCode(brief(d.Address, 500)) + " " + mdText(brief(d.Action, 30))
	if names := pathsText(d, func(path string) string { return mdCode(brief(path, 100)) }); paths && d.Action != "deleted" && names != "" {
		text += ": " + names
	}
	if d.Why != "" {
		text += " (" + mdText(brief(d.Why, 300)) + ")"
	}
	return text + "\n"
}

// mdIgnored counts what differs and does not count, and in full lists it.
func mdIgnored(b *strings.Builder, u *Unit, short bool) {
	if len(u.Ignored) == 0 {
		return
	}
	b.WriteString("Ignored: " + count(len(u.Ignored), "difference") + "\n\n")
	if short {
		return
	}
	for n := range u.Ignored {
		b.WriteString("- " + mdDifference(&u.Ignored[n], true))
	}
	b.WriteString("\n")
}

// mdGone lists what an earlier run found and this one did not.
func mdGone(b *strings.Builder, run *Run, limit int) {
	for n := range run.Gone {
		switch n {
		case 0:
			b.WriteString("\n**" + goneTitle(run, func(id string) string { return mdText(brief(id, 60)) }) + ":**\n\n")
		case limit:
			b.WriteString("- … and " + thousands(len(run.Gone)-n) + " more\n")
			return
		}
		v := &run.Gone[n]
		b.WriteString("- " + mdCode(brief(v.Unit, 200)) + " " + mdCode(brief(v.Address, 200)))
		if v.Path != "" {
			b.WriteString(" " + mdCode(brief(v.Path, 100)))
		}
		b.WriteString("\n")
	}
}
