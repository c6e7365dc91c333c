package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/terraform"
)

// applyWidth is how many applies run at once where --parallelism does not say:
// more than plans, since they mostly wait for the cloud.
const applyWidth = 10

// Deploy plans and applies the selected units, each as soon as its needs are
// done, and then, where that is asked for, destroys what was deleted.
func Deploy(ctx context.Context, o Options) (run *report.Run, err error) {
	s, err := open(ctx, "deploy", o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.gates.close()) }()
	var gone []record.Record
	if s.DestroyDeleted {
		if gone, err = s.goingAway(); err != nil {
			return nil, err
		}
	}
	if s.memory != nil && s.graph.Len() > 0 {
		if err := s.memory.makeKey(s.soft); err != nil {
			return nil, err
		}
	}
	if err := s.start(s.graph.Len() + len(gone)); err != nil {
		return nil, err
	}
	if s.memory != nil {
		s.memory.commit(s)
	}
	s.visitAll(s.graph, func(id string, release func()) error {
		return s.visit(id, release, func(r *unitRun) error { return r.deploy() })
	})
	s.destroyDeleted(ctx, gone)
	return s.end()
}

func (r *unitRun) deploy() error {
	if err := r.refuseRescued(); err != nil {
		return err
	}
	g, err := r.gather(r.soft)
	if err != nil {
		return err
	}
	if len(g.missing) > 0 {
		return fmt.Errorf("%s: deploy %s first", g.lacking(), g.missing[0].Unit)
	}
	if r.pruned(g) {
		r.result.Result, r.result.Reason = report.Unchanged, "unchanged contract"
		return nil
	}
	if err := r.prepareWith(r.soft, g); err != nil {
		return err
	}
	return r.planAndApply(g, false)
}

// planAndApply plans the unit and applies the plan. Where another run has
// changed the state in between, it does so once again: Terraform refuses the
// plan before it has changed anything.
func (r *unitRun) planAndApply(g gathered, again bool) error {
	changes, err := r.makePlan(r.soft, false)
	if err == nil {
		err = r.judge()
	}
	if err != nil {
		return err
	}
	if !changes {
		if err := r.publish(r.soft, nil, false); err != nil {
			return err
		}
		r.result.Result, r.result.Reason = report.Unchanged, "no changes"
		r.saveRecord(g)
		return nil
	}
	if err := r.beginRecord(g); err != nil {
		return err
	}
	if err := r.apply(); err != nil {
		if errors.Is(err, errStale) && !again {
			r.event(report.Line, "another run has changed its state: planned again")
			r.result.Resources, r.result.Outputs = nil, nil
			return r.planAndApply(g, true)
		}
		return err
	}
	r.result.Result = report.Applied
	if err := r.judgeApplied(); err != nil {
		return err
	}
	if err := r.hooks(r.hard, "after-apply", r.config.Hooks.AfterApply); err != nil {
		return err
	}
	if err := r.publish(r.hard, r.applying.Outputs, false); err != nil {
		return err
	}
	r.saveRecord(g)
	return nil
}

// errStale: the state is another than the plan was made for.
var errStale = errors.New("its state was changed by another run after the plan was made: run it again")

// ephemeral lists the variable files, where the unit has a variable whose value
// no plan holds.
func (r *unitRun) ephemeral() []string {
	for _, variable := range r.unit.Module.Variables {
		if variable.Ephemeral {
			return r.varFiles
		}
	}
	return nil
}

// apply applies the saved plan, byte for byte. The first signal does not stop
// it: an apply that is cut off leaves resources that no state knows.
func (r *unitRun) apply() error {
	if r.Parallelism == 0 {
		r.release()
	}
	if err := r.applies.Acquire(r.soft, 1); err != nil {
		return fmt.Errorf("stopped before its apply: %w", err)
	}
	defer r.applies.Release(1)
	if err := r.hooks(r.soft, "before-apply", r.config.Hooks.BeforeApply); err != nil {
		return err
	}
	if err := r.soft.Err(); err != nil {
		return fmt.Errorf("stopped before its apply: %w", err)
	}
	// An apply of a run that was killed may have ended just now, and its state
	// not been taken: the plan waited for its lock.
	if err := r.refuseRescued(); err != nil {
		return err
	}
	if r.unit.Shared {
		// What Terraform cannot write to the backend it leaves in the folder:
		// with two applies in one, nobody could tell whose it is.
		turn := r.turns.folder(r.unit.Path)
		turn.Lock()
		defer turn.Unlock()
	}
	r.applying = terraform.Applying{}
	result, err := r.stream(r.hard, r.step(terraform.ApplyArgs(r.ws.Path(planFile), r.LockTimeout, r.ephemeral()...)))
	if err != nil && (terraform.StalePlan(result.words()) || terraform.LockSlipped(result.words())) {
		return errStale
	}
	for _, d := range result.errors {
		r.diagnose(d)
	}
	if err == nil && len(result.errors) > 0 {
		err = errors.New("apply told of errors, although it ended well")
	}
	rescued := r.rescueApplied()
	if err != nil {
		var exit *runner.ExitError
		killed := errors.As(err, &exit) && exit.ExitCode < 0
		orphans := r.applying.Open()
		if errors.Is(err, context.Canceled) {
			orphans = append(orphans, r.applying.Uncertain()...)
		}
		if killed {
			orphans = append(orphans, r.applying.Made...)
		}
		slices.Sort(orphans)
		for _, address := range orphans {
			r.result.Orphans = append(r.result.Orphans, r.scrub.Text(address))
		}
		switch {
		case rescued != nil:
		case killed:
			r.result.Reason = fmt.Sprintf("%s was killed: what it made may be in no state, and the state may stay locked; compare with `%s`, then deploy again", r.tool.Name, r.exec("state", "list"))
		case errors.Is(err, context.Canceled) && !r.applying.Started:
			r.result.Reason = fmt.Sprintf("apply was cut off before anything was heard of it: what it made may be in no state, and the state may stay locked; look with `%s`, then deploy again", r.exec("state", "list"))
		case errors.Is(err, context.Canceled):
			r.result.Reason = fmt.Sprintf("apply was interrupted after %d of its changes; the next deploy goes on", r.applying.Changed)
		case r.applying.Changed > 0:
			r.result.Reason = fmt.Sprintf("apply failed after %d of its changes; what was made is in its state, and the next deploy goes on", r.applying.Changed)
		}
	}
	return errors.Join(err, rescued)
}
