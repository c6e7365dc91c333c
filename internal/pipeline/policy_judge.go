package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/policy"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// about is what policies see as data.strata.
func (p *policyGate) about(r *unitRun) map[string]string {
	return map[string]string{
		"unit": r.unit.ID(), "layer": r.unit.Layer, "instance": r.unit.Instance, "region": r.unit.Region, "environment": r.unit.Environment,
		"path": r.unit.Path, "commit": r.Commit, "run": r.session.run.ID, "verb": p.verb, "who": p.who,
	}
}

// evaluated is what the policies say of one plan.
type evaluated struct {
	deny, warn, undetermined []finding.Finding
}

// evaluate asks the policies about a plan.
func (p *policyGate) evaluate(ctx context.Context, r *unitRun, document []byte, scrub *runner.Scrubber) (evaluated, error) {
	var e evaluated
	started := time.Now()
	results, err := p.client.Evaluate(ctx, policy.Input{Unit: r.unit.ID(), Plan: document, Strata: p.about(r), Scrub: scrub.JSON})
	if err != nil {
		return e, p.because(err)
	}
	plan, err := policy.ReadPlan(document)
	if err != nil {
		return e, err
	}
	for i, result := range results {
		list := scrubbed(p.analyses[i].Findings(r.unit.ID(), plan, result.Messages), scrub)
		for j := range list {
			list[j].Dir = r.unit.Path
		}
		if result.Query.Warn {
			e.warn = append(e.warn, list...)
			continue
		}
		e.deny = append(e.deny, list...)
		for _, u := range p.analyses[i].Undetermined(plan, result.Messages) {
			e.undetermined = append(e.undetermined, finding.Finding{
				Tool: opa, Rule: u.Rule + "/undetermined", Aliases: []string{u.Rule, result.Query.Rule()}, Severity: finding.High, Unit: r.unit.ID(), Dir: r.unit.Path, File: u.File, Line: u.Line,
				Resource: u.Address, Title: "cannot be decided before the apply: it reads " + strings.Join(u.Attributes, ", "),
				Help: "the policy is asked again after the apply",
			})
		}
	}
	e.undetermined = finding.Number(scrubbed(e.undetermined, scrub))
	p.looked(p.check(opa, p.mode), 1, time.Since(started).Seconds())
	return e, nil
}

// judge holds the unit's plan against the policies.
func (p *policyGate) judge(r *unitRun, v *verdict) error {
	if p == nil || r.document == nil {
		return nil
	}
	r.begin("policy")
	c := p.check(opa, p.mode)
	e, err := p.evaluate(r.soft, r, r.document, r.scrub)
	if ended(r.soft, err) {
		return r.soft.Err()
	}
	if err != nil {
		r.fault(c, v, err)
		return nil
	}
	carried := r.carried()
	denied, undecided := p.carry(r, carried)
	denied = slices.DeleteFunc(denied, func(f finding.Finding) bool { // it is denied anew
		return slices.ContainsFunc(e.deny, func(now finding.Finding) bool { return now.Rule == f.Rule && now.Resource == f.Resource })
	})
	r.asked = append(questions(e.undetermined, false), carried...)
	e.deny, e.undetermined = append(e.deny, denied...), append(e.undetermined, undecided...)
	v.add(c, p.hold(c, e.deny))
	p.tell(e.warn)
	// A baseline accepts what is found, and never what is not known.
	undetermined, known := p.suppress(c, e.undetermined)
	p.keepNew(c, &c.Known, known)
	p.settle(c, r.unit.ID(), undetermined)
	if p.unknown == stack.Deny {
		v.add(c, undetermined)
	}
	r.undetermined = len(e.undetermined) > len(undecided)
	return nil
}

// tell keeps the policies' warnings: they refuse nothing, however grave, and are
// told however slight.
func (p *policyGate) tell(warnings []finding.Finding) {
	if len(warnings) == 0 {
		return
	}
	p.hold(p.check(opa, stack.Warn), warnings)
}

// judgeApplied asks the policies again that could not be decided before the
// apply, about the same plan with what the apply made of its unknowns.
func (r *unitRun) judgeApplied() error {
	if !r.undetermined {
		return nil
	}
	p := r.gates.policy
	c := p.check(opa, p.mode)
	err := r.judgeFilled(p, c)
	if err == nil || ended(r.hard, err) {
		return err
	}
	var denied *deniedError
	if !errors.As(err, &denied) {
		p.fault(c, r.scrub.Text(firstLine(err.Error())))
		err = fmt.Errorf("what a policy says of what was made is not known: %w", err)
	}
	if p.mode != stack.Enforce {
		return nil
	}
	r.result.Reason = r.scrub.Text("applied, but " + firstLine(err.Error()) + ": mend it and deploy again")
	return err
}

// deniedError says that policies deny what was made.
type deniedError struct{ n int }

func (e *deniedError) Error() string {
	return fmt.Sprintf("policies deny what was made (%s)", plural(e.n, "finding", "findings"))
}

func (r *unitRun) judgeFilled(p *policyGate, c *report.Check) error {
	step := r.step(terraform.ShowStateArgs())
	state, err := r.run(r.hard, step)
	if err != nil {
		return err
	}
	filled, err := policy.FillUnknowns(r.document, state)
	if err != nil {
		return err
	}
	made, err := terraform.ReadPlan(filled, r.scrub)
	if err != nil {
		return err
	}
	r.scrub = made.Scrub
	e, err := p.evaluate(r.hard, r, filled, r.scrub)
	if err != nil {
		return err
	}
	left, _ := p.suppress(c, e.undetermined)
	p.settle(c, r.unit.ID(), left)
	counted := p.hold(c, e.deny)
	p.tell(e.warn)
	switch {
	case len(counted) > 0:
		r.keepDenied(counted)
		return &deniedError{len(counted)}
	case len(left) > 0:
		return errors.New("it still reads what is not known")
	}
	return nil
}

// settle puts what is undetermined of a unit in the place of what was.
func (p *policyGate) settle(c *report.Check, unit string, undetermined []finding.Finding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	others := slices.DeleteFunc(c.Undetermined, func(f finding.Finding) bool { return f.Unit == unit })
	c.Undetermined, c.Unknown = append(others, undetermined...), p.unknown
}
