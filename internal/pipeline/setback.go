package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// setBack applies a plan with the code and the values that the unit was deployed
// with, which changes nothing but what drifted and what follows from it: nothing
// that is pending goes with it, nothing is destroyed, and what is accepted stays.
func (l *looking) setBack(r *unitRun, g gathered, looked found, pending string) error {
	was := l.memory.records[r.unit.ID()]
	drifted := r.result.Drift
	not := func(why string) error {
		r.result.Changes, r.result.Resources, r.result.Outputs = nil, nil, nil
		r.result.Result, r.result.Reason = driftResult(r.result, pending), "not set back: "+why
		return nil
	}
	if why := l.cannotSetBack(r, was, g); why != "" {
		return not(why)
	}
	if other := looked.other(); other != "" {
		return not(other + ": deploy it")
	}
	var targets []string
	if accepts(r.result.Ignored) {
		for _, d := range drifted {
			targets = append(targets, d.Address)
		}
	}
	plan, err := r.planned(r.soft, terraform.PlanOptions{Targets: targets})
	if err != nil {
		return err
	}
	if l.deployedMeanwhile(r) {
		return r.lookAgain() // the plan has waited for a deploy
	}
	if plan.code == terraform.PlanChanges {
		why, err := l.readBack(r, drifted)
		if err != nil {
			return err
		}
		if why != "" {
			return not(why)
		}
	}
	left := staying(drifted, r.result.Resources)
	if count(left) == count(drifted) {
		if _, err := l.look(r); err != nil { // another run may have set it back
			return err
		}
		if len(r.result.Drift) == 0 {
			r.result.Changes, r.result.Result, r.result.Reason = nil, driftResult(r.result, pending), pending
			return nil
		}
		return not("its code does not set what differs: set it there, or accept it (--accept)")
	}
	if err := l.applyBack(r, was); err != nil {
		if errors.Is(err, errStale) {
			return r.lookAgain()
		}
		return err
	}
	r.result.Drift, r.result.Result, r.result.Reason = left, report.Applied, "drift is set back"
	if pending != "" {
		r.result.Reason += "; still pending: " + pending
	}
	if len(left) > 0 {
		r.result.Result = driftResult(r.result, pending)
		r.result.Reason = "set back, but for what its code does not set: its state holds that as it is now, so that no later look finds it"
		l.absorb(r.unit.ID(), left)
	}
	if r.soft.Err() != nil {
		return nil // a second look would only be cut off
	}
	if _, err := l.look(r); err != nil {
		return fmt.Errorf("set back, and a second look at it failed: %w", err)
	}
	if again := r.result.Drift; len(again) > 0 {
		r.result.Result = driftResult(r.result, pending)
		r.result.Reason = "set back, and it drifted again at once"
	}
	r.result.Drift = append(r.result.Drift, left...)
	return nil
}

// readBack reads the plan that would set back, and says why it may not be
// applied, "" where it may.
func (l *looking) readBack(r *unitRun, drifted []report.Difference) (why string, err error) {
	data, err := r.run(r.soft, r.step(terraform.ShowArgs(r.ws.Path(planFile))))
	if err != nil {
		return "", err
	}
	if err := r.readPlanOf(r.soft, data); err != nil {
		return "", err
	}
	now, err := terraform.ReadDrift(data, r.scrub)
	if err != nil {
		return "", err
	}
	if other := (found{now}).other(); other != "" {
		return other + ": deploy it", nil
	}
	action := make(map[string]string)
	for _, d := range drifted {
		action[d.Address] = d.Action
	}
	for _, c := range r.result.Resources {
		if ignored := slices.IndexFunc(r.result.Ignored, func(d report.Difference) bool { return d.Address == c.Address && isAccepted(d) }); ignored >= 0 {
			return fmt.Sprintf("its plan would also undo what is accepted of %s", c.Address), nil
		}
		if c.Action == "replace" || c.Action == "delete" || c.Action == "forget" || c.Action == "create" && action[c.Address] != terraform.DriftDeleted {
			return fmt.Sprintf("its plan would %s %s: look at it with plan, and deploy it", c.Action, c.Address), nil
		}
	}
	return "", nil
}

// absorb notes what an apply has taken into the state as it is.
func (l *looking) absorb(unit string, left []report.Difference) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range differences(unit, left) {
		l.compared.absorbed[d] = true
	}
}

// failed says that a need of this run went wrong, "" where it did not.
func (l *looking) failed(need string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if result := l.results[need]; result != nil && blocks(result) != nil {
		return fmt.Sprintf("%s %s", need, result.Result)
	}
	return ""
}

