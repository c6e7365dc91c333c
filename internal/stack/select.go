package stack

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// SelectOptions says which units are meant.
type SelectOptions struct {
	Environment    string
	All            bool     // all units of the environment
	Only           []string // globs of ids, layers, instances or folders
	WithDependents bool     // also all that needs what was selected, in any region
	Regions        []string // only units of these regions; all if empty
}

// NoSelectionError says that nothing was said about which units are meant.
type NoSelectionError struct{}

// Error says what to say.
func (e *NoSelectionError) Error() string {
	return "nothing selected: say --all, or --only GLOB (for example --only 'clients/*')"
}

// Select lists the units that are meant, sorted by id.
func Select(t *Tree, opts SelectOptions) ([]*Unit, error) {
	units, err := t.candidates(opts)
	if err != nil {
		return nil, err
	}
	switch {
	case opts.All && len(opts.Only) > 0:
		return nil, fmt.Errorf("say either --all or --only, not both")
	case opts.All:
		return t.withDependents(units, opts), nil
	case len(opts.Only) == 0:
		return nil, &NoSelectionError{}
	}
	chosen := map[*Unit]bool{}
	for _, pattern := range opts.Only {
		matching, err := matching(units, pattern)
		if err != nil {
			return nil, err
		}
		for _, u := range matching {
			chosen[u] = true
		}
	}
	selected := slices.DeleteFunc(units, func(u *Unit) bool { return !chosen[u] })
	return t.withDependents(selected, opts), nil
}

// candidates lists the units of the environment and the regions.
func (t *Tree) candidates(opts SelectOptions) ([]*Unit, error) {
	if err := t.Config.CheckEnvironment(opts.Environment); err != nil {
		return nil, err
	}
	units := t.Environment(opts.Environment)
	if len(units) == 0 {
		return nil, fmt.Errorf("environment %s has no units", opts.Environment)
	}
	if len(opts.Regions) == 0 {
		return units, nil
	}
	regions := map[string]bool{}
	for _, u := range units {
		regions[u.Region] = true
	}
	for _, region := range opts.Regions {
		if !regions[region] {
			return nil, fmt.Errorf("environment %s has no region %q: there are %s", opts.Environment, region,
				strings.Join(slices.Sorted(maps.Keys(regions)), ", "))
		}
	}
	return slices.DeleteFunc(units, func(u *Unit) bool { return !slices.Contains(opts.Regions, u.Region) }), nil
}

// CheckEnvironment refuses a name that is no environment's.
func (c *Config) CheckEnvironment(name string) error {
	if _, ok := c.Environments[name]; ok {
		return nil
	}
	existing := slices.Sorted(maps.Keys(c.Environments))
	if name == "" {
		return fmt.Errorf("no environment given: there are %s", strings.Join(existing, ", "))
	}
	message := fmt.Sprintf("there is no environment %q: there are %s", name, strings.Join(existing, ", "))
	if near := nearest(name, existing, 1); len(near) > 0 {
		message += fmt.Sprintf("; did you mean %q?", near[0])
	}
	return errors.New(message)
}

// matching lists the units that one pattern means.
func matching(units []*Unit, pattern string) ([]*Unit, error) {
	if !doublestar.ValidatePattern(pattern) {
		return nil, fmt.Errorf("--only %q is not a valid glob", pattern)
	}
	var found []*Unit
	for _, u := range units {
		if u.Matches(pattern) {
			found = append(found, u)
		}
	}
	if len(found) == 0 {
		return nil, unmatched(units, pattern)
	}
	return found, nil
}

// Matches says whether a glob, as --only takes it, means the unit.
func (u *Unit) Matches(pattern string) bool {
	return slices.ContainsFunc(u.spellings(), func(s string) bool { return doublestar.MatchUnvalidated(pattern, s) })
}

// spellings lists what people may call a unit: its folder, its layer, and its
// id with less and less at its end.
func (u *Unit) spellings() []string {
	id := u.ID()
	short := strings.TrimSuffix(id, ":"+u.Environment)
	return []string{id, short, strings.TrimSuffix(short, "@"+u.Region), u.Layer, u.Path}
}

func unmatched(units []*Unit, pattern string) error {
	word := strings.Trim(pattern, "*/")
	spelled := map[string]string{} // spelling -> id
	for _, u := range units {
		for _, s := range u.spellings() {
			if _, ok := spelled[s]; !ok {
				spelled[s] = u.ID()
			}
		}
	}
	var ids []string
	for _, near := range nearest(word, slices.Collect(maps.Keys(spelled)), 5) {
		if !slices.Contains(ids, spelled[near]) {
			ids = append(ids, spelled[near])
		}
	}
	if len(ids) > 0 {
		return fmt.Errorf("--only %q matches no unit: did you mean %s?", pattern, strings.Join(ids[:min(3, len(ids))], ", "))
	}
	all := make([]string, len(units))
	for i, u := range units {
		all[i] = u.ID()
	}
	return fmt.Errorf("--only %q matches no unit (there are %s)", pattern, enumerate(all, 5))
}

// withDependents adds what needs the selected units, if that is wanted.
func (t *Tree) withDependents(selected []*Unit, opts SelectOptions) []*Unit {
	if !opts.WithDependents {
		return selected
	}
	ids := make([]string, len(selected))
	for i, u := range selected {
		ids[i] = u.ID()
	}
	ids = append(ids, t.Graph(opts.Environment).AllDependents(ids...)...)
	slices.Sort(ids)
	units := make([]*Unit, len(ids))
	for i, id := range ids {
		units[i] = t.Unit(id)
	}
	return units
}
