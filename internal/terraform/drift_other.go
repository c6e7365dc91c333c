package terraform

import (
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// This file finds what a plan would change although nothing drifted. A change
// is explained by drift where it sets back what drifted, or where the code takes
// the value from a resource that drifted or changes therefore.

// configured is a resource of the configuration.
type configured struct {
	*tfjson.ConfigResource
	module string
}

// moduleCall is a module of the configuration and how its parent calls it.
type moduleCall struct {
	*tfjson.ModuleCall
	parent string
	module *tfjson.ConfigModule
}

// index notes a module's resources and those of the modules below.
func (r *driftReader) index(path string, m *tfjson.ConfigModule) {
	if m == nil {
		return
	}
	if path == "" {
		r.calls[""] = &moduleCall{module: m}
	}
	for _, resource := range m.Resources {
		if resource != nil {
			r.config[place(path, resource.Mode, resource.Type, resource.Name)] = &configured{resource, path}
		}
	}
	for name, call := range m.ModuleCalls {
		if call != nil && call.Module != nil {
			inner := join(path, name)
			r.calls[inner] = &moduleCall{call, path, call.Module}
			r.index(inner, call.Module)
		}
	}
}

// place names a resource of the configuration, whatever its instances are.
func place(module string, mode tfjson.ResourceMode, kind, name string) string {
	if mode == tfjson.DataResourceMode {
		kind = "data." + kind
	}
	return module + "|" + kind + "." + name
}

func placeOf(rc *tfjson.ResourceChange) string {
	names := slices.DeleteFunc(parts(rc.ModuleAddress), func(name string) bool { return name == "module" })
	return place(strings.Join(names, "."), rc.Mode, rc.Type, rc.Name)
}

// parts splits an address or a reference at its dots, without what stands in
// brackets.
func parts(address string) []string {
	var out []string
	var part strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(address); i++ {
		switch c := address[i]; {
		case quoted && c == '\\':
			i++
		case depth > 0 && c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth > 0:
		case c == '.':
			out = append(out, part.String())
			part.Reset()
		default:
			part.WriteByte(c)
		}
	}
	if part.Len() > 0 {
		out = append(out, part.String())
	}
	return out
}

func (r *driftReader) other() (resources []ResourceChange, outputs []ValueChange) {
	for _, rc := range r.raw.ResourceChanges {
		if without(rc) || rc.ActionReason == tfjson.ActionReasonReadBecauseCheckNested {
			continue // a check reads its data after each apply
		}
		action := actionOf(rc)
		if action == "" {
			continue
		}
		change := ResourceChange{Address: r.given.Text(rc.Address), Action: action, Reason: reasons[string(rc.ActionReason)]}
		if rc.PreviousAddress != rc.Address {
			change.From = r.given.Text(rc.PreviousAddress)
		}
		leaves, explained := r.unexplained(rc, action)
		if explained {
			switch { // what else happens to it is no drift
			case change.From != "":
				change.Action = "move"
			case rc.Change.Importing != nil:
				change.Action = "import"
			default:
				continue
			}
		}
		for _, l := range leaves {
			change.Attributes = append(change.Attributes, r.valueChange(l))
		}
		resources = append(resources, change)
	}
	for _, name := range sortedKeys(r.raw.OutputChanges) {
		change := r.raw.OutputChanges[name]
		if change == nil || change.Actions.NoOp() {
			continue
		}
		if change.Before == nil && change.After == nil && !anyTrue(change.AfterUnknown) {
			continue // no state holds a null: Terraform plans it anew each time
		}
		l := leaf{steps: []any{name}, before: change.Before, after: change.After, unknown: anyTrue(change.AfterUnknown)}
		l.sensitive = anyTrue(change.BeforeSensitive) || anyTrue(change.AfterSensitive)
		if !r.outputExplained(name, l) {
			outputs = append(outputs, r.valueChange(l))
		}
	}
	return resources, outputs
}

// unexplained lists what drift does not explain of a change, and says whether it
// explains the change as a whole.
func (r *driftReader) unexplained(rc *tfjson.ResourceChange, action string) (leaves []leaf, explained bool) {
	d, c := r.drifted[rc.Address], r.config[placeOf(rc)]
	if rc.DeposedKey != "" {
		return withoutEmpty(leavesOf(rc.Change)), false
	}
	switch action {
	case "create", "delete":
		if action == "create" && d != nil && d.deleted() || c != nil && r.touchedBy(c, c.CountExpression, c.ForEachExpression) {
			return nil, true
		}
		return withoutEmpty(leavesOf(rc.Change)), false
	case "read":
		if c != nil && r.touchedData(c, make(map[string]bool)) {
			return nil, true
		}
		return withoutEmpty(leavesOf(rc.Change)), false
	case "update", "replace":
	default:
		return nil, false
	}
	var consequences []leaf
	some := false // is explained
	for _, l := range r.planned[rc.Address].leaves {
		switch {
		case d != nil && d.setBack(l), c != nil && (r.touchedBy(c, c.Expressions[l.top()]) || r.echoes(c.Expressions[l.top()], l)):
			some = true
		case l.unknown && (c == nil || c.Expressions[l.top()] == nil), l.kind == kindEmpty:
			consequences = append(consequences, l)
		default:
			leaves = append(leaves, l)
		}
	}
	switch {
	case rc.ActionReason == tfjson.ActionReasonReplaceBecauseTainted:
	case some && len(leaves) == 0:
		return nil, true
	case some:
		return leaves, false
	}
	leaves = append(leaves, consequences...)
	slices.SortStableFunc(leaves, func(a, b leaf) int { return strings.Compare(pathOf(a.steps), pathOf(b.steps)) })
	return leaves, false
}

// withoutEmpty leaves out what is empty before and after.
func withoutEmpty(leaves []leaf) []leaf {
	return slices.DeleteFunc(leaves, func(l leaf) bool { return l.kind == kindEmpty })
}

// setBack says whether a planned change makes what drifted what it was.
func (d *drifting) setBack(planned leaf) bool {
	return !planned.unknown && same(at(d.Change.Before, planned.steps), planned.after) &&
		slices.ContainsFunc(d.leaves, func(l leaf) bool { return l.kind != kindEmpty && overlap(l.steps, planned.steps) })
}

// outputExplained says whether an output takes its value from what drifted.
func (r *driftReader) outputExplained(name string, l leaf) bool {
	root := r.calls[""]
	if root == nil {
		return false
	}
	output := root.module.Outputs[name]
	return output != nil && (r.touched("", referencesOf(output.Expression), make(map[string]bool)) || r.echoes(output.Expression, l))
}

// echoes says whether a change that comes by way of a local value, of which
// nobody knows what it is made of, is the change of what drifted, or waits for a
// resource that is gone.
func (r *driftReader) echoes(e *tfjson.Expression, l leaf) bool {
	if !slices.ContainsFunc(referencesOf(e), func(ref string) bool { return strings.HasPrefix(ref, "local.") }) {
		return false
	}
	for _, d := range r.drifted {
		if l.unknown && d.deleted() || slices.ContainsFunc(d.leaves, func(drifted leaf) bool {
			return !l.unknown && drifted.kind != kindEmpty && same(drifted.before, l.before) && same(drifted.after, l.after)
		}) {
			return true
		}
	}
	return false
}

// touchedBy says whether expressions of a resource take a value from what
// drifted.
func (r *driftReader) touchedBy(c *configured, expressions ...*tfjson.Expression) bool {
	return r.touched(c.module, repeated(referencesOf(expressions...), c.CountExpression, c.ForEachExpression), make(map[string]bool))
}

// repeated adds, to references that mean a single instance's key or value, those
// of what is repeated.
func repeated(references []string, expressions ...*tfjson.Expression) []string {
	if slices.ContainsFunc(references, func(ref string) bool {
		return strings.HasPrefix(ref, "each.") || strings.HasPrefix(ref, "count.")
	}) {
		references = append(references, referencesOf(expressions...)...)
	}
	return references
}

func (r *driftReader) touchedData(c *configured, seen map[string]bool) bool {
	all := []*tfjson.Expression{c.CountExpression, c.ForEachExpression}
	for _, name := range sortedKeys(c.Expressions) {
		all = append(all, c.Expressions[name])
	}
	return r.touched(c.module, slices.Concat(referencesOf(all...), c.DependsOn), seen)
}

// referencesOf lists what expressions refer to. Terraform lists a.b.c as a.b
// too: that one counts only where it stands alone.
func referencesOf(expressions ...*tfjson.Expression) []string {
	var all []string
	for _, e := range expressions {
		if e == nil || e.ExpressionData == nil {
			continue
		}
		all = append(all, e.References...)
		for _, block := range e.NestedBlocks {
			for _, name := range sortedKeys(block) {
				all = append(all, referencesOf(block[name])...)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(ref string) bool {
		return slices.ContainsFunc(all, func(longer string) bool {
			return strings.HasPrefix(longer, ref+".") || strings.HasPrefix(longer, ref+"[")
		})
	})
}

// touched says whether one of the references within a module leads to something
// that drifted, or that changes because of drift.
func (r *driftReader) touched(module string, references []string, seen map[string]bool) bool {
	return slices.ContainsFunc(references, func(ref string) bool {
		key := module + "|" + ref
		if seen[key] {
			return false
		}
		seen[key] = true
		return r.leads(module, parts(ref), seen)
	})
}

func (r *driftReader) leads(module string, ref []string, seen map[string]bool) bool {
	if len(ref) < 2 {
		return false
	}
	call := r.calls[module]
	switch ref[0] {
	case "local", "each", "count", "path", "terraform", "self":
		return false // see echoes and repeated
	case "var":
		return call != nil && call.ModuleCall != nil &&
			r.touched(call.parent, repeated(referencesOf(call.Expressions[ref[1]]), call.CountExpression, call.ForEachExpression), seen)
	case "module":
		inner := join(module, ref[1])
		called := r.calls[inner]
		if called == nil {
			return false
		}
		for _, name := range sortedKeys(called.module.Outputs) {
			output := called.module.Outputs[name]
			if output != nil && (len(ref) == 2 || ref[2] == name) && r.touched(inner, referencesOf(output.Expression), seen) {
				return true
			}
		}
		return false
	case "data":
		if len(ref) < 3 {
			return false
		}
		c := r.config[place(module, tfjson.DataResourceMode, ref[1], ref[2])]
		return c != nil && r.touchedData(c, seen)
	}
	attribute := ""
	if len(ref) > 2 {
		attribute = ref[2]
	}
	return r.touchedResource(place(module, tfjson.ManagedResourceMode, ref[0], ref[1]), attribute, seen)
}

// touchedResource says whether an attribute of a resource's instances, or with
// an empty one any, drifted or changes because of drift.
func (r *driftReader) touchedResource(where, attribute string, seen map[string]bool) bool {
	means := func(l leaf) bool { return attribute == "" || l.top() == attribute }
	c := r.config[where]
	for _, p := range r.places[where] {
		d := r.drifted[p.Address]
		if d != nil && (d.deleted() || slices.ContainsFunc(d.leaves, means)) {
			return true
		}
		if !slices.ContainsFunc(p.leaves, means) && p.action != "create" && p.action != "delete" {
			continue
		}
		if d != nil && d.real() || c != nil && r.touchedData(c, seen) {
			return true
		}
	}
	return false
}
