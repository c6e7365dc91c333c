package report

import (
	"html"
	"strings"
)

const (
	shortResources   = 30  // resources listed in short
	shortDiagnostics = 5   // diagnostics shown in short
	shortLines       = 10  // lines of detail of each
	mdValueUpTo      = 200 // characters of one value
)

// detail is what is told of one unit below the table, or of one finding, at both
// lengths.
type detail struct {
	finding bool // otherwise it is of a unit
	rank    int
	weight  int
	short   string
	full    string
	chosen  string // what is shown: one of the two, or nothing
}

// rank orders units by how much people need to see them: what failed or
// drifted, what changes, the rest.
func rank(u *Unit) int {
	switch {
	case u.Result != NotRun && vote(u.Result) > 0, isDrifted(u):
		return 0
	case u.Result != Unchanged && u.Result != InSync:
		return 1
	default:
		return 2
	}
}

// weight orders units of a rank: what drifted stands where its severity says,
// what failed with the severest.
func weight(u *Unit) int {
	switch {
	case !isDrifted(u):
		return 0
	case len(u.Drift) == 0: // nothing new
		return severityRank("low") + 1
	default:
		return severityRank(u.severity())
	}
}

// allDetails are the details of the units that have any.
func allDetails(run *Run) []*detail {
	var parts []*detail
	for i := range run.Units {
		u := &run.Units[i]
		if len(u.Resources)+len(u.Outputs)+len(u.Diagnostics)+len(u.Drift)+len(u.Ignored) == 0 && u.Diff == "" {
			continue
		}
		parts = append(parts, &detail{rank: rank(u), weight: weight(u), short: mdUnit(run, u, true), full: mdUnit(run, u, false)})
	}
	return parts
}

func mdUnit(run *Run, u *Unit, short bool) string {
	var b strings.Builder
	open := ""
	if rank(u) == 0 {
		open = " open"
	}
	b.WriteString("\n<details" + open + ">\n<summary><code>" + html.EscapeString(disarm(brief(u.ID, 300))) + "</code> " + html.EscapeString(resultWord(u.Result)))
	if text := foundText(run, u); text != "" {
		if run.Verb == driftVerb {
			b.WriteString(":")
		}
		b.WriteString(" " + text)
	}
	b.WriteString("</summary>\n\n")
	for n := range u.Diagnostics {
		if short && n == shortDiagnostics {
			b.WriteString("… and " + count(len(u.Diagnostics)-n, "more diagnostic") + "\n\n")
			break
		}
		mdDiagnostic(&b, &u.Diagnostics[n], short)
	}
	mdDrift(&b, u, short)
	mdIgnored(&b, u, short)
	mdResources(&b, u, short)
	if u.Diff != "" && !short {
		mdFence(&b, "diff", diffLines(u.Diff))
		b.WriteString("\n")
	}
	b.WriteString("</details>\n")
	return b.String()
}

func mdDiagnostic(b *strings.Builder, d *Diagnostic, short bool) {
	if isWarning(d) {
		b.WriteString("**Warning:** ")
	} else {
		b.WriteString("**Error:** ")
	}
	b.WriteString(mdText(brief(d.Summary, 500)))
	if p := place(d); p != "" {
		b.WriteString(" · " + mdCode(brief(p, 300)))
	}
	if d.Address != "" {
		b.WriteString(" · " + mdCode(brief(d.Address, 300)))
	}
	b.WriteString("\n\n")
	if d.Detail != "" {
		lines := cleanLines(d.Detail)
		if short && len(lines) > shortLines {
			lines = append(lines[:shortLines:shortLines], "…")
		}
		if short {
			for n := range lines {
				lines[n] = brief(lines[n], 300)
			}
		}
		mdFence(b, "text", lines)
		b.WriteString("\n")
	}
	if d.Advice != "" {
		b.WriteString("What next: " + mdText(brief(d.Advice, 1000)) + "\n\n")
	}
}

func mdResources(b *strings.Builder, u *Unit, short bool) {
	for n := range u.Resources {
		if short && n == shortResources {
			b.WriteString("- … and " + count(len(u.Resources)-n, "more resource") + "\n")
			break
		}
		r := &u.Resources[n]
		b.WriteString("- " + mdCode(sign(r.Action)) + " " + mdCode(brief(r.Address, 500)) + " " + mdText(brief(r.Action, 30)))
		if r.From != "" {
			b.WriteString(" from " + mdCode(brief(r.From, 500)))
		}
		if r.Reason != "" {
			b.WriteString(" (" + mdText(brief(r.Reason, 300)) + ")")
		}
		b.WriteString("\n")
		if !short {
			mdAttributes(b, "  - ", r.Action, r.Attributes)
		}
	}
	if !short {
		mdAttributes(b, "- output ", "", u.Outputs)
	}
	if len(u.Resources) > 0 || !short && len(u.Outputs) > 0 {
		b.WriteString("\n")
	}
}

func mdAttributes(b *strings.Builder, lead, action string, attributes []Attribute) {
	for n := range attributes {
		a := &attributes[n]
		b.WriteString(lead + mdCode(brief(a.Path, 300)) + ": " + attributeText(a, action, mdValueUpTo, mdCode))
		if a.Replaces {
			b.WriteString(" **forces replacement**")
		}
		b.WriteString("\n")
	}
}
