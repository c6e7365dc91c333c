package stack

import (
	"errors"
	"maps"
	"slices"

	"github.com/strata-tf/strata/internal/graph"
)

// Tree is all units of a repository.
type Tree struct {
	Config *Config
	Units  []*Unit // sorted by id

	byID map[string]*Unit
}

// newTree sorts the units and resolves their needs and inputs.
func newTree(cfg *Config, units []*Unit) (*Tree, []string) {
	t := &Tree{Config: cfg, byID: make(map[string]*Unit, len(units))}
	for _, u := range units {
		t.byID[u.ID()] = u
	}
	t.Units = make([]*Unit, 0, len(units))
	for _, id := range slices.Sorted(maps.Keys(t.byID)) {
		t.Units = append(t.Units, t.byID[id])
	}
	problems := resolveNeeds(t)
	if len(problems) > 0 {
		return t, problems
	}
	var cycle *graph.CycleError
	if _, err := graph.New(t.needs("")); errors.As(err, &cycle) {
		problems = append(problems, "units need each other in a circle: "+cycle.Error())
	}
	return t, problems
}

// Unit is the unit with the id, nil if there is none.
func (t *Tree) Unit(id string) *Unit { return t.byID[id] }

// Environment lists the units of one environment, sorted by id.
func (t *Tree) Environment(name string) []*Unit {
	var units []*Unit
	for _, u := range t.Units {
		if u.Environment == name {
			units = append(units, u)
		}
	}
	return units
}

// Graph is the needs between the units of one environment, or between all units
// if none is named.
func (t *Tree) Graph(environment string) *graph.Graph {
	g, err := graph.New(t.needs(environment))
	if err != nil {
		// Discover refuses circles, and needs never leave the environment.
		panic("stack: " + err.Error())
	}
	return g
}

func (t *Tree) needs(environment string) map[string][]string {
	needs := make(map[string][]string, len(t.Units))
	for _, u := range t.Units {
		if environment == "" || u.Environment == environment {
			needs[u.ID()] = u.Needs
		}
	}
	return needs
}
