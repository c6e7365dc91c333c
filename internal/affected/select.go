package affected

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"golang.org/x/sync/errgroup"

	"github.com/strata-tf/strata/internal/stack"
)

// Unit is a unit that a change affects.
type Unit struct {
	*stack.Unit
	// Reasons say why, each from the changed file to the unit.
	Reasons []string
	// Dependency says that only a unit it needs is affected.
	Dependency bool
}

// Ignored is a changed file that affects nothing.
type Ignored struct{ Path, Reason string }

// Result is what the difference between two snapshots affects.
type Result struct {
	Units    []Unit // sorted by id
	Deleted  []*stack.Unit
	Ignored  []Ignored
	Warnings []string
	// Clear tells of every other unit that was looked at why it is not affected.
	Clear map[string]string
}

// Options say which units are looked at.
type Options struct {
	Environment string // empty for all
	Regions     []string
	Dependents  bool // units that need an affected one count too
}

// Select finds the units that the changes from old to new affect.
func Select(old, new *Snapshot, o Options) (*Result, error) {
	tree, warnings, err := discover(new)
	if err != nil {
		return nil, err
	}
	changes := Diff(old, new)
	s := &selection{tree: tree, changes: changes, options: o, warnings: warnings, used: make(map[string]bool), reasons: make(map[string][]string)}
	// A repository that could not be read before is no reason to refuse now:
	// every unit counts as new then.
	var oldErr error
	if sameUnits(old, new, changes) {
		s.before = tree
	} else {
		s.before, _, oldErr = discover(old)
	}
	units := s.units(tree)
	s.match(old, new, units, oldErr != nil)
	s.unknown(units)
	return s.result(units, oldErr), nil
}

// discover finds the units of a snapshot. One without any is empty, no error. A
// folder that has lost its last .tf file is no unit any more, and a warning.
func discover(s *Snapshot) (tree *stack.Tree, warnings []string, err error) {
	config, err := stack.Load(s.FS)
	if err != nil {
		return nil, nil, err
	}
	tree, bare, err := stack.DiscoverWithBare(s.FS, config)
	var none *stack.NoUnitsError
	if errors.As(err, &none) {
		return &stack.Tree{Config: config}, nil, nil
	}
	for _, folder := range bare {
		warnings = append(warnings, folder+" and has no .tf file: it counts as deleted, and plan and deploy refuse it")
	}
	return tree, warnings, err
}

// sameUnits says whether two snapshots have the same units with the same
// settings, as the changes alone tell: these come from strata.yaml and from the
// names of files and folders, through links too.
func sameUnits(old, new *Snapshot, changes []Change) bool {
	for _, change := range changes {
		if change.Kind != "modified" && change.Kind != "mode" || change.Path == stack.ConfigFile || new.entry(change.Path).mode == filemode.Symlink {
			return false
		}
	}
	return !slices.Contains(new.links, stack.ConfigFile)
}

type selection struct {
	tree, before *stack.Tree
	changes      []Change
	options      Options
	used         map[string]bool // changed paths that are an input of some unit
	reasons      map[string][]string
	warnings     []string
}

// units are those of a tree that are looked at.
func (s *selection) units(tree *stack.Tree) []*stack.Unit {
	var units []*stack.Unit
	for _, unit := range tree.Units {
		if s.options.Environment != "" && unit.Environment != s.options.Environment {
			continue
		}
		if len(s.options.Regions) > 0 && !slices.Contains(s.options.Regions, unit.Region) {
			continue
		}
		units = append(units, unit)
	}
	return units
}

// match finds the reasons of the units, several units side by side.
func (s *selection) match(old, new *Snapshot, units []*stack.Unit, asNew bool) {
	names, kinds := changedNames(s.changes)
	closures := NewClosures(new.FS)
	closures.submodules = append(closures.submodules, old.submodules...) // those that are gone too
	workers := runtime.GOMAXPROCS(0)
	found := make([][]match, len(units))
	warnings := make([][]string, len(units))
	backends := make([]bool, len(units))
	var next atomic.Int64
	var group errgroup.Group
	for range workers {
		group.Go(func() error {
			known := make(map[*Inputs][]match)
			for {
				// Neighbours lie beside each other in packs.
				from := int(next.Add(share)) - share
				if from >= len(units) {
					return nil
				}
				for i := from; i < min(from+share, len(units)); i++ {
					in := closures.Unit(units[i])
					found[i], warnings[i], backends[i] = in.matches(names, known), in.warnings(), in.backend
				}
			}
		})
	}
	_ = group.Wait() // the functions return no errors
	for i, unit := range units {
		id := unit.ID()
		var reasons []string
		for _, m := range found[i] {
			name := names[m.at]
			s.used[name] = true
			reasons = append(reasons, name+" ("+kinds[m.at]+") → "+m.why+" → "+id)
		}
		switch was := s.was(id); {
		case asNew || was == nil:
			reasons = append(reasons, "new unit → "+id)
		case was != unit && effective(was, backends[i]) != effective(unit, backends[i]):
			reasons = append(reasons, stack.ConfigFile+" → configuration → "+id)
			s.used[stack.ConfigFile] = true
		}
		if len(reasons) > 0 {
			s.reasons[id] = reasons
			s.warnings = append(s.warnings, warnings[i]...)
		}
	}
}

