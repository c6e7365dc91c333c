package report

import "strings"

const (
	detailUpTo = 40 // lines of one diagnostic's detail
	namesUpTo  = 10 // units named below one diagnostic
)

// told is a diagnostic and the units that it was said of: one broken module or
// expired credential is told once, not a hundred times.
type told struct {
	diagnostic *Diagnostic
	units      []*Unit
}

// gather collects the errors and the warnings of a run. Errors are the same
// when all they say is the same; warnings when summary and detail are.
func gather(run *Run) (errors, warnings []*told) {
	seen := make(map[Diagnostic]*told)
	for i := range run.Units {
		u := &run.Units[i]
		for n := range u.Diagnostics {
			d := &u.Diagnostics[n]
			key := *d
			if isWarning(d) {
				key = Diagnostic{Severity: d.Severity, Summary: d.Summary, Detail: d.Detail}
			}
			t := seen[key]
			if t == nil {
				t = &told{diagnostic: d}
				seen[key] = t
				if isWarning(d) {
					warnings = append(warnings, t)
				} else {
					errors = append(errors, t)
				}
			}
			if len(t.units) == 0 || t.units[len(t.units)-1] != u {
				t.units = append(t.units, u)
			}
		}
	}
	return errors, warnings
}

// diagnostics writes warnings first, so that errors are nearer to the end,
// where people look.
func (t *table) diagnostics() {
	errors, warnings := gather(t.run)
	for _, w := range warnings {
		t.line("")
		t.diagnostic(w, t.style.yellow("Warning:"))
	}
	for _, e := range errors {
		t.line("")
		t.diagnostic(e, t.style.red("Error:"))
	}
}

func (t *table) diagnostic(d *told, label string) {
	t.line(label + " " + t.style.bold(clean(d.diagnostic.Summary)))
	names := make([]string, 0, namesUpTo)
	for n, u := range d.units {
		if n == namesUpTo {
			names = append(names, "and "+thousands(len(d.units)-n)+" more")
			break
		}
		names = append(names, clean(u.ID))
	}
	t.text("  ", "unit: "+strings.Join(names, ", "))
	for _, line := range diagnosticLines(d.diagnostic) {
		t.text("  ", line)
	}
	if len(d.units) == 1 {
		if log := logOf(t.run, d.units[0]); log != "" && !isWarning(d.diagnostic) {
			t.line("  log: " + log)
		}
	}
}

// diagnosticLines says all of a diagnostic below its summary, as clean lines.
func diagnosticLines(d *Diagnostic) []string {
	var lines []string
	if p := place(d); p != "" {
		lines = append(lines, "at: "+p)
	}
	if d.Address != "" {
		lines = append(lines, "resource: "+clean(d.Address))
	}
	if d.Detail != "" {
		detail := cleanLines(d.Detail)
		if len(detail) > detailUpTo {
			detail = append(detail[:detailUpTo:detailUpTo], "… "+count(len(detail)-detailUpTo, "more line"))
		}
		for _, line := range detail {
			lines = append(lines, "  "+line)
		}
	}
	for n, line := range cleanLines(d.Advice) {
		switch {
		case n == 0 && line == "":
		case n == 0:
			lines = append(lines, "What next: "+line)
		default:
			lines = append(lines, "  "+line)
		}
	}
	return lines
}

// orphans lists what a cut-off apply was working on. It is never shortened.
func (t *table) orphans() {
	begun := false
	for i := range t.run.Units {
		u := &t.run.Units[i]
		for _, address := range u.Orphans {
			if !begun {
				t.section("May exist without being in state; look, then import or remove:")
				begun = true
			}
			t.line("  " + clean(u.ID) + "  " + clean(address))
		}
	}
}
