package pipeline

import (
	"errors"
	"fmt"
	"slices"

	"github.com/strata-tf/strata/internal/contract"
	"github.com/strata-tf/strata/internal/stack"
)

// selectUnits picks the units of the run, reads their code and that of their
// needs, and finds what they read from these.
//
// Units that are named run. Where none is, plan takes those that the changes
// since a base affect, and deploy those whose records do not hold any more.
func (s *session) selectUnits(verb string) error {
	s.all = s.tree.Graph(s.Select.Environment)
	chosen := s.Select
	named := chosen.All || len(chosen.Only) > 0
	if named && s.Changes.Base != "" {
		return errors.New("--base selects what has changed since then, --all and --only what they name: say one")
	}
	s.byRecords = verb == "deploy" && !named && s.Changes.Base == "" && s.OpenRecords != nil
	wide := verb == "drift" || verb == "scan" || verb == "validate" // all is looked at where nothing is said
	byChanges := !named && !s.byRecords && (!wide && gatesOf(verb) != nil || s.Changes.Base != "")
	s.compares, s.named = byChanges, len(chosen.Only)+len(chosen.Regions) > 0 || byChanges
	if s.byRecords || byChanges || wide && !named {
		chosen.All = true // of which those are left that are asked for
	}
	units, err := stack.Select(s.tree, chosen)
	if err != nil {
		return err
	}
	if byChanges {
		if units, err = s.changed(verb, units); err != nil {
			return err
		}
	}
	strict := units
	if wide {
		strict = nil // code that cannot be read is not what was deployed, or is to be found
	}
	if err := errors.Join(s.read(strict, s.remembers(verb)), s.bind(strict)); err != nil {
		return err
	}
	if err := s.remember(verb); err != nil {
		return err
	}
	if s.byRecords && s.memory != nil {
		units = s.outdated(units)
	}
	if len(units) != 1 && len(s.Targets)+len(s.Replace) > 0 {
		return fmt.Errorf("--target and --replace name resources of one unit, and %d are selected: select it alone with --only", len(units))
	}
	s.units, s.graph = units, s.all.Subgraph(ids(units))
	s.expect()
	return nil
}

// changed picks those of the units that the changes since the base affect.
func (s *session) changed(verb string, units []*stack.Unit) ([]*stack.Unit, error) {
	if s.Repository == nil {
		return nil, fmt.Errorf("%w; what has changed cannot be told: %w", &stack.NoSelectionError{}, s.noRepository())
	}
	s.Changes.WorkingTree, s.Changes.Dependents = true, s.Changes.Dependents || verb == "deploy"
	found, err := s.findAffected(s.config)
	if err != nil {
		return nil, err
	}
	for _, unit := range found.Units {
		s.why[unit.ID()] = unit.Reasons
	}
	total := len(units)
	units = slices.DeleteFunc(units, func(u *stack.Unit) bool { return s.why[u.ID()] == nil })
	s.notes = append(s.notes, found.Notes...)
	s.notes = append(s.notes, fmt.Sprintf("%d of %d units are affected (--all takes every unit)", len(units), total))
	s.warnings = append(s.warnings, found.Warnings...)
	for _, unit := range found.Deleted {
		s.warnings = append(s.warnings, fmt.Sprintf("%s is deleted: what it holds stays until it is destroyed", unit.ID()))
	}
	return units, nil
}

func ids(units []*stack.Unit) []string {
	list := make([]string, len(units))
	for i, unit := range units {
		list[i] = unit.ID()
	}
	return list
}

// read reads the code of the units and of all they need. Where records are kept
// it reads what it can of the environment's other units: they tell which outputs
// are read at all.
func (s *session) read(units []*stack.Unit, remembers bool) error {
	selected := make(map[string]bool)
	for _, id := range append(s.all.AllNeeds(ids(units)...), ids(units)...) {
		selected[id] = true
	}
	var needed, others []*stack.Unit
	for _, unit := range s.tree.Environment(s.Select.Environment) {
		if selected[unit.ID()] {
			needed = append(needed, unit)
		} else {
			others = append(others, unit)
		}
	}
	if err := s.tree.Load(s.reader, needed); err != nil {
		return err
	}
	if remembers {
		_ = s.tree.Load(s.reader, others) // what is wrong with them is theirs
	}
	return nil
}

// bind finds what each unit reads from its needs. Only of the given units is
// it an error where that cannot be told.
func (s *session) bind(units []*stack.Unit) error {
	s.bindings = make(map[string][]contract.Binding)
	strict := make(map[string]bool)
	for _, unit := range units {
		strict[unit.ID()] = true
	}
	var errs []error
	for _, unit := range s.tree.Environment(s.Select.Environment) {
		if unit.Module == nil {
			continue
		}
		var needs []*stack.Unit
		for _, id := range s.all.AllNeeds(unit.ID()) {
			if need := s.tree.Unit(id); need.Module != nil {
				needs = append(needs, need)
			}
		}
		bindings, err := contract.Bindings(unit, needs)
		if err != nil && strict[unit.ID()] {
			errs = append(errs, err)
		}
		s.bindings[unit.ID()] = bindings
	}
	return errors.Join(errs...)
}

// expect notes which outputs will be asked for: by the units of this run or,
// where records are kept, by any.
func (s *session) expect() {
	read := s.bindings
	if s.memory == nil {
		read = make(map[string][]contract.Binding)
		for _, unit := range s.units {
			read[unit.ID()] = s.bindings[unit.ID()]
		}
	}
	s.values.expect(read)
}
