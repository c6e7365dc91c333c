package pipeline

import (
	"context"
	"errors"
	"strings"

	"github.com/strata-tf/strata/internal/report"
)

// Plan says what a deploy of the selected units would do. It changes nothing.
func Plan(ctx context.Context, o Options) (run *report.Run, err error) {
	s, err := open(ctx, "plan", o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.gates.close()) }()
	return s.walk(s.graph, func(r *unitRun) error { return r.planOnly() })
}

// planOnly plans one unit with the values its needs have or are about to have.
func (r *unitRun) planOnly() error {
	if err := r.refuseRescued(); err != nil {
		return err
	}
	g, err := r.prepare(r.soft)
	if err != nil {
		return err
	}
	if len(g.missing) > 0 {
		r.result.Result, r.result.Reason = report.Deferred, g.lacking()
		r.values.set(r.unit.ID(), nil, true)
		return nil
	}
	changes, err := r.makePlan(r.soft, false)
	if err != nil {
		return err
	}
	if r.plan == nil {
		if err := r.publish(r.soft, nil, len(g.unsure) > 0); err != nil {
			return err
		}
	} else {
		r.addNulls(r.plan.Values)
		r.values.set(r.unit.ID(), r.plan.Values, len(g.unsure) > 0)
	}
	switch {
	case len(g.unsure) > 0:
		r.result.Result = report.Provisional
		r.result.Reason = "planned with values that " + strings.Join(g.unsure, " and ") + " is about to change"
	case changes:
		r.result.Result = report.Planned
	default:
		r.result.Result, r.result.Reason = report.Unchanged, "no changes"
	}
	if err := r.judge(); err != nil {
		r.passing, r.result.Reason = true, "" // a reader wants to see the others all the same
		return err
	}
	return nil
}