// staying is what of the drift a plan would leave as it is.
func staying(drifted []report.Difference, plan []report.Resource) []report.Difference {
	planned := make(map[string]report.Resource)
	for _, r := range plan {
		planned[r.Address] = r
	}
	var left []report.Difference
	for _, d := range drifted {
		change, changes := planned[d.Address]
		whole := change.Action == "create" || change.Action == "replace"
		if changes && (whole || len(d.Attributes) == 0) {
			continue
		}
		stays := report.Difference{Address: d.Address, Action: d.Action, Severity: d.Severity}
		for _, a := range d.Attributes {
			if !touches(change.Attributes, a.Path) {
				stays.Attributes = append(stays.Attributes, a)
			}
		}
		if len(stays.Attributes) > 0 || len(d.Attributes) == 0 {
			left = append(left, stays)
		}
	}
	return left
}

// touches says whether one of the attributes is, holds or is part of the one at
// path.
func touches(attributes []report.Attribute, path string) bool {
	for _, a := range attributes {
		for _, pair := range [][2]string{{a.Path, path}, {path, a.Path}} {
			rest, ok := strings.CutPrefix(pair[0], pair[1])
			if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
				return true
			}
		}
	}
	return false
}

// count counts the differences: attributes, and resources as a whole.
func count(list []report.Difference) (n int) {
	for _, d := range list {
		n += max(1, len(d.Attributes))
	}
	return n
}

// applyBack applies the plan. The unit's record stays what it was, but for the
// outputs that may be others now.
func (l *looking) applyBack(r *unitRun, was record.Record) error {
	attempt := was
	attempt.Run, attempt.Time = r.session.run.ID, r.session.run.Started
	if err := record.Begin(r.soft, l.memory.store, attempt); err != nil {
		return fmt.Errorf("nothing was applied, since its record could not be written: %w", err)
	}
	if err := r.apply(); err != nil {
		if !r.applying.Started && r.hard.Err() == nil {
			err = errors.Join(err, l.keepRecord(r, was)) // nothing was begun
		}
		return err
	}
	if err := r.hooks(r.hard, "after-apply", r.config.Hooks.AfterApply); err != nil {
		return err
	}
	if err := r.publish(r.hard, r.applying.Outputs, false); err != nil {
		return err
	}
	was.Run = r.session.run.ID
	if outputs, ok := r.outputDigests(); ok {
		was.Outputs = outputs
	}
	if err := l.keepRecord(r, was); err != nil {
		r.warn(fmt.Sprintf("its record still says that an apply has not ended, so that the next deploy plans the unit again: %v", err))
	}
	return nil
}

// keepRecord writes the unit's record of its last success, which an attempt of
// this run stood beside. What another run has written meanwhile stays.
func (l *looking) keepRecord(r *unitRun, was record.Record) error {
	ctx := context.WithoutCancel(r.hard)
	now, err := record.Get(ctx, l.memory.store, was.Environment, was.Unit)
	if err != nil {
		return err
	}
	if now.Run != l.memory.records[was.Unit].Run {
		was = now
	}
	was.Started = r.session.run.Started
	return record.Save(ctx, l.memory.store, was)
}

// cannotSetBack is why drift of a unit is not set back, "" where it can be.
func (l *looking) cannotSetBack(r *unitRun, was record.Record, g gathered) string {
	for _, need := range l.all.AllNeeds(r.unit.ID()) {
		if why := l.failed(need); why != "" {
			return why
		}
	}
	state, local := stack.LocalState(r.Source, r.unit)
	copied := local && !path.IsAbs(state) // what is looked at is a copy of it
	switch {
	case l.tree.Unit(r.unit.ID()) == nil:
		return "its folder is not here: check out the branch that has it, or destroy it (deploy --destroy-deleted)"
	case was.Attempt != nil && (!was.Holds(was.Attempt.Closure) || !maps.Equal(was.Values, was.Attempt.Values)):
		return "its last apply did not succeed: deploy it first"
	case r.now != nil && was.Dirty:
		return "it was deployed with changes that were never committed: deploy it from a commit first"
	case r.now != nil && copied:
		return fmt.Sprintf("its state is a local file, and its code has changed since: check %s out, and run drift --fix there", short(was.Commit))
	case !maps.Equal(was.Values, r.usedValues(g)):
		return "values that it reads are not those it was deployed with, and its plan would bring the new ones: deploy it"
	}
	for _, d := range r.result.Drift {
		for _, ignored := range r.result.Ignored {
			if ignored.Address == d.Address && isAccepted(ignored) {
				return fmt.Sprintf("a plan would also undo what is accepted of %s", d.Address)
			}
		}
	}
	return ""
}
