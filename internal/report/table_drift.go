package report

import (
	"cmp"
	"slices"
)

const (
	highAttributesUpTo = 30 // attributes shown of a resource of high severity
	ignoredUpTo        = 20 // ignored differences that are listed
)

// differs is a difference and where its unit stands in the run.
type differs struct {
	unit int
	*Difference
}

// worst are the differences of a run that are listed, unit after unit, and
// those that are not. There is room for the most severe ones.
func worst(run *Run, room int) (listed []differs, left []*Difference) {
	for i := range run.Units {
		for _, d := range severest(run.Units[i].Drift) {
			listed = append(listed, differs{i, d})
		}
	}
	if len(listed) <= room {
		return listed, nil
	}
	slices.SortStableFunc(listed, func(a, b differs) int { return bySeverity(a.Difference, b.Difference) })
	for _, d := range listed[room:] {
		left = append(left, d.Difference)
	}
	listed = listed[:room]
	slices.SortStableFunc(listed, func(a, b differs) int { return cmp.Compare(a.unit, b.unit) })
	return listed, left
}

// drift lists what is not as it was deployed. Of very much, the most severe is
// listed and the rest is counted.
func (t *table) drift() {
	listed, left := worst(t.run, listUpTo)
	for i, d := range listed {
		switch {
		case i == 0 && len(left) > 0:
			t.section("Drift, the worst of " + count(len(listed)+len(left), "difference") + " (deployed → there now)")
		case i == 0:
			t.section("Drift (deployed → there now)")
		}
		if i == 0 || listed[i-1].unit != d.unit {
			t.line("  " + clean(t.run.Units[d.unit].ID))
		}
		t.difference(d.Difference)
	}
	if len(left) > 0 {
		t.line("  … and " + thousands(len(left)) + " more: " + severitiesText(left))
	}
}

func (t *table) difference(d *Difference) {
	severity := "?"
	if d.Severity != "" {
		severity = brief(d.Severity, 20)
	}
	t.line("    " + t.style.severity(d.Severity, pad(severity, len("medium"))) + "  " + clean(d.Address) + "  " + clean(d.Action))
	if d.Action == "deleted" {
		return // all of it is gone
	}
	limit := attributesUpTo
	if severityRank(d.Severity) <= severityRank("") {
		limit = highAttributesUpTo
	}
	for n := range d.Attributes {
		if n == limit {
			t.line("            … " + count(len(d.Attributes)-n, "more attribute"))
			break
		}
		a := &d.Attributes[n]
		t.line("            " + clean(a.Path) + ": " + attributeText(a, "", valueUpTo, clean))
	}
}

// ignored lists in short what differs and does not count, and why.
func (t *table) ignored() {
	total := 0
	for i := range t.run.Units {
		total += len(t.run.Units[i].Ignored)
	}
	if total == 0 {
		return
	}
	t.section("Ignored: " + count(total, "difference"))
	room := ignoredUpTo
	for i := range t.run.Units {
		u := &t.run.Units[i]
		for n := range u.Ignored {
			if room == 0 {
				t.line("  … and " + thousands(total-ignoredUpTo) + " more")
				return
			}
			room--
			t.line("  " + clean(u.ID) + "  " + ignoredText(&u.Ignored[n]))
		}
	}
}

// ignoredText says an ignored difference in a line.
func ignoredText(d *Difference) string {
	text := clean(d.Address) + "  " + clean(d.Action)
	if paths := pathsText(d, clean); paths != "" {
		text += " " + paths
	}
	if d.Why != "" {
		text += " (" + clean(d.Why) + ")"
	}
	return text
}

// gone lists what an earlier run found and this one did not.
func (t *table) gone() {
	for n := range t.run.Gone {
		switch n {
		case 0:
			t.section(goneTitle(t.run, clean))
		case listUpTo:
			t.line("  … and " + thousands(len(t.run.Gone)-n) + " more")
			return
		}
		v := &t.run.Gone[n]
		t.line("  " + clean(v.Unit) + "  " + clean(v.Address) + "  " + clean(v.Path))
	}
}

func goneTitle(run *Run, show func(string) string) string {
	if run.Since == "" {
		return "Gone since the last report"
	}
	return "Gone since " + show(run.Since)
}
