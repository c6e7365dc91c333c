package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/strata-tf/strata/internal/graph"
	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// Drift compares what is there with what was deployed: each unit with the code
// of its record, side by side, since none waits for its needs. It changes
// nothing, unless Options.Fix says to set back what drifted.
func Drift(ctx context.Context, o Options) (*report.Run, error) {
	s, err := open(ctx, "drift", o)
	if err != nil {
		return nil, err
	}
	s.gone = s.unmanaged()
	order, err := s.lookOrder()
	if err != nil {
		return nil, err
	}
	if s.Fix {
		if err := s.memory.makeKey(s.soft); err != nil {
			return nil, err
		}
	}
	if err := s.start(order.Len()); err != nil {
		return nil, err
	}
	s.memory.commit(s)
	l := newLooking(s)
	s.visitAll(order, l.visit)
	if err := l.close(); err != nil {
		s.run.Warnings = append(s.run.Warnings, fmt.Sprintf("files of an earlier commit are left: %v", err))
	}
	if s.Accept != nil {
		err = s.accept()
	}
	s.compareReports()
	run, ended := s.end()
	return run, errors.Join(err, ended)
}

// lookOrder is the order of the looks: none, but where drift is set back.
func (s *session) lookOrder() (*graph.Graph, error) {
	needs := make(map[string][]string)
	for _, unit := range s.units {
		needs[unit.ID()] = nil
		if s.Fix {
			needs[unit.ID()] = s.graph.Needs(unit.ID())
		}
	}
	for _, r := range s.gone {
		needs[r.Unit] = nil
	}
	return graph.New(needs)
}

// unmanaged lists the records without a folder that are looked at: the folder is
// gone, or is of another branch.
func (s *session) unmanaged() []record.Record {
	if len(s.Select.Only) > 0 {
		return nil
	}
	return s.inRegions(s.deleted())
}

// refuseForgotten refuses to compare with nothing.
func (s *session) refuseForgotten() error {
	name := s.Select.Environment
	switch {
	case s.memory == nil:
		return &RefusedError{fmt.Sprintf("drift compares what is there with what was deployed, and nothing is remembered of %s", name)}
	case len(s.memory.records) == 0:
		return &RefusedError{fmt.Sprintf("drift compares what is there with what was deployed, and there is no record of %s in %s: a deploy writes them, also one that finds nothing to do", name, s.memory.store)}
	}
	return nil
}

// inPlace says whether the unit's files are those that it was deployed from, and
// tell of the same values, so that it can be looked at where it is.
func (s *session) inPlace(unit *stack.Unit) bool {
	r, known := s.memory.records[unit.ID()]
	if !known || unit.Module == nil || !r.SameState(unit) {
		return false
	}
	now := s.memory.closures[unit.ID()]
	same, values := r.Holds(now), r.Values
	if r.Attempt != nil {
		same, values = r.Attempt.Closure == now, r.Attempt.Values
	}
	read := make(map[string]bool)
	for _, b := range s.bindings[unit.ID()] {
		read[b.From.String()] = true
	}
	for name := range values {
		// What it needs may be of another branch, or not be readable now.
		if !read[name] && !strings.HasPrefix(name, givenPrefix) {
			return false
		}
	}
	return same
}

// drift looks at one unit, in the workspace of the code that it was deployed
// from, and sets back what drifted where that is asked for. pending is why the
// unit is not as deployed, "" where it is.
func (l *looking) drift(r *unitRun, pending string) error {
	if err := l.refuseRescued(r); err != nil {
		return err
	}
	g, err := r.gather(r.soft)
	if err != nil {
		return err
	}
	if len(g.missing) > 0 {
		return fmt.Errorf("%s: what it was deployed with is not there any more", g.lacking())
	}
	if err := r.prepareWith(r.soft, g); err != nil {
		return err
	}
	if err := r.publishDeployed(); err != nil {
		return err
	}
	found, err := l.look(r)
	if err != nil {
		return err
	}
	if len(r.result.Drift) > 0 && l.deployedMeanwhile(r) {
		return r.lookAgain()
	}
	if err := found.lost(r); err != nil {
		return err
	}
	l.looked(r)
	if other := found.other(); pending == "" && other != "" {
		pending = other + ": something that it reads is not what it was deployed with"
	}
	if l.Fix && len(r.result.Drift) > 0 {
		return l.setBack(r, g, found, pending)
	}
	r.result.Result, r.result.Reason = driftResult(r.result, pending), pending
	if l.tree.Unit(r.unit.ID()) == nil && r.result.Result == report.Pending {
		r.result.Result = report.Unmanaged
	}
	return nil
}

