package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

// looking is a run that looks at units, each with the code that it was deployed
// from: in the checkout where that is what lies there, else in the files of its
// record's commit.
type looking struct {
	*session
	places map[string]*place // by commit
}

// place is the repository as a commit has it, written out when the first unit
// is looked at there.
type place struct {
	commit string
	ids    []string // the units that are looked at there

	once  sync.Once
	units map[string]*session // by id: a session for this unit alone
	errs  map[string]error    // why there is none
	done  func() error
}

func newLooking(s *session) *looking {
	s.compared = compared{fresh: make(map[difference]bool), looked: make(map[string]bool), absorbed: make(map[difference]bool), whole: make(map[string][]report.Difference)}
	l := &looking{session: s, places: make(map[string]*place)}
	for _, unit := range s.units {
		if r, known := s.memory.records[unit.ID()]; known && !s.inPlace(unit) {
			l.add(r)
		}
	}
	for _, r := range s.gone {
		l.add(r)
	}
	return l
}

// add notes a unit that is looked at as of its record's commit.
func (l *looking) add(r record.Record) {
	commit := r.LastCommit()
	if l.places[commit] == nil {
		l.places[commit] = &place{commit: commit, units: make(map[string]*session), errs: make(map[string]error)}
	}
	l.places[commit].ids = append(l.places[commit].ids, r.Unit)
}

// visit looks at one unit, and records how that ended. It holds nothing up: what
// needs a unit that cannot be looked at is looked at all the same.
func (l *looking) visit(id string, release func()) error {
	_ = l.lookAt(id, release)
	return nil
}

func (l *looking) lookAt(id string, release func()) error {
	unit := l.tree.Unit(id) // nil where its folder is gone
	r, known := l.memory.records[id]
	if !known {
		return l.tell(l.blank(id), report.Pending, "no record: Strata has not deployed it")
	}
	pending := l.pending(unit, r)
	if unit != nil && l.inPlace(unit) {
		// Others that read its outputs do not open its data folder meanwhile.
		turn := l.values.turns.folder(id)
		turn.Lock()
		published := sync.OnceFunc(turn.Unlock)
		defer published()
		return l.session.visit(id, release, func(u *unitRun) error {
			u.published = published
			return l.drift(u, pending)
		})
	}
	p := l.places[r.LastCommit()]
	p.once.Do(func() { l.open(p) })
	there := p.units[id]
	if there == nil {
		return l.tell(blankOf(r), report.Failed, firstLine(p.errs[id].Error()))
	}
	err := there.visit(id, release, func(u *unitRun) error {
		switch err := u.bringState(); {
		case errors.Is(err, fs.ErrNotExist) && unit == nil:
			u.result.Result, u.result.Reason = report.Unmanaged, pending+"; its state was a file in that folder"
			return nil
		case err != nil && !errors.Is(err, fs.ErrNotExist): // what was never made has none
			return err
		}
		if r.Dirty && r.Attempt == nil {
			u.warn("it was deployed with changes that were never committed: it is compared with its state, by the code of " + short(r.Commit))
		}
		return l.drift(u, pending)
	})
	l.mu.Lock()
	l.results[id] = there.results[id]
	l.mu.Unlock()
	return err
}

// publishDeployed makes the unit's outputs known to the units that read them, so
// that these need not read its state themselves.
func (r *unitRun) publishDeployed() error {
	if r.published == nil {
		return nil // it is looked at elsewhere: they read its state
	}
	if _, _, known := r.values.get(r.unit.ID()); !known && r.values.isRead(r.unit.ID()) {
		if err := r.publish(r.soft, nil, false); err != nil {
			return err
		}
	}
	if !r.Fix || !r.values.isRead(r.unit.ID()) {
		r.published()
	}
	return nil
}

// pending is why a unit's code or values are not those it was deployed with, ""
// where they are.
func (l *looking) pending(unit *stack.Unit, r record.Record) string {
	switch {
	case unit == nil:
		return l.tellDeleted(r)
	case unit.Module == nil:
		return "its code cannot be read as it is now"
	}
	return l.outdatedBecause(unit)
}

