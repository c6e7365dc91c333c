package report

const (
	listUpTo       = 60 // more resources than this in a run are not listed
	attributesUpTo = 6  // attributes shown of one resource
	valueUpTo      = 60 // characters of one value
)

// resources lists what the plans of the run change. Of a large plan only what
// is destroyed, replaced or forgotten is listed: nobody reads the rest in a
// terminal, but nobody may miss that.
func (t *table) resources() {
	total := 0
	for i := range t.run.Units {
		if listed(&t.run.Units[i]) {
			total += len(t.run.Units[i].Resources)
		}
	}
	small := total <= listUpTo
	room, left := listUpTo, 0
	begun := false
	for i := range t.run.Units {
		u := &t.run.Units[i]
		if !listed(u) {
			continue
		}
		named := false
		name := func() {
			if !begun && small {
				t.section("Changes")
			} else if !begun {
				t.section("Destroyed or replaced, of " + count(total, "resource") + " that change")
			}
			if !named {
				t.line("  " + clean(u.ID))
			}
			begun, named = true, true
		}
		for n := range u.Resources {
			r := &u.Resources[n]
			if !small && r.Action != "delete" && r.Action != "replace" && r.Action != "forget" {
				continue
			}
			if room == 0 {
				left++
				continue
			}
			room--
			name()
			t.resource(r, small)
		}
		if small && len(u.Outputs) > 0 {
			name()
			t.outputs(u.Outputs)
		}
	}
	if left > 0 {
		t.line("  … and " + thousands(left) + " more")
	}
}

// listed tells the units whose changes are still to come, or were refused.
func listed(u *Unit) bool {
	return u.Result == Planned || u.Result == Provisional || u.Result == Refused
}

func (t *table) resource(r *Resource, attributes bool) {
	text := t.style.action(r.Action, pad(sign(r.Action), 3)) + " " + clean(r.Address) + "  " + clean(r.Action)
	if r.From != "" {
		text += " from " + clean(r.From)
	}
	if r.Reason != "" {
		text += " (" + clean(r.Reason) + ")"
	}
	t.line("    " + text)
	if !attributes || r.Action == "create" || r.Action == "delete" {
		return
	}
	for n := range r.Attributes {
		if n == attributesUpTo {
			t.line("            … " + count(len(r.Attributes)-n, "more attribute"))
			break
		}
		a := &r.Attributes[n]
		text := attributeText(a, r.Action, valueUpTo, clean)
		if a.Replaces {
			text += t.style.red("  forces replacement")
		}
		t.line("            " + clean(a.Path) + ": " + text)
	}
}

func (t *table) outputs(outputs []Attribute) {
	for n := range outputs {
		if n == attributesUpTo {
			t.line("        … " + count(len(outputs)-n, "more output"))
			break
		}
		t.line("        output " + clean(outputs[n].Path) + ": " + attributeText(&outputs[n], "", valueUpTo, clean))
	}
}
