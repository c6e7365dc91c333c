package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// Destroy destroys what the selected units hold, each once all that needs it is
// gone.
func Destroy(ctx context.Context, o Options) (*report.Run, error) {
	s, err := open(ctx, "destroy", o)
	if err != nil {
		return nil, err
	}
	if err := s.confirm(); err != nil {
		return nil, err
	}
	if err := s.refuseDependents(); err != nil {
		return nil, err
	}
	return s.walk(s.graph.Reverse(), func(r *unitRun) error { return r.destroy() })
}

// confirm asks for the environment's name.
func (s *session) confirm() error {
	name := s.Select.Environment
	answer := s.Confirm
	if answer == "" && s.Ask != nil {
		question := fmt.Sprintf("This destroys, in %s:\n  %s\nType the environment's name to go on: ", name, strings.Join(s.graph.Reverse().Order(), "\n  "))
		var ok bool
		if answer, ok = s.Ask(question); !ok {
			return fmt.Errorf("stopped before anything was destroyed: %w", context.Canceled)
		}
		answer = strings.TrimSpace(answer)
	}
	switch answer {
	case name:
		return nil
	case "":
		return &RefusedError{fmt.Sprintf("destroy of %s is not confirmed: say --confirm %s", name, name)}
	}
	return &RefusedError{fmt.Sprintf("destroy of %s is not confirmed: %q is not the environment's name", name, answer)}
}

// refuseDependents refuses while units that are not selected hold resources
// that need what is about to go.
func (s *session) refuseDependents() error {
	dependents := s.all.AllDependents(ids(s.units)...)
	var units []*stack.Unit
	for _, id := range dependents {
		if !s.graph.Has(id) {
			units = append(units, s.tree.Unit(id))
		}
	}
	if len(units) == 0 {
		return nil
	}
	if err := s.tree.Load(s.reader, units); err != nil {
		return err
	}
	var err error
	if s.out, err = newOutput(Options{}, ""); err != nil {
		return err
	}
	holding := make([]string, len(units))
	group, ctx := errgroup.WithContext(s.soft)
	group.SetLimit(planWidth())
	for i, unit := range units {
		group.Go(func() error {
			n, err := s.holds(ctx, unit)
			if err != nil {
				return fmt.Errorf("cannot tell whether %s still holds resources: %w", unit.ID(), err)
			}
			if s.blocked[s.rescuedName(unit)] > 0 {
				holding[i] = unit.ID() + " (a rescued state)"
			}
			if n > 0 {
				holding[i] = fmt.Sprintf("%s (%d)", unit.ID(), n)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var still []string
	for _, h := range holding {
		if h != "" {
			still = append(still, h)
		}
	}
	if len(still) == 0 {
		return nil
	}
	return &RefusedError{fmt.Sprintf("units that need what would be destroyed still hold resources: %s: destroy them too (--with-dependents), or first", strings.Join(still, ", "))}
}

// holds counts what is in a unit's state.
func (s *session) holds(ctx context.Context, unit *stack.Unit) (n int, err error) {
	r := &unitRun{session: s, unit: unit, quiet: true, result: s.blank(unit.ID())}
	if r.log, err = s.out.unitLog(unit); err != nil {
		return 0, err
	}
	if r.ws, err = s.Runner.Open(ctx, s.spec(unit)); err != nil {
		return 0, err
	}
	n, err = r.countState(ctx)
	err = errors.Join(err, r.ws.Close())
	if err != nil && len(r.result.Diagnostics) > 0 {
		err = errors.New(r.result.Diagnostics[0].Summary)
	}
	return n, err
}

// countState counts the resources in the unit's state, in its open workspace.
func (r *unitRun) countState(ctx context.Context) (int, error) {
	if err := r.initialize(ctx); err != nil {
		return 0, err
	}
	step := r.step(terraform.StateListArgs())
	step.Keep = true
	result, err := r.ws.Run(ctx, step)
	if err != nil {
		if terraform.NoState(string(result.Stderr)) {
			return 0, nil
		}
		r.diagnoseStderr("state list", result.Stderr)
		return 0, err
	}
	return len(strings.Fields(string(result.Stdout))), nil
}

func (r *unitRun) destroy() error {
	if err := r.refuseRescued(); err != nil {
		return err
	}
	g, err := r.prepare(r.soft)
	if err != nil {
		return err
	}
	if len(g.missing) > 0 {
		if gone, err := r.goneWithout(g); gone || err != nil {
			return err
		}
		if err := r.prepareWith(r.soft, g); err != nil {
			return err
		}
	}
	changes, err := r.makePlan(r.soft, true)
	if err == nil {
		err = r.judge()
	}
	if err != nil {
		return err
	}
	if !changes {
		r.result.Result, r.result.Reason = report.Unchanged, "nothing to destroy"
		r.forget()
		return nil
	}
	if err := r.apply(); err != nil {
		return err
	}
	r.result.Result = report.Destroyed
	r.forget()
	return nil
}

// goneWithout is for a unit whose needs no longer have the values it reads: an
// earlier destroy has come this far, and nothing is left of this unit, or
// somebody has destroyed its needs apart, and the values come from --var-file.
func (r *unitRun) goneWithout(g gathered) (gone bool, err error) {
	n, err := r.countState(r.soft)
	if err != nil {
		return false, err
	}
	if n == 0 {
		r.result.Result, r.result.Reason = report.Unchanged, "nothing to destroy"
		return true, nil
	}
	if len(r.VarFiles) > 0 {
		return false, nil
	}
	return false, fmt.Errorf("its state holds resources (%d), and %s: give the values with --var-file", n, g.lacking())
}
