package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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
	store    Memory
	key      record.DigestKey
	records  map[string]record.Record
	closures map[string]string // closure digest now, by unit
	dirty    map[string]bool   // units with files that are not as in the commit
	reasons  map[string]string // of units that must be deployed
	learning sync.Mutex        // guards records and locked while units run

	files  *affected.Snapshot // what the repository held when the run began
	locked bool               // init has written a lock file since
}

// remembers says whether a verb's run is remembered.
func (s *session) remembers(verb string) bool {
	return s.OpenRecords != nil && (verb == "deploy" || verb == "destroy" || verb == "drift")
}

// remember reads what the environment's records say and, where units are to be
// deployed, finds their closures. Where nothing tells where records could be,
// units that are named run all the same.
func (s *session) remember(verb string) error {
	if !s.remembers(verb) {
		return nil
	}
	units := s.tree.Environment(s.Select.Environment)
	url, err := s.recordsURL(units)
	var nowhere *store.NoDefaultError
	if errors.As(err, &nowhere) && !s.byRecords && verb != "drift" {
		s.warnings = append(s.warnings, "what this run deploys is not remembered, so that later ones cannot select by it: "+err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	if s.passes(url) {
		if s.config.Store.URL == "" && verb != "drift" {
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
	snapshot, err := s.workingTree()
	if err != nil {
		return err
	}
	var changes []affected.Change
	if s.Repository != nil && s.Commit != "" {
		committed, err := s.Repository.Commit(s.Commit)
		if err != nil {
			return err
		}
		changes = affected.Diff(committed, snapshot)
	}
	m.files = snapshot
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

// commit takes over into the records that what was deployed uncommitted is
// committed now; of what is deployed now the record is written anyway.
func (m *memory) commit(s *session) {
	for _, unit := range s.tree.Environment(s.Select.Environment) {
		id := unit.ID()
		r, known := m.records[id]
		if !known || !r.Dirty || m.dirty[id] || !r.Holds(m.closures[id]) || r.Attempt != nil || s.run.Verb == "deploy" && s.graph.Has(id) {
			continue
		}
		r.Commit, r.Dirty, r.Started = s.Commit, false, s.run.Started
		m.records[id] = r
		if err := record.Save(context.WithoutCancel(s.hard), m.store, r); err != nil {
			s.run.Warnings = append(s.run.Warnings, fmt.Sprintf("the record of %s still says that its code was not committed: %v", id, err))
		}
	}
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
	next := r.newRecord(g)
	next.Open = r.asked
	if err := record.Begin(r.soft, r.memory.store, next); err != nil {
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
	next.Outputs, _ = r.outputDigests()
	if err := record.Save(context.WithoutCancel(r.hard), r.memory.store, next); err != nil {
		r.warn(fmt.Sprintf("what was deployed could not be remembered, so that the next deploy plans the unit again: %v", err))
	}
	r.learn(next.Values)
}

// outputDigests are the digests of the outputs that were published, by name; ok
// is false where none were.
func (r *unitRun) outputDigests() (digests map[string]string, ok bool) {
	outputs, _, ok := r.values.get(r.unit.ID())
	if !ok {
		return nil, false
	}
	digests = make(map[string]string, len(outputs))
	for name, output := range outputs {
		digests[name] = r.memory.key.Digest(r.unit.ID(), name, output.Value)
	}
	return digests, true
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
	if s.config.Store.URL == "" { // it is beside the states, which the code tells
		if err := s.tree.Load(s.reader, units); err != nil {
			return nil, err
		}
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
