package terraform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

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
		if rc.Change == nil {
			continue
		}
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
	return &tfjson.Change{
		Actions: c.Actions, AfterUnknown: c.AfterUnknown, ReplacePaths: c.ReplacePaths,
		BeforeSensitive: c.BeforeSensitive, AfterSensitive: c.AfterSensitive,
		Before: shown(mask(c.Before, c.BeforeSensitive), scrub),
		After:  shown(mask(c.After, c.AfterSensitive), scrub),
	}
}

// sensitiveValues lists the values that the masks of a plan mark.
func sensitiveValues(raw *tfjson.Plan) []string {
	found := make(map[string]bool)
	add := func(c *tfjson.Change) {
		if c != nil {
			collect(c.Before, c.BeforeSensitive, found)
			collect(c.After, c.AfterSensitive, found)
		}
	}
	for _, rc := range raw.ResourceChanges {
		add(rc.Change)
	}
	for _, c := range raw.OutputChanges {
		add(c)
	}
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

// mask returns value with what its mask marks replaced.
func mask(value, m any) any {
	if value == nil {
		return nil
	}
	if masked(m) {
		return hidden
	}
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, inner := range v {
			out[key] = mask(inner, child(m, key))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = mask(inner, element(m, i))
		}
		return out
	}
	return value
}

// shown returns value as JSON without the scrubber's values; nil for nothing.
func shown(value any, scrub *runner.Scrubber) json.RawMessage {
	if value == nil {
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil
	}
	clean := scrub.Bytes(bytes.TrimSpace(b.Bytes()))
	if !json.Valid(clean) {
		return json.RawMessage(`"` + hidden + `"`)
	}
	return clean
}

// differences lists what changes, leaf by leaf, in the order of the paths.
func differences(c *tfjson.Change, scrub *runner.Scrubber) []ValueChange {
	d := differ{scrub: scrub, replaces: make(map[string]bool)}
	for _, path := range c.ReplacePaths {
		d.replaces[pathOf(path)] = true
	}
	d.walk("", c.Before, c.After, c.BeforeSensitive, c.AfterSensitive, c.AfterUnknown)
	return d.changes
}

type differ struct {
	scrub    *runner.Scrubber
	replaces map[string]bool
	changes  []ValueChange
}

func (d *differ) walk(path string, before, after, beforeMask, afterMask, unknown any) {
	sensitive := masked(beforeMask) || masked(afterMask)
	if masked(unknown) {
		v := ValueChange{Path: path, Sensitive: sensitive, Unknown: true, Replaces: d.replaces[path]}
		if !sensitive {
			v.Before = shown(mask(before, beforeMask), d.scrub)
		}
		d.changes = append(d.changes, v)
		return
	}
	if sensitive {
		if !reflect.DeepEqual(before, after) {
			d.changes = append(d.changes, ValueChange{Path: path, Sensitive: true, Replaces: d.replaces[path]})
		}
		return
	}
	b, bIsMap := before.(map[string]any)
	a, aIsMap := after.(map[string]any)
	u, uIsMap := unknown.(map[string]any)
	if (bIsMap || before == nil) && (aIsMap || after == nil) && (bIsMap || aIsMap || uIsMap) {
		keys := maps.Clone(b)
		if keys == nil {
			keys = make(map[string]any)
		}
		maps.Copy(keys, a)
		maps.Copy(keys, u)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			d.walk(join(path, key), b[key], a[key], child(beforeMask, key), child(afterMask, key), child(unknown, key))
		}
		return
	}
	bl, bIsList := before.([]any)
	al, aIsList := after.([]any)
	if bIsList && aIsList && len(bl) == len(al) {
		for i := range al {
			d.walk(path+"["+strconv.Itoa(i)+"]", bl[i], al[i], element(beforeMask, i), element(afterMask, i), element(unknown, i))
		}
		return
	}
	if reflect.DeepEqual(before, after) && !anyTrue(unknown) {
		return
	}
	d.changes = append(d.changes, ValueChange{
		Path: path, Unknown: anyTrue(unknown), Replaces: d.replaces[path],
		Before: shown(mask(before, beforeMask), d.scrub), After: shown(mask(after, afterMask), d.scrub),
	})
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