// lookAgain leaves a unit that a deploy is about: what differs may be what that
// deploy has just changed.
func (r *unitRun) lookAgain() error {
	r.result.Drift, r.result.Result = nil, report.Pending
	r.result.Reason = "a deploy of it has begun or ended since this look began: look again"
	return nil
}

// looked notes that the unit was compared with what is there.
func (l *looking) looked(r *unitRun) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.compared.looked[r.unit.ID()] = true
}

// lost fails a unit of which the state knows nothing, although its code has
// resources and was deployed.
func (f found) lost(r *unitRun) error {
	if f.Drift == nil || r.result.State == nil || r.result.State.Resources > 0 {
		return nil
	}
	for _, c := range f.Other {
		if c.Action == "create" {
			return fmt.Errorf("its state holds no resource, and it was deployed with some (%s): look for the state before anything is deployed", c.Address)
		}
	}
	return nil
}

// deployedMeanwhile says whether the unit's record is not any more what it was
// when the run began: what differs may be what a deploy has just changed.
func (l *looking) deployedMeanwhile(r *unitRun) bool {
	was := l.memory.records[r.unit.ID()]
	now, err := record.Get(r.soft, l.memory.store, was.Environment, was.Unit)
	if errors.Is(err, fs.ErrNotExist) {
		return true // destroyed
	}
	return err == nil && (now.Run != was.Run || (now.Attempt == nil) != (was.Attempt == nil) || now.Attempt != nil && now.Attempt.Run != was.Attempt.Run)
}

// refuseRescued refuses a unit of which a newer state waits: what is known of it
// is not the newest. Terraform leaves such states in the checkout's folder.
func (l *looking) refuseRescued(r *unitRun) error {
	if r.now == nil || !l.Runner.Persistent() || l.tree.Unit(r.unit.ID()) == nil {
		return r.refuseRescued()
	}
	ws, err := l.Runner.Open(r.soft, runner.Spec{ID: r.unit.ID(), Dir: r.unit.Path})
	if err != nil {
		return err
	}
	there := &unitRun{session: l.session, unit: l.tree.Unit(r.unit.ID()), ws: ws, result: r.result, scrub: r.scrub, log: r.log, quiet: true}
	return errors.Join(there.refuseRescued(), ws.Close())
}

func driftResult(result *report.Unit, pending string) report.Result {
	switch {
	case len(result.Drift) > 0 && pending != "":
		return report.DriftedPending
	case len(result.Drift) > 0:
		return report.Drifted
	case pending != "":
		return report.Pending
	}
	return report.InSync
}

// found is what one look at a unit told.
type found struct{ *terraform.Drift }

// other says that the plan holds changes that are no drift, "" where it does not.
func (f found) other() string {
	first := ""
	switch {
	case f.Drift == nil:
	case len(f.Other) > 0:
		first = f.Other[0].Action + " " + f.Other[0].Address
	case len(f.OtherOutputs) > 0:
		first = "output " + f.OtherOutputs[0].Path
	}
	if first == "" {
		return ""
	}
	return fmt.Sprintf("its plan holds changes that are no drift (%s)", first)
}

// onlyEmpty says whether the refresh found nothing but empty values of another
// kind, as it does in most units that nobody touched.
func (r *unitRun) onlyEmpty(plan streamed) ([]terraform.DriftedResource, bool) {
	noise, ok := terraform.OnlyEmpty(plan.saved)
	for i := range noise {
		noise[i].Address = r.scrub.Text(noise[i].Address)
		for n := range noise[i].Attributes {
			noise[i].Attributes[n].Path = r.scrub.Text(noise[i].Attributes[n].Path)
		}
	}
	return noise, ok
}

// look plans the unit without its lock, so that it is in nobody's way, and fills
// its result with what drifted. Exit codes decide nothing here: on a unit that
// nobody touched a refresh finds differences that mean nothing, and drift of an
// attribute that the code ignores leaves nothing to apply.
func (l *looking) look(r *unitRun) (found, error) {
	r.result.Drift, r.result.Ignored = nil, nil
	plan, err := r.planned(r.soft, terraform.PlanOptions{NoLock: true})
	if err != nil || plan.code != terraform.PlanChanges && !plan.drift {
		return found{}, err
	}
	if plan.code != terraform.PlanChanges {
		if noise, ok := r.onlyEmpty(plan); ok {
			l.judge(r, &terraform.Drift{Noise: noise})
			return found{}, nil
		}
	}
	data, err := r.run(r.soft, r.step(terraform.ShowArgs(r.ws.Path(planFile))))
	if err != nil {
		return found{}, err
	}
	drift, err := terraform.ReadDrift(data, r.scrub)
	if err != nil {
		return found{}, err
	}
	r.scrub = drift.Scrub
	l.judge(r, drift)
	return found{drift}, nil
}
