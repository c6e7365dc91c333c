package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Load reads the modules of the given units and checks what can be known
// without running Terraform: that every file of theirs and of the local modules
// they call can be read, that none uses Terraform Cloud, and that none would
// use the state of any other unit of the repository, of whichever environment.
// All that is wrong is told at once, joined, one line each; what is wrong with
// the other units is theirs.
func (t *Tree) Load(r *Reader, units []*Unit) error {
	units = unique(units, func(*Unit) bool { return true })
	problems := readAll(r, units)
	given := make(map[*Unit]bool, len(units))
	for _, u := range units {
		given[u] = true
	}
	var others []*Unit
	for _, u := range t.Units {
		if !given[u] {
			other := *u
			others = append(others, &other)
		}
	}
	_ = readAll(r, others)
	others = slices.DeleteFunc(others, func(u *Unit) bool { return u.Module == nil })
	return joined(append(problems, sharedStates(r.fsys, units, others)...))
}

// readAll reads units side by side and returns what is wrong with them.
func readAll(r *Reader, units []*Unit) []string {
	faults := make([][]string, len(units))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, u := range units {
		group.Go(func() error {
			faults[i] = load(r, u)
			return nil
		})
	}
	_ = group.Wait() // the functions return no errors
	return slices.Concat(faults...)
}

// load reads one unit's module and those that it calls.
func load(r *Reader, u *Unit) []string {
	modules, err := r.Tree(u.Path)
	var faulty *ModuleError
	switch {
	case errors.As(err, &faulty):
	case err != nil:
		return []string{fmt.Sprintf("%s: %v", u.ID(), err)}
	}
	u.Module = modules[u.Path]
	var problems []string
	if faulty != nil {
		for _, p := range faulty.Problems {
			problems = append(problems, p.String())
		}
	}
	if cloud := u.Module.Cloud; cloud != nil {
		problems = append(problems, fmt.Sprintf(
			"%s: %s has a cloud block: Terraform Cloud is not supported; use a backend block", cloud, u.ID()))
	}
	return problems
}

// sharedStates finds units that would use the state of another one, be it one of
// the others.
func sharedStates(fsys fs.FS, units, others []*Unit) []string {
	s := &stateFinder{fsys: fsys, resolver: newResolver(fsys), files: map[string]settings{}}
	users := map[string][]*Unit{}
	states := map[string]state{}
	add := func(u *Unit) {
		if st, ok := s.find(u); ok {
			users[st.key()] = append(users[st.key()], u)
			states[st.key()] = st
		}
	}
	for _, u := range units {
		add(u)
	}
	problems := s.problems
	asked := maps.Clone(users)
	for _, u := range others {
		add(u)
	}
	for key := range asked {
		list := users[key]
		if len(list) < 2 {
			continue
		}
		var ids []string
		for _, u := range list {
			ids = append(ids, u.ID())
		}
		slices.Sort(ids)
		problems = append(problems, fmt.Sprintf("%s would use one state (%s): %s",
			enumerate(ids, 4), states[key], states[key].remedy()))
	}
	return problems
}
