package terraform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/strata-tf/strata/internal/runner"
)

// This file is the one place where values of a plan become fit to be seen.

const hidden = "(sensitive)"

// redact returns a document of the same form with resource and output changes
// only, their sensitive values replaced. Variables, prior state, planned
// values and the configuration's constants hold secrets in plain text, and are
// not copied.
func redact(raw *tfjson.Plan, scrub *runner.Scrubber) *tfjson.Plan {
	out := &tfjson.Plan{FormatVersion: raw.FormatVersion, TerraformVersion: raw.TerraformVersion}
	for _, rc := range raw.ResourceChanges {
		out.ResourceChanges = append(out.ResourceChanges, &tfjson.ResourceChange{
			Address: rc.Address, PreviousAddress: rc.PreviousAddress, ModuleAddress: rc.ModuleAddress,
			Mode: rc.Mode, Type: rc.Type, Name: rc.Name, Index: rc.Index, ProviderName: rc.ProviderName,
			DeposedKey: rc.DeposedKey, ActionReason: rc.ActionReason, Change: redactChange(rc.Change, scrub),
		})
	}
	for name, change := range raw.OutputChanges {
		if out.OutputChanges == nil {
			out.OutputChanges = make(map[string]*tfjson.Change)
		}
		out.OutputChanges[name] = redactChange(change, scrub)
	}
	return out
}

func redactChange(c *tfjson.Change, scrub *runner.Scrubber) *tfjson.Change {
	// Masks have the names of what they belong to.
	named := func(m any) any { return clean(m, nil, scrub) }
	out := &tfjson.Change{
		Actions: c.Actions, AfterUnknown: named(c.AfterUnknown),
		BeforeSensitive: named(c.BeforeSensitive), AfterSensitive: named(c.AfterSensitive),
		Before: clean(c.Before, c.BeforeSensitive, scrub), After: clean(c.After, c.AfterSensitive, scrub),
	}
	for _, path := range c.ReplacePaths {
		out.ReplacePaths = append(out.ReplacePaths, named(path))
	}
	return out
}

// sensitiveValues lists the values that a plan marks: those of its masks, and
// those of the root's variables that are declared sensitive.
func sensitiveValues(raw *tfjson.Plan) []string {
	found := make(map[string]bool)
	add := func(c *tfjson.Change) {
		collect(c.Before, c.BeforeSensitive, found)
		collect(c.After, c.AfterSensitive, found)
	}
	for _, rc := range raw.ResourceChanges {
		add(rc.Change)
	}
	for _, c := range raw.OutputChanges {
		add(c)
	}
	if raw.Config != nil && raw.Config.RootModule != nil {
		for name, declared := range raw.Config.RootModule.Variables {
			if given := raw.Variables[name]; given != nil && declared != nil && declared.Sensitive {
				collect(given.Value, true, found)
			}
		}
	}
	return sortedKeys(found)
}

// Leaves lists the strings and numbers within a JSON value.
func Leaves(raw json.RawMessage) []string {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return nil
	}
	found := make(map[string]bool)
	collect(value, true, found)
	return sortedKeys(found)
}

// collect adds the strings and numbers within value that its mask marks.
func collect(value, m any, found map[string]bool) {
	if !anyTrue(m) {
		return
	}
	switch v := value.(type) {
	case string:
		found[v] = true
	case json.Number:
		found[v.String()] = true
	case map[string]any:
		for key, inner := range v {
			collect(inner, child(m, key), found)
		}
	case []any:
		for i, inner := range v {
			collect(inner, element(m, i), found)
		}
	}
}

