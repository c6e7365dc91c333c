package pipeline

import (
	"errors"
	"maps"
	"slices"

	"github.com/strata-tf/strata/internal/graph"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// Units lists the repository's units: of one environment, or (with environment
// empty) of all; none of their code is read.
func Units(o Options) ([]*stack.Unit, error) {
	s, err := openUnits(o)
	if err != nil {
		return nil, err
	}
	if o.Select.Environment == "" {
		if len(o.Select.Regions) > 0 {
			return nil, errors.New("--region goes with --env: say which environment")
		}
		return s.tree.Units, nil
	}
	return stack.Select(s.tree, stack.SelectOptions{Environment: o.Select.Environment, All: true, Regions: o.Select.Regions})
}

// Graph returns which of an environment's units need which.
func Graph(o Options) (*graph.Graph, error) {
	s, err := openUnits(o)
	if err != nil {
		return nil, err
	}
	units, err := stack.Select(s.tree, o.Select)
	if err != nil {
		return nil, err
	}
	return s.tree.Graph(o.Select.Environment).Subgraph(ids(units)), nil
}

// openUnits reads the repository, for verbs that need no run.
func openUnits(o Options) (*session, error) {
	s := &session{Options: o, results: make(map[string]*report.Unit), why: make(map[string][]string), turns: &turns{}}
	if s.Progress == nil {
		s.Progress = report.Discard{}
	}
	if err := terraform.CheckEnv(o.Environ); err != nil {
		return nil, err
	}
	return s, s.load()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Check reads the configuration and the code of every unit, and returns their
// number.
func Check(o Options) (int, error) {
	s, err := openUnits(o)
	if err != nil {
		return 0, err
	}
	return len(s.tree.Units), s.tree.Load(s.reader, s.tree.Units)
}
