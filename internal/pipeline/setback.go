package pipeline

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/terraform"
)

// setBack applies a plan with the code and the values that the unit was deployed
// with, so that nothing that is pending goes with it.
func (l *looking) setBack(r *unitRun, g gathered, pending string) error {
	was := l.memory.records[r.unit.ID()]
	if why := l.cannotSetBack(r, was, g); why != "" {
		r.result.Result, r.result.Reason = driftResult(r.result, pending), "not set back: "+why
		return nil
	}
	drifted := r.result.Drift
	var targets []string
	if l.accepts(r.result.Ignored) {
		// What is accepted stays as it is.
		for _, d := range drifted {
			targets = append(targets, d.Address)
		}
	}
	plan, err := r.planned(r.soft, terraform.PlanOptions{Targets: targets})
	if err != nil {
		return err
	}
	if plan.code == terraform.PlanChanges {
		if err := r.readPlan(r.soft); err != nil {
			return err
		}
	}
	left := staying(drifted, r.result.Resources)
	if len(left) == len(drifted) && count(left) == count(drifted) {
		r.result.Changes, r.result.Resources, r.result.Outputs = nil, nil, nil
		r.result.Result = driftResult(r.result, pending)
		r.result.Reason = "not set back: its code does not set what differs: set it there, or accept it (--accept)"
		return nil
	}
	if err := l.applyBack(r, was, g); err != nil {
		return err
	}
	if _, err := l.look(r); err != nil {
		return err
	}
	if r.result.Drift = append(r.result.Drift, left...); len(r.result.Drift) > 0 {
		r.result.Result = driftResult(r.result, pending)
		r.result.Reason = "set back, but for what its code does not set: its state holds that as it is now, so that no later look finds it"
		return nil
	}
	r.result.Result, r.result.Reason = report.Applied, "drift is set back"
	if pending != "" {
		r.result.Reason += "; still pending: " + pending
	}
	return nil
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
func (l *looking) applyBack(r *unitRun, was record.Record, g gathered) error {
	attempt := was
	attempt.Run, attempt.Time = r.session.run.ID, r.session.run.Started
	if err := record.Begin(r.soft, l.memory.store, attempt); err != nil {
		return fmt.Errorf("nothing was applied, since its record could not be written: %w", err)
	}
	err := r.apply()
	if err != nil {
		return err
	}
	if was.Outputs, err = l.outputsAfter(r, was.Outputs); err != nil {
		return err
	}
	was.Run, was.Started = r.session.run.ID, r.session.run.Started
	if err := record.Save(context.WithoutCancel(r.hard), l.memory.store, was); err != nil {
		r.warn(fmt.Sprintf("its record still says that an apply has not ended, so that the next deploy plans the unit again: %v", err))
	}
	return nil
}

// cannotSetBack is why drift of a unit is not set back, "" where it can be.
func (l *looking) cannotSetBack(r *unitRun, was record.Record, g gathered) string {
	switch {
	case l.tree.Unit(r.unit.ID()) == nil:
		return "its folder is not here: check out the branch that has it, or destroy it (deploy --destroy-deleted)"
	case was.Attempt != nil:
		return "its last apply did not succeed: deploy it first"
	case r.now != nil && was.Dirty:
		return "it was deployed with changes that were never committed: deploy it from a commit first"
	case r.now != nil && localState(was):
		return fmt.Sprintf("its state is a local file, and its code has changed since: check %s out, and run drift --fix there", short(was.Commit))
	case !maps.Equal(was.Values, r.usedValues(g)):
		return "values that it reads are not those it was deployed with, and its plan would bring the new ones: deploy it"
	}
	for _, d := range r.result.Drift {
		for _, ignored := range r.result.Ignored {
			if ignored.Address == d.Address && strings.HasPrefix(ignored.Why, accepted) {
				return fmt.Sprintf("a plan would also undo what is accepted of %s", d.Address)
			}
		}
	}
	return ""
}

// outputsAfter are the digests of the outputs that others read, as they are
// after an apply.
func (l *looking) outputsAfter(r *unitRun, before map[string]string) (map[string]string, error) {
	if len(before) == 0 {
		return before, nil
	}
	data, err := r.run(r.hard, r.step(terraform.OutputArgs()))
	if err != nil {
		return nil, err
	}
	outputs, err := terraform.ParseOutputs(data)
	if err != nil {
		return nil, err
	}
	after := make(map[string]string)
	for name := range before {
		if output, ok := outputs[name]; ok {
			after[name] = l.memory.key.Digest(r.unit.ID(), name, output.Value)
		}
	}
	return after, nil
}
