package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/store"
)

// memory is what Strata remembers of an environment's units and what it finds
// of them in the repository now.
type memory struct {
	store    record.Store
	key      record.DigestKey
	records  map[string]record.Record
	closures map[string]string // closure digest now, by unit
	dirty    map[string]bool   // units with files that are not as in the commit
	reasons  map[string]string // of units that must be deployed
	learning sync.Mutex        // guards records while units run
}

// remember reads what the environment's records say and, where units are to be
// deployed, finds their closures. Where nothing tells where records could be,
// units that are named run all the same.
func (s *session) remember(verb string) error {
	if s.OpenRecords == nil || verb != "deploy" && verb != "destroy" {
		return nil
	}
	units := s.tree.Environment(s.Select.Environment)
	url, err := s.recordsURL(units)
	var nowhere *store.NoDefaultError
	if errors.As(err, &nowhere) && !s.byRecords {
		s.warnings = append(s.warnings, "what this run deploys is not remembered, so that later ones cannot select by it: "+err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	if s.passes(url) {
		if s.config.Store.URL == "" {
			return nil // all states are local files: every unit is refused for its own
		}
		return s.refuseFolder()
	}
	m := &memory{closures: make(map[string]string), dirty: make(map[string]bool), reasons: make(map[string]string)}
	if m.store, err = s.OpenRecords(s.soft, url); err != nil {
		return err
	}
	if m.records, err = record.Load(s.soft, m.store, s.Select.Environment); err != nil {
		return err
	}
	// Whether a key must be made is seen once all else is checked: a run that is
	// refused leaves nothing behind.
	if m.key, err = record.FindKey(s.soft, m.store); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.memory = m
	if verb == "destroy" {
		return nil
	}
	return m.digest(s, units)
}

// passes says whether a store would be gone with the run: it is a folder, and
// what this run's steps leave behind does not stay.
func (s *session) passes(url string) bool {
	return strings.HasPrefix(url, "file:") && s.Runner != nil && !s.Runner.Persistent()
}

// refuseFolder says why there are no records in a folder.
func (s *session) refuseFolder() error {
	return fmt.Errorf("the records of %s would be in a folder (%s), which is lost with the container: say `store: {url: …}` in strata.yaml, an s3://bucket/prefix?region=REGION that all jobs reach, or run it natively with `strata`",
		s.Select.Environment, cmp.Or(s.config.Store.URL, ".strata/store"))
}

// digest finds the closure digests of the units, and which of them are not as
// in the commit that is checked out.
func (m *memory) digest(s *session, units []*stack.Unit) error {
	snapshot, err := s.WorkingTree()
	if err != nil {
		return fmt.Errorf("read what the repository holds: %w", err)
	}
	var changes []affected.Change
	if s.Repository != nil && s.Commit != "" {
		committed, err := s.Repository.Commit(s.Commit)
		if err != nil {
			return err
		}
		changes = affected.Diff(committed, snapshot)
	}
	closures := affected.NewClosures(snapshot.FS)
	digests, dirty := make([]string, len(units)), make([]bool, len(units))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, unit := range units {
		group.Go(func() error {
			inputs := closures.Unit(unit)
			digests[i] = inputs.Digest(unit, snapshot)
			if entries, err := fs.ReadDir(snapshot.FS, unit.Path); err != nil || len(entries) == 0 {
				digests[i] = unknownClosure
			}
			dirty[i] = slices.ContainsFunc(changes, func(c affected.Change) bool {
				_, changed := inputs.Why(c.Path)
				_, moved := inputs.Why(c.From)
				return changed || moved
			})
			return nil
		})
	}
	_ = group.Wait() // the functions return no errors
	for i, unit := range units {
		m.closures[unit.ID()], m.dirty[unit.ID()] = digests[i], dirty[i]
	}
	return nil
}

// unknownClosure is the digest of a unit whose folder git ignores. It is equal
// to none.
const unknownClosure = "unknown"

// recordsURL is where the environment's records are: what strata.yaml says, else
// beside the states.
func (s *session) recordsURL(units []*stack.Unit) (string, error) {
	if s.config.Store.URL != "" {
		return store.URL(s.config.Store.URL, s.Select.Environment, s.Root)
	}
	return store.Default(units, func(name string) ([]byte, error) { return fs.ReadFile(s.Source, name) }, s.Root)
}

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

// commit takes over into the records that what was deployed uncommitted is
// committed now.
func (m *memory) commit(s *session) {
	for _, unit := range s.tree.Environment(s.Select.Environment) {
		id := unit.ID()
		r, known := m.records[id]
		if !known || !r.Dirty || m.dirty[id] || r.Closure != m.closures[id] || r.Attempt != nil || s.graph.Has(id) {
			continue
		}
		r.Commit, r.Dirty, r.Started = s.Commit, false, s.run.Started
		if err := record.Save(context.WithoutCancel(s.hard), m.store, r); err != nil {
			s.run.Warnings = append(s.run.Warnings, fmt.Sprintf("the record of %s still says that its code was not committed: %v", id, err))
		}
	}
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
	case r.Closure != s.memory.closures[id]:
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
	for _, file := range s.VarFiles {
		data, err := s.readVarFile(file)
		if err != nil {
			return nil, fmt.Errorf("--var-file: %w", err)
		}
		add("variable file "+path.Base(filepath.ToSlash(file)), data)
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

func short(commit string) string {
	if commit == "" {
		return "an unknown commit"
	}
	return commit[:min(len(commit), 8)]
}

// deleted lists the units of which only a record is left.
func (s *session) deleted() []record.Record {
	var gone []record.Record
	for _, id := range slices.Sorted(maps.Keys(s.memory.records)) {
		if s.tree.Unit(id) == nil {
			gone = append(gone, s.memory.records[id])
		}
	}
	return gone
}

// tellDeleted says of a unit that only its record is left.
func (s *session) tellDeleted(gone record.Record) string {
	commit := gone.LastCommit()
	if s.Repository != nil && commit != "" {
		if _, err := s.Repository.Resolve(commit); err != nil {
			return fmt.Sprintf("there is a record of %s, deployed from %s, which is not in this clone: fetch the whole history, or, where other repositories keep records in the same place, give each its own `store: {url: …}`", gone.Unit, short(commit))
		}
	}
	return fmt.Sprintf("%s is deleted: its folder %s is gone, and what it holds is still there (last deployed from %s): --destroy-deleted destroys it", gone.Unit, gone.Path, short(commit))
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

// makeKey makes the key of the records' digests, where there is none yet.
func (m *memory) makeKey(ctx context.Context) (err error) {
	m.key, err = record.MakeKey(ctx, m.store)
	return err
}

// beginRecord notes that an apply begins. If that fails nothing is applied: a
// run that is killed would leave no trace.
func (r *unitRun) beginRecord(g gathered) error {
	if r.memory == nil {
		return nil
	}
	if err := record.Begin(r.soft, r.memory.store, r.newRecord(g)); err != nil {
		if r.soft.Err() == nil {
			err = errors.New(err.Error()) // as a whole, not only the file that failed
		}
		return fmt.Errorf("nothing was applied, since its record could not be written: %w", err)
	}
	return nil
}

// saveRecord keeps what the unit was deployed from.
func (r *unitRun) saveRecord(g gathered) {
	if r.memory == nil {
		return
	}
	if len(r.Targets) > 0 {
		return // other resources may not be as the code says: it stays an attempt
	}
	// The apply is over: whatever signal came, it must be remembered.
	next := r.newRecord(g)
	next.Result, next.Started = string(r.result.Result), r.session.run.Started
	if outputs, _, ok := r.values.get(r.unit.ID()); ok {
		next.Outputs = make(map[string]string, len(outputs))
		for name, output := range outputs {
			next.Outputs[name] = r.memory.key.Digest(r.unit.ID(), name, output.Value)
		}
	}
	if err := record.Save(context.WithoutCancel(r.hard), r.memory.store, next); err != nil {
		r.warn(fmt.Sprintf("what was deployed could not be remembered, so that the next deploy plans the unit again: %v", err))
	}
	r.learn(next.Values)
}

// learn completes the records of needs that are not of this run: by the outputs
// that this unit is the first to read.
func (r *unitRun) learn(used map[string]string) {
	m := r.memory
	m.learning.Lock()
	defer m.learning.Unlock()
	for _, b := range r.bindings[r.unit.ID()] {
		need, known := m.records[b.From.Unit]
		digest := used[b.From.String()]
		if !known || digest == "" || need.Outputs[b.From.Output] != "" || r.graph.Has(b.From.Unit) {
			continue
		}
		learned := map[string]string{b.From.Output: digest}
		if err := record.Learn(context.WithoutCancel(r.hard), m.store, need.Environment, need.Unit, learned); err != nil {
			r.warn(fmt.Sprintf("the record of %s could not be completed, so that the next deploy plans this unit again: %v", need.Unit, err))
			continue
		}
		if need.Outputs == nil {
			need.Outputs = make(map[string]string)
		}
		need.Outputs[b.From.Output] = digest
		m.records[need.Unit] = need
	}
}

func (r *unitRun) newRecord(g gathered) record.Record {
	next := record.New(r.unit)
	next.Dirty = r.memory.dirty[r.unit.ID()]
	next.Commit, next.Closure, next.Values = r.Commit, r.memory.closures[r.unit.ID()], r.usedValues(g)
	next.Tools = map[string]string{r.tool.Name: r.version.Number}
	next.Run, next.Time = r.session.run.ID, time.Now()
	return next
}

// forget removes the record of a unit that is destroyed.
func (r *unitRun) forget() {
	if r.memory == nil {
		return
	}
	err := record.Forget(context.WithoutCancel(r.hard), r.memory.store, r.unit.Environment, r.unit.ID())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.warn(fmt.Sprintf("its record could not be removed: %v", err))
	}
}

// Records lists what Strata remembers: of one unit, or (with unit empty) of all
// of the environment, by id. Where some cannot be read it returns the others,
// and an error that names each.
func Records(ctx context.Context, o Options, unit string) ([]record.Record, error) {
	s, err := openRecords(ctx, o, unit)
	if err != nil {
		return nil, err
	}
	known, err := record.Load(ctx, s.memory.store, s.Select.Environment)
	if unit != "" {
		if r, ok := known[unit]; ok {
			return []record.Record{r}, nil
		}
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("there is no record of %s (%d of its environment are there)", unit, len(known))
	}
	var list []record.Record
	for _, id := range slices.Sorted(maps.Keys(known)) {
		list = append(list, known[id])
	}
	return list, err
}

// ForgetRecord removes what is remembered of a unit: its next deploy plans it.
func ForgetRecord(ctx context.Context, o Options, unit string) error {
	s, err := openRecords(ctx, o, unit)
	if err != nil {
		return err
	}
	err = record.Forget(ctx, s.memory.store, s.Select.Environment, unit)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no record of %s", unit)
	}
	return err
}

// openRecords opens the store of an environment's records: that of the unit's
// environment where one is named.
func openRecords(ctx context.Context, o Options, unit string) (*session, error) {
	if unit != "" {
		_, environment, ok := stack.CutID(unit)
		if !ok {
			return nil, fmt.Errorf("%q is no unit: a unit is layer[/instance]@region:environment", unit)
		}
		if o.Select.Environment != "" && o.Select.Environment != environment {
			return nil, fmt.Errorf("%s is none of %s", unit, o.Select.Environment)
		}
		o.Select.Environment = environment
	}
	s, err := openUnits(o)
	if err != nil {
		return nil, err
	}
	units, err := stack.Select(s.tree, stack.SelectOptions{Environment: o.Select.Environment, All: true})
	if err != nil {
		return nil, err
	}
	if err := s.tree.Load(s.reader, units); err != nil {
		return nil, err
	}
	url, err := s.recordsURL(units)
	if err != nil {
		return nil, err
	}
	if s.passes(url) {
		return nil, s.refuseFolder()
	}
	s.memory = &memory{}
	s.memory.store, err = s.OpenRecords(ctx, url)
	return s, err
}