// clean returns value without what its mask marks and without the scrubber's
// values.
func clean(value, m any, scrub *runner.Scrubber) any {
	if value != nil && masked(m) {
		return hidden
	}
	switch v := value.(type) {
	case string:
		return scrub.Text(v)
	case json.Number:
		if scrub.Text(v.String()) != v.String() {
			return hidden
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, inner := range v {
			out[scrub.Text(key)] = clean(inner, child(m, key), scrub)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = clean(inner, element(m, i), scrub)
		}
		return out
	}
	return value
}

// shown is what clean returns as JSON, nil for nothing.
func shown(value, m any, scrub *runner.Scrubber) json.RawMessage {
	if value == nil {
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(clean(value, m, scrub)); err != nil {
		return nil
	}
	return bytes.TrimSpace(b.Bytes())
}

// differences lists what changes, leaf by leaf, in the order of the paths.
func differences(c *tfjson.Change, scrub *runner.Scrubber) []ValueChange {
	d := differ{scrub: scrub}
	for _, path := range c.ReplacePaths {
		d.replaces = append(d.replaces, pathOf(path))
	}
	d.walk("", c.Before, c.After, c.BeforeSensitive, c.AfterSensitive, c.AfterUnknown)
	return d.changes
}

type differ struct {
	scrub    *runner.Scrubber
	replaces []string
	changes  []ValueChange
}

func (d *differ) walk(path string, before, after, beforeMask, afterMask, unknown any) {
	change := ValueChange{Path: d.scrub.Text(path), Replaces: d.forces(path)}
	change.Sensitive = masked(beforeMask) || masked(afterMask)
	if masked(unknown) {
		change.Unknown = true
		if !change.Sensitive {
			change.Before = shown(before, beforeMask, d.scrub)
		}
		d.changes = append(d.changes, change)
		return
	}
	if change.Sensitive {
		if !reflect.DeepEqual(before, after) {
			d.changes = append(d.changes, change)
		}
		return
	}
	b, bIsMap := before.(map[string]any)
	a, aIsMap := after.(map[string]any)
	u, uIsMap := unknown.(map[string]any)
	if (bIsMap || before == nil) && (aIsMap || after == nil) && (bIsMap || aIsMap || uIsMap) {
		keys := make(map[string]any)
		for _, m := range []map[string]any{b, a, u} {
			maps.Copy(keys, m)
		}
		for _, key := range sortedKeys(keys) {
			d.walk(join(path, key), b[key], a[key], child(beforeMask, key), child(afterMask, key), child(unknown, key))
		}
		if len(keys) > 0 || path == "" {
			return
		}
	}
	bl, bIsList := before.([]any)
	al, aIsList := after.([]any)
	if bIsList && aIsList && len(bl) == len(al) {
		for i := range al {
			d.walk(path+"["+strconv.Itoa(i)+"]", bl[i], al[i], element(beforeMask, i), element(afterMask, i), element(unknown, i))
		}
		return
	}
	change.Unknown = anyTrue(unknown)
	if reflect.DeepEqual(before, after) && !change.Unknown {
		return
	}
	change.Before, change.After = shown(before, beforeMask, d.scrub), shown(after, afterMask, d.scrub)
	d.changes = append(d.changes, change)
}

// forces says whether a path that forces the replacement is this one, above it
// or below it.
func (d *differ) forces(path string) bool {
	return slices.ContainsFunc(d.replaces, func(r string) bool { return within(path, r) || within(r, path) })
}

// within says whether a path is the other one or below it.
func within(path, other string) bool {
	rest, ok := strings.CutPrefix(path, other)
	return ok && (rest == "" || other == "" || rest[0] == '.' || rest[0] == '[')
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// pathOf writes a replace path as differences writes paths.
func pathOf(path any) string {
	steps, _ := path.([]any)
	var out string
	for _, step := range steps {
		switch s := step.(type) {
		case string:
			out = join(out, s)
		default:
			out += "[" + fmt.Sprint(s) + "]"
		}
	}
	return out
}

// Masks are true, false, or the form of the value they belong to.

func masked(m any) bool { b, ok := m.(bool); return ok && b }

func child(m any, key string) any {
	if inner, ok := m.(map[string]any); ok {
		return inner[key]
	}
	return m
}

func element(m any, i int) any {
	if inner, ok := m.([]any); ok {
		if i < len(inner) {
			return inner[i]
		}
		return nil
	}
	return m
}

func anyTrue(m any) bool {
	switch v := m.(type) {
	case bool:
		return v
	case map[string]any:
		for _, inner := range v {
			if anyTrue(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, anyTrue)
	}
	return false
}
