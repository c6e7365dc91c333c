package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Load reads the modules of the given units and checks what can be known
// without running Terraform: that every file of theirs and of the local modules
// they call can be read, that none uses Terraform Cloud, and that no two of
// them would use one state. All that is wrong is told at once, joined, one line
// each.
func (t *Tree) Load(r *Reader, units []*Unit) error {
	units = unique(units, func(*Unit) bool { return true })
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
	problems := slices.Concat(faults...)
	return joined(append(problems, sharedStates(r.fsys, units)...))
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

// sharedStates finds units that would use one state.
func sharedStates(fsys fs.FS, units []*Unit) []string {
	s := &stateFinder{fsys: fsys, resolver: newResolver(fsys), files: map[string]settings{}}
	users := map[string][]*Unit{}
	states := map[string]state{}
	for _, u := range units {
		st, ok := s.find(u)
		if ok {
			users[st.key()] = append(users[st.key()], u)
			states[st.key()] = st
		}
	}
	problems := s.problems
	for key, list := range users {
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