// share is how many units one worker takes at a time.
const share = 32

// changedNames lists all paths of the changes, sorted, and how each changed.
func changedNames(changes []Change) (names, kinds []string) {
	all := make(map[string]string, len(changes))
	for _, change := range changes {
		for _, name := range change.paths() {
			all[name] = change.Kind
		}
	}
	names = slices.Sorted(maps.Keys(all))
	kinds = make([]string, len(names))
	for i, name := range names {
		kinds[i] = all[name]
	}
	return names, kinds
}

func (s *selection) was(id string) *stack.Unit {
	if s.before == nil {
		return nil
	}
	return s.before.Unit(id)
}

// paths are the path of a change and, for a rename, the one before.
func (c Change) paths() []string {
	if c.From == "" {
		return []string{c.Path}
	}
	return []string{c.Path, c.From}
}

// effective is all that the configuration says of a unit, as text. Without a
// backend block Terraform reads no backend configuration.
func effective(u *stack.Unit, backend bool) string {
	c := *u
	c.Module = nil
	if !backend {
		c.Backend.Config = ""
	}
	data, _ := json.Marshal(c) // strings only
	return string(data)
}

// unknown applies the rules for changed files that are no unit's input.
func (s *selection) unknown(units []*stack.Unit) {
	for _, change := range s.changes {
		for _, name := range change.paths() {
			if s.used[name] {
				continue
			}
			for _, rule := range s.tree.Config.Unknown {
				if !doublestar.MatchUnvalidated(rule.Glob, name) {
					continue
				}
				if rule.Select != "all" {
					s.warnings = append(s.warnings, name+" changed: no unit depends on it (unknown: "+rule.Glob+")")
					break
				}
				s.used[name] = true
				for _, unit := range units {
					s.reasons[unit.ID()] = append(s.reasons[unit.ID()], fmt.Sprintf("%s (%s) → unknown: %s → %s", name, change.Kind, rule.Glob, unit.ID()))
				}
				break
			}
		}
	}
}

func (s *selection) result(units []*stack.Unit, oldErr error) *Result {
	r := &Result{Warnings: s.warnings, Clear: make(map[string]string)}
	if oldErr != nil {
		r.Warnings = append(r.Warnings, "the older state of the repository cannot be read, so that every unit counts as new: "+oldErr.Error())
	}
	dependents := s.dependents()
	for _, unit := range units {
		id := unit.ID()
		reasons, own := s.reasons[id]
		need, dependent := dependents[id]
		switch {
		case own:
			r.Units = append(r.Units, Unit{Unit: unit, Reasons: reasons})
		case dependent:
			r.Units = append(r.Units, Unit{Unit: unit, Reasons: []string{need + " → dependency → " + id}, Dependency: true})
		default:
			r.Clear[id] = fmt.Sprintf("none of the %d changed files is an input of it", len(s.changes))
		}
	}
	if s.before != nil {
		for _, unit := range s.units(s.before) {
			if s.tree.Unit(unit.ID()) == nil {
				r.Deleted = append(r.Deleted, unit)
			}
		}
	}
	r.Ignored = s.ignored(r.Deleted)
	slices.Sort(r.Warnings)
	r.Warnings = slices.Compact(r.Warnings)
	return r
}

// dependents finds the units that need an affected one, and which.
func (s *selection) dependents() map[string]string {
	found := make(map[string]string)
	if !s.options.Dependents {
		return found
	}
	g := s.tree.Graph("")
	for _, id := range slices.Sorted(maps.Keys(s.reasons)) {
		for _, dependent := range g.AllDependents(id) {
			if _, known := found[dependent]; !known {
				found[dependent] = id
			}
		}
	}
	return found
}

// ignored lists the changed files that affect nothing, and why.
func (s *selection) ignored(deleted []*stack.Unit) []Ignored {
	var list []Ignored
	for _, change := range s.changes {
		for _, name := range change.paths() {
			if s.used[name] {
				continue
			}
			reason := "no unit" + s.options.which() + " depends on it"
			if Written(name) {
				reason = "written by Terraform"
			}
			for _, unit := range deleted {
				if within(unit.Path, name) {
					reason = "of the deleted unit " + unit.ID()
				}
			}
			list = append(list, Ignored{name, reason})
		}
	}
	return list
}

// which says which units are looked at, "" for all.
func (o Options) which() string {
	which := ""
	if o.Environment != "" {
		which = " of " + o.Environment
	}
	if len(o.Regions) > 0 {
		which += " in " + strings.Join(o.Regions, ", ")
	}
	return which
}
