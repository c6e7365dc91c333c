package terraform

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// leaf is one difference between two values of a resource. Unlike those that
// differences lists, it knows what kind of difference it is.
type leaf struct {
	steps                 []any // names and indexes
	before, after         any
	beforeMask, afterMask any
	sensitive, unknown    bool
	replaces              bool
	kind                  string // see the kinds
	noise                 string
}

// Kinds of differences that may be none.
const (
	kindEmpty = "empty" // of null, {}, [] and ""
	kindFalse = "false" // of null and false
	kindOrder = "order" // of the same elements
)

// top is the attribute's name.
func (l *leaf) top() string {
	if len(l.steps) == 0 {
		return ""
	}
	name, _ := l.steps[0].(string)
	return name
}

// attribute is the last name of the path, "" where it is a map's key: there
// names stand alone, and before those of a block there is an index.
func (l *leaf) attribute() string {
	for i, step := range l.steps {
		if _, isName := step.(string); isName != (i%2 == 0) {
			return ""
		}
	}
	if len(l.steps)%2 == 0 {
		return ""
	}
	name, _ := l.steps[len(l.steps)-1].(string)
	return name
}

// overlap says whether one path is the other or below it.
func overlap(a, b []any) bool {
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n])
}

func (r *driftReader) valueChange(l leaf) ValueChange {
	v := ValueChange{Path: r.scrub.Text(pathOf(l.steps)), Sensitive: l.sensitive, Unknown: l.unknown, Replaces: l.replaces}
	if !l.sensitive {
		v.Before, v.After = shown(l.before, l.beforeMask, r.scrub), shown(l.after, l.afterMask, r.scrub)
	}
	return v
}

// leavesOf lists what differs, in the order of the paths. Lists of which
// elements were added, removed or moved differ as a whole.
func leavesOf(c *tfjson.Change) []leaf {
	w := leafWalker{}
	for _, path := range c.ReplacePaths {
		w.forced.replaces = append(w.forced.replaces, pathOf(path))
	}
	w.walk(nil, leaf{before: c.Before, after: c.After, beforeMask: c.BeforeSensitive, afterMask: c.AfterSensitive}, c.AfterUnknown)
	return w.leaves
}

type leafWalker struct {
	forced differ
	leaves []leaf
}

func (w *leafWalker) add(steps []any, l leaf) {
	l.steps, l.replaces = slices.Clone(steps), w.forced.forces(pathOf(steps))
	w.leaves = append(w.leaves, l)
}

func (w *leafWalker) walk(steps []any, l leaf, unknown any) {
	l.sensitive = masked(l.beforeMask) || masked(l.afterMask)
	if masked(unknown) {
		l.unknown = true
		w.add(steps, l)
		return
	}
	before, beforeIsMap := l.before.(map[string]any)
	after, afterIsMap := l.after.(map[string]any)
	unknownMap, _ := unknown.(map[string]any)
	asMaps := (beforeIsMap || l.before == nil) && (afterIsMap || l.after == nil)
	if keys := keysOf(before, after, unknownMap); asMaps && !l.sensitive && len(keys) > 0 {
		for _, key := range keys {
			w.walk(append(steps, key), leaf{
				before: before[key], after: after[key],
				beforeMask: child(l.beforeMask, key), afterMask: child(l.afterMask, key),
			}, child(unknown, key))
		}
		return
	}
	l.unknown = anyTrue(unknown)
	if reflect.DeepEqual(l.before, l.after) && !l.unknown {
		return
	}
	if positions(l) {
		b, a := l.before.([]any), l.after.([]any)
		for i := range a {
			w.walk(append(steps, i), leaf{
				before: b[i], after: a[i], beforeMask: element(l.beforeMask, i), afterMask: element(l.afterMask, i),
			}, element(unknown, i))
		}
		return
	}
	if !l.unknown {
		l.kind = kindOf(l.before, l.after)
	}
	w.add(steps, l)
}

// positions says whether two lists are to be compared element by element: they
// are of one length, and none of their elements is found in another place.
func positions(l leaf) bool {
	before, beforeIsList := l.before.([]any)
	after, afterIsList := l.after.([]any)
	if l.sensitive || !beforeIsList || !afterIsList || len(before) != len(after) {
		return false
	}
	gone := make(map[string]bool)
	var come []string
	for i := range after {
		if b, a := canonical(before[i]), canonical(after[i]); b != a {
			gone[b] = true
			come = append(come, a)
		}
	}
	return !slices.ContainsFunc(come, func(a string) bool { return gone[a] })
}

func keysOf(all ...map[string]any) []string {
	keys := make(map[string]bool)
	for _, m := range all {
		for key := range m {
			keys[key] = true
		}
	}
	return sortedKeys(keys)
}

// kindOf says what two values that differ have in common, "" for nothing.
func kindOf(before, after any) string {
	switch {
	case isEmpty(before) && isEmpty(after):
		return kindEmpty
	case before == nil && after == false, before == false && after == nil:
		return kindFalse
	case isEmpty(before) || isEmpty(after):
		return ""
	case same(before, after):
		return kindOrder
	}
	return ""
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// same says whether two values are one but for the order of elements and for
// fields that are empty.
func same(a, b any) bool {
	return isEmpty(a) && isEmpty(b) || canonical(a) == canonical(b)
}

// canonical writes a value so that two that mean the same are written alike:
// without fields that are empty or false, the elements of each list sorted, and
// for JSON text what it holds.
func canonical(value any) string {
	var b strings.Builder
	writeCanonical(&b, value, false)
	return b.String()
}

// writeCanonical leaves out no field of what is whole, as JSON text is: who
// reads it may tell false from nothing.
func writeCanonical(b *strings.Builder, value any, whole bool) {
	switch v := value.(type) {
	case map[string]any:
		b.WriteByte('{')
		for _, key := range sortedKeys(v) {
			if whole || !isEmpty(v[key]) && v[key] != false {
				b.WriteString(strconv.Quote(key) + ":")
				writeCanonical(b, v[key], whole)
				b.WriteByte(',')
			}
		}
		b.WriteByte('}')
	case []any:
		elements := make([]string, len(v))
		for i, inner := range v {
			var e strings.Builder
			writeCanonical(&e, inner, whole)
			elements[i] = e.String()
		}
		slices.Sort(elements)
		b.WriteString("[" + strings.Join(elements, ",") + "]")
	case string:
		if inner, ok := jsonWithin(v); ok {
			b.WriteString("text ")
			writeCanonical(b, inner, true)
			return
		}
		b.WriteString(strconv.Quote(v))
	case json.Number:
		b.WriteString(v.String())
	case bool:
		b.WriteString(strconv.FormatBool(v))
	default:
		b.WriteString("null")
	}
}

// jsonWithin is what a text holds that is a JSON object or list.
func jsonWithin(text string) (any, bool) {
	text = strings.TrimSpace(text)
	if text == "" || text[0] != '{' && text[0] != '[' {
		return nil, false
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil || decoder.More() {
		return nil, false
	}
	return value, true
}

// at is what a value holds at steps, nil for nothing.
func at(value any, steps []any) any {
	for _, step := range steps {
		switch s := step.(type) {
		case string:
			inner, _ := value.(map[string]any)
			value = inner[s]
		case int:
			inner, _ := value.([]any)
			if s >= len(inner) {
				return nil
			}
			value = inner[s]
		}
	}
	return value
}
