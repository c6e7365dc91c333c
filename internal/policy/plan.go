package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Plan is what is to be known of a plan beside OPA: what resources it has, and
// which of their values are known only after the apply.
type Plan struct {
	resources []resource
	outputs   []output
	types     map[string]bool
	addresses map[string]bool
}

type resource struct {
	address, kind string
	// place is where the plan has the resource, and where it has it again among
	// the values to come.
	place, planned []string
	unknown        [][]string // paths of its unknown values
	// shape is the same for resources that differ in where they stand in a list.
	shape string
}

type output struct {
	name    string
	unknown [][]string
}

type plannedModule struct {
	Resources []struct {
		Address string `json:"address"`
	} `json:"resources"`
	Children []plannedModule `json:"child_modules"`
}

// ReadPlan reads the output of `show -json PLAN`.
func ReadPlan(data []byte) (*Plan, error) {
	var raw struct {
		Resources []struct {
			Address string `json:"address"`
			Type    string `json:"type"`
			Deposed string `json:"deposed"`
			Change  struct {
				Unknown json.RawMessage `json:"after_unknown"`
			} `json:"change"`
		} `json:"resource_changes"`
		Outputs map[string]struct {
			Unknown json.RawMessage `json:"after_unknown"`
		} `json:"output_changes"`
		Planned struct {
			Root plannedModule `json:"root_module"`
		} `json:"planned_values"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	p := &Plan{types: make(map[string]bool), addresses: make(map[string]bool)}
	planned := make(map[string][]string)
	raw.Planned.Root.places([]string{"planned_values", "root_module"}, planned)
	for i, rc := range raw.Resources {
		unknown, err := unknownPaths(rc.Change.Unknown)
		if err != nil {
			return nil, fmt.Errorf("read the plan: %s: %w", rc.Address, err)
		}
		p.types[rc.Type], p.addresses[rc.Address] = true, true
		r := resource{address: rc.Address, kind: rc.Type, place: []string{"resource_changes", strconv.Itoa(i)}, unknown: unknown}
		if rc.Deposed == "" {
			r.planned = planned[rc.Address]
		}
		r.shape = rc.Type + strings.Repeat("/", len(r.planned)) + string(rc.Change.Unknown)
		p.resources = append(p.resources, r)
	}
	for name, change := range raw.Outputs {
		unknown, err := unknownPaths(change.Unknown)
		if err != nil {
			return nil, fmt.Errorf("read the plan: output %s: %w", name, err)
		}
		p.outputs = append(p.outputs, output{name, unknown})
	}
	slices.SortFunc(p.outputs, func(a, b output) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
	return p, nil
}

func (m plannedModule) places(at []string, places map[string][]string) {
	for i, r := range m.Resources {
		places[r.Address] = below(at, "resources", strconv.Itoa(i))
	}
	for i, child := range m.Children {
		child.places(below(at, "child_modules", strconv.Itoa(i)), places)
	}
}

// Unknown says whether the plan has a value that is known only after the apply.
func (p *Plan) Unknown() bool {
	return slices.ContainsFunc(p.resources, func(r resource) bool { return len(r.unknown) > 0 }) ||
		slices.ContainsFunc(p.outputs, func(o output) bool { return len(o.unknown) > 0 })
}

// unknownPaths are the paths at which a mask is true.
func unknownPaths(mask json.RawMessage) ([][]string, error) {
	if !bytes.Contains(mask, []byte("true")) {
		return nil, nil
	}
	var tree any
	if err := json.Unmarshal(mask, &tree); err != nil {
		return nil, err
	}
	var all [][]string
	var walk func(tree any, at []string)
	walk = func(tree any, at []string) {
		switch t := tree.(type) {
		case bool:
			if t {
				all = append(all, at)
			}
		case map[string]any:
			for _, key := range sortedKeys(t) {
				walk(t[key], below(at, key))
			}
		case []any:
			for i, item := range t {
				walk(item, below(at, strconv.Itoa(i)))
			}
		}
	}
	walk(tree, nil)
	return all, nil
}

// below is a path within another, which it does not share memory with.
func below(at []string, names ...string) []string {
	return append(slices.Clip(at), names...)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
