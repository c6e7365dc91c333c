package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/strata-tf/strata/internal/graph"
	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
)

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

// goingAway lists the units that --destroy-deleted is about.
func (s *session) goingAway() ([]record.Record, error) {
	switch {
	case s.memory == nil:
		return nil, errors.New("--destroy-deleted needs the environment's records")
	case !s.byRecords:
		return nil, errors.New("--destroy-deleted goes with what the records select: leave out --all, --only and --base")
	}
	return inReverse(s.inRegions(s.deleted())), nil
}

// inRegions leaves the records of the regions that are selected.
func (s *session) inRegions(records []record.Record) []record.Record {
	return slices.DeleteFunc(records, func(r record.Record) bool {
		return len(s.Select.Regions) > 0 && !slices.Contains(s.Select.Regions, r.Region)
	})
}

// destroyDeleted destroys units of which only a record is left, each with the
// code and the backend of its record's commit, one after the other. It does
// nothing where the deploy before it did not succeed: what failed may still
// need them.
func (s *session) destroyDeleted(ctx context.Context, gone []record.Record) {
	failed := slices.ContainsFunc(s.run.Units, func(u report.Unit) bool { return u.Result == report.NotRun || blocks(&u) != nil })
	for _, r := range gone {
		unit := *blankOf(r)
		s.Progress.Event(report.Event{Kind: report.UnitStarted, UnitID: r.Unit, Time: time.Now()})
		if failed || s.soft.Err() != nil {
			unit.Result, unit.Reason = report.NotRun, "what comes before it did not succeed"
		} else if err := s.destroyOne(ctx, r, &unit); err != nil {
			unit.Result, unit.Reason = report.Failed, firstLine(err.Error())
			var refused *RefusedError
			if errors.As(err, &refused) {
				unit.Result = report.Refused
			}
		}
		unit.Selected = []string{"deleted"}
		failed = failed || blocks(&unit) != nil
		s.run.Units = append(s.run.Units, unit)
		s.Progress.Event(report.Event{Kind: report.UnitFinished, UnitID: r.Unit, Time: time.Now(), Unit: &unit})
	}
}

// inReverse orders records so that each comes before those it needs.
func inReverse(gone []record.Record) []record.Record {
	byID := make(map[string]record.Record)
	needs := make(map[string][]string)
	for _, r := range gone {
		byID[r.Unit] = r
		needs[r.Unit] = nil
	}
	for _, r := range gone {
		for _, need := range r.Needs {
			if _, ok := byID[need]; ok {
				needs[r.Unit] = append(needs[r.Unit], need)
			}
		}
	}
	g, err := graph.New(needs)
	if err != nil { // records of different commits may need each other
		return gone
	}
	var ordered []record.Record
	for _, id := range g.Reverse().Order() {
		ordered = append(ordered, byID[id])
	}
	return ordered
}

// destroyOne destroys one unit as its record's commit has it.
func (s *session) destroyOne(ctx context.Context, r record.Record, into *report.Unit) error {
	commit := r.LastCommit()
	restore := fmt.Sprintf("bring its folder back (git checkout %s -- %s), run destroy --only %s, and remove it again", short(commit), r.Path, r.Unit)
	switch {
	case s.Repository == nil || commit == "":
		return &RefusedError{"the commit it was deployed from is not known: bring its folder back, run destroy --only, and remove it again"}
	case r.Dirty:
		return &RefusedError{"it was deployed with changes that were not committed: " + restore}
	case r.Backend == nil || r.Backend.Type == "local":
		return &RefusedError{"its state is a local file: " + restore}
	}
	files, err := s.Repository.Commit(commit)
	if err != nil {
		return fmt.Errorf("the code it was deployed with: %w", err)
	}
	at, done, err := s.At(files)
	if err != nil {
		return err
	}
	o := s.Options
	o.Source, o.Runner, o.Repository, o.Commit = files.FS, at, nil, commit
	o.Select.All, o.Select.Only, o.Select.WithDependents = false, []string{r.Unit}, false
	o.Ref, o.Changes, o.Targets, o.Replace, o.Out, o.Logs = "", Changes{}, nil, nil, s.out.dir, ""
	o.Progress = within{s.Progress}
	inner, err := open(ctx, "destroy", o)
	if err == nil {
		inner.inner, inner.gates = true, s.gates // a deploy's gates hold for what it destroys too
		var run *report.Run
		if run, err = inner.walk(inner.graph.Reverse(), func(u *unitRun) error { return u.destroy() }); err == nil {
			*into = run.Units[0]
		}
	}
	return errors.Join(err, done())
}

// within is the progress of a part of a run: it does not begin or end it, nor
// any of its units.
type within struct{ report.Progress }

func (within) Start(string, string, int) {}
func (within) Stop()                     {}

func (p within) Event(e report.Event) {
	if e.Kind != report.UnitStarted && e.Kind != report.UnitFinished {
		p.Progress.Event(e)
	}
}