// tell records the result of a unit that is not looked at.
func (l *looking) tell(u *report.Unit, result report.Result, reason string) error {
	u.Result, u.Reason = result, reason
	l.finish(u)
	return blocks(u)
}

// blankOf is the result of a unit that only its record tells of.
func blankOf(r record.Record) *report.Unit {
	return &report.Unit{ID: r.Unit, Path: r.Path, Layer: r.Layer, Region: r.Region, Instance: r.Instance, Needs: r.Needs}
}

// open writes a commit's files out, and makes a session for each of the units
// that are looked at there: what is wrong with one is no other's.
func (l *looking) open(p *place) {
	base, err := l.writeOut(p)
	for _, id := range p.ids {
		if err != nil {
			p.errs[id] = err
			continue
		}
		s := &session{
			Options: base.Options, config: base.config, tree: base.tree, reader: base.reader, turns: base.turns,
			soft: l.soft, hard: l.hard, applies: l.applies, tool: l.tool, version: l.version, env: l.env,
			out: l.out, run: l.run, blocked: l.blocked, now: l.session, memory: l.memory,
			results: make(map[string]*report.Unit), why: make(map[string][]string),
		}
		s.Select = stack.SelectOptions{Environment: l.Select.Environment, Only: []string{id}}
		if err := s.selectUnits("at"); err != nil {
			p.errs[id] = fmt.Errorf("as of %s: %w", short(p.commit), err)
		} else if err := s.checkUnits("at"); err != nil {
			p.errs[id] = err
		} else {
			p.units[id] = s
		}
	}
}

// writeOut is what a commit's files hold, and their runner.
func (l *looking) writeOut(p *place) (*session, error) {
	switch {
	case l.Repository == nil:
		return nil, fmt.Errorf("its code is not what was deployed, and that is not to be had: %w", l.noRepository())
	case p.commit == "":
		return nil, errors.New("its code is not what was deployed, and its record names no commit: deploy it from one")
	}
	files, err := l.Repository.Commit(p.commit)
	if err != nil {
		return nil, fmt.Errorf("it was deployed from %s, which this clone does not have: fetch it (git fetch origin %s, or the whole history: fetch-depth: 0 in a CI job): %w", short(p.commit), p.commit, err)
	}
	o := l.Options
	if o.Runner, p.done, err = l.At(files); err != nil {
		return nil, fmt.Errorf("the code of %s: %w", short(p.commit), err)
	}
	o.Source, o.Repository, o.OpenRecords, o.Commit = files.FS, nil, nil, p.commit
	o.Ref, o.Changes, o.Logs = "", Changes{}, ""
	s, err := openUnits(o)
	if err != nil {
		return nil, fmt.Errorf("the code of %s: %w", short(p.commit), err)
	}
	return s, nil
}

// close removes the files of all commits.
func (l *looking) close() error {
	var errs []error
	for _, p := range l.places {
		if p.done != nil {
			errs = append(errs, p.done())
		}
	}
	return errors.Join(errs...)
}

// bringState copies a state that is a local file from the checkout to where the
// unit is looked at; the error wraps fs.ErrNotExist if there is none. Nothing
// writes it there: a look takes no lock and applies nothing.
func (r *unitRun) bringState() error {
	name, local := stack.LocalState(r.Source, r.unit)
	if !local || path.IsAbs(name) {
		return nil // it is found where it is
	}
	if strings.HasPrefix(name, "../") {
		return fmt.Errorf("its state %s is outside of the repository, and its code has changed since %s: check that out, and run drift there", name, short(r.Commit))
	}
	turn := r.now.values.turns.folder(r.unit.ID())
	turn.Lock()
	defer turn.Unlock()
	spec := r.now.spec(r.unit)
	if r.now.tree.Unit(r.unit.ID()) == nil {
		spec.DataDir = "" // there is no such folder, and none is to be made
	}
	from, err := r.now.Runner.Open(r.soft, spec)
	if err != nil {
		return err
	}
	state, err := from.ReadSource(r.soft, name)
	if err = errors.Join(err, from.Close()); err != nil {
		return err
	}
	return r.ws.WriteSource(r.soft, name, state)
}
