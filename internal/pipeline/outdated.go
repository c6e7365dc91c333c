package pipeline

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/stack"
)

// outdated picks those of the units whose records do not hold any more, and
// what needs them.
func (s *session) outdated(units []*stack.Unit) []*stack.Unit {
	m := s.memory
	for _, unit := range s.tree.Environment(s.Select.Environment) {
		if reason := s.outdatedBecause(unit); reason != "" {
			m.reasons[unit.ID()] = reason
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.reasons)) {
		for _, dependent := range s.all.AllDependents(id) {
			if m.reasons[dependent] == "" {
				m.reasons[dependent] = dependency
			}
			s.because(dependent, id)
		}
		s.why[id] = append([]string{m.reasons[id]}, s.why[id]...)
	}
	total := len(units)
	units = slices.DeleteFunc(units, func(u *stack.Unit) bool { return m.reasons[u.ID()] == "" })
	s.notes = append(s.notes, fmt.Sprintf("%d of %d units are not as their records say (--all takes every unit)", len(units), total))
	if !s.DestroyDeleted {
		for _, gone := range s.deleted() {
			s.warnings = append(s.warnings, s.tellDeleted(gone))
		}
	}
	return units
}

// dependency is the reason of a unit that runs only for what it needs.
const dependency = "dependency"

// because notes that a unit runs because another does, which it needs.
func (s *session) because(id, need string) {
	if len(s.why[id]) == 0 {
		s.why[id] = []string{need + " → " + dependency}
	}
}

// outdatedBecause is why a unit's record does not hold any more, "" where it
// does.
func (s *session) outdatedBecause(unit *stack.Unit) string {
	id := unit.ID()
	r, known := s.memory.records[id]
	switch {
	case !known:
		return "no record"
	case r.Attempt != nil:
		return "its last apply did not succeed"
	case !r.SameState(unit):
		return "its state is elsewhere than its record says"
	case s.memory.closures[id] == unknownClosure:
		return "git ignores its folder, so that nothing tells whether it has changed"
	case !r.Holds(s.memory.closures[id]):
		return "changed since " + short(r.Commit)
	}
	for _, b := range s.bindings[id] {
		need, known := s.memory.records[b.From.Unit]
		if !known {
			return "no record of " + b.From.Unit
		}
		if used, now := r.Values[b.From.String()], need.Outputs[b.From.Output]; used == "" || used != now {
			return fmt.Sprintf("output %s of %s changed", b.From.Output, b.From.Unit)
		}
	}
	given, err := s.given(unit)
	if err != nil {
		return err.Error()
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if now := given[name]; now == "" || now != r.Values[name] {
			return strings.TrimPrefix(name, givenPrefix) + " changed"
		}
	}
	for name := range r.Values {
		// A secret that is not given now is not known to be another one.
		_, still := given[name]
		if !still && strings.HasPrefix(name, givenPrefix) && !strings.HasPrefix(name, givenPrefix+"secret ") {
			return strings.TrimPrefix(name, givenPrefix) + " was given before, and is not now"
		}
	}
	return ""
}

// givenPrefix begins the names of values that come from outside of the
// repository. No unit's id begins so.
const givenPrefix = "given "

// given are the digests of what a unit is given from outside of the repository:
// secrets, --var-file and TF_VAR_ variables.
func (s *session) given(unit *stack.Unit) (map[string]string, error) {
	digests := make(map[string]string)
	add := func(name string, value []byte) {
		text, _ := json.Marshal(string(value)) // a string has JSON
		digests[givenPrefix+name] = s.memory.key.Digest(unit.ID(), givenPrefix+name, text)
	}
	for _, name := range unit.Secrets {
		if value, ok := s.secret(name); ok {
			add("secret "+name, []byte(value))
		}
	}
	names := make(map[string]int)
	for _, file := range s.VarFiles {
		data, err := s.readVarFile(file)
		if err != nil {
			return nil, fmt.Errorf("--var-file: %w", err)
		}
		// Where the folder is may differ from job to job: the name and its place
		// among those of one name tell the files apart.
		name := "variable file " + path.Base(filepath.ToSlash(file))
		if n := names[name]; n > 0 {
			add(fmt.Sprintf("%s (%d)", name, n+1), data)
		} else {
			add(name, data)
		}
		names[name]++
	}
	for _, pair := range s.Environ {
		name, value, _ := strings.Cut(pair, "=")
		if variable, ok := strings.CutPrefix(name, "TF_VAR_"); ok && unit.Module != nil {
			if _, declared := unit.Module.Variables[variable]; declared {
				add(name, []byte(value))
			}
		}
	}
	return digests, nil
}

// readVarFile reads a file given with --var-file: absolute, or of the
// repository.
func (s *session) readVarFile(name string) ([]byte, error) {
	if filepath.IsAbs(name) {
		return os.ReadFile(name)
	}
	return fs.ReadFile(s.Source, path.Clean(filepath.ToSlash(name)))
}

// usedValues are the digests of the values a unit is given: those of its needs,
// by the output they come from, and those from outside.
func (r *unitRun) usedValues(g gathered) map[string]string {
	digests, err := r.given(r.unit)
	if err != nil {
		digests = map[string]string{givenPrefix: ""} // equal to nothing
	}
	for _, b := range r.bindings[r.unit.ID()] {
		if value, ok := g.values[b.Variable]; ok {
			digests[b.From.String()] = r.memory.key.Digest(b.From.Unit, b.From.Output, value)
		}
	}
	return digests
}

// pruned says whether the unit need not be planned: it was selected only for
// what it needs, every value it reads is the one it was deployed with, and it
// has no other link to the rest. When in doubt it is planned.
func (r *unitRun) pruned(g gathered) bool {
	id := r.unit.ID()
	if r.NoPrune || !r.byRecords || r.memory.reasons[id] != dependency || len(r.bindings[id]) == 0 {
		return false
	}
	r.memory.learning.Lock()
	known, ok := r.memory.records[id]
	r.memory.learning.Unlock()
	if !ok || !known.Current(r.memory.closures[id], r.usedValues(g)) {
		return false
	}
	modules, err := r.reader.Tree(r.unit.Path)
	if err != nil {
		return false
	}
	for _, module := range modules {
		foreign := func(c stack.Call) bool { return c.Dir == "" } // who knows what it reads
		if module.Reads || slices.ContainsFunc(module.Calls, foreign) {
			return false
		}
	}
	return true
}
