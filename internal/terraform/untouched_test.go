package terraform

import (
	"fmt"
	"testing"
)

func TestOnlyEmpty(t *testing.T) {
	state := func(attributes string) string {
		return fmt.Sprintf(`{"version": 4, "serial": 1, "resources": [
			{"mode": "managed", "module": "module.a[\"x\"]", "type": "t", "name": "n", "instances": [{"index_key": "k", "schema_version": 1, "attributes": %s}]},
			{"mode": "data", "type": "t", "name": "d", "instances": [{"attributes": {"now": "differs"}}]}
		]}`, attributes)
	}
	for name, test := range map[string]struct {
		before, after string
		paths         []string
		ok            bool
	}{
		"equal":               {`{"a": 1}`, `{"a": 1}`, nil, true},
		"empty":               {`{"a": null, "b": {"c": ""}, "d": [[]]}`, `{"a": {}, "b": {"c": null}, "d": [null]}`, []string{"a", "b.c", "d[0]"}, true},
		"a field that is new": {`{"a": 1}`, `{"a": 1, "b": []}`, []string{"b"}, true},
		"a value":             {`{"a": 1}`, `{"a": 2}`, nil, false},
		"set":                 {`{"a": ""}`, `{"a": "x"}`, nil, false},
		"false is not empty":  {`{"a": null}`, `{"a": false}`, nil, false},
		"zero is not empty":   {`{"a": null}`, `{"a": 0}`, nil, false},
		"a list grew":         {`{"a": [""]}`, `{"a": ["", ""]}`, nil, false},
		"an element":          {`{"a": ["x"]}`, `{"a": ["y"]}`, nil, false},
		"a large number":      {`{"a": 9007199254740993}`, `{"a": 9007199254740992}`, nil, false},
		"no attributes":       {`null`, `null`, nil, false},
	} {
		noise, ok := OnlyEmpty(zipped(t, earlierEntry, state(test.before), stateEntry, state(test.after)))
		var paths []string
		for _, d := range noise {
			if d.Address != `module.a["x"].t.n["k"]` || d.Type != "t" || d.Action != DriftChanged {
				t.Errorf("%s: %+v", name, d)
			}
			for _, a := range d.Attributes {
				paths = append(paths, a.Path)
			}
		}
		if ok != test.ok || fmt.Sprint(paths) != fmt.Sprint(test.paths) {
			t.Errorf("%s: %v, %v", name, paths, ok)
		}
	}
	whole := state(`{}`)
	for name, plan := range map[string][]byte{
		"gone":        zipped(t, earlierEntry, whole, stateEntry, `{"version": 4, "serial": 1, "resources": []}`),
		"new":         zipped(t, earlierEntry, `{"version": 4, "serial": 1, "resources": []}`, stateEntry, whole),
		"no earlier":  zipped(t, stateEntry, whole),
		"not a plan":  []byte("x"),
		"other state": zipped(t, earlierEntry, `{"version": 3}`, stateEntry, whole),
	} {
		if _, ok := OnlyEmpty(plan); ok {
			t.Errorf("%s: nothing but empty values differs", name)
		}
	}
}
