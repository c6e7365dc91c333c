package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/policy"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
)

// Policy holds the plans of units against the repository's policies, which it
// also tests.
func Policy(ctx context.Context, o Options) (run *report.Run, err error) {
	s, err := open(ctx, "policy", o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.gates.close()) }()
	if err := s.checkBaseline(); err != nil {
		return nil, err
	}
	if p := s.gates.policy; p != nil {
		if err := p.testPolicies(s.soft); err != nil {
			return nil, err
		}
	}
	return s.accepted(s.look())
}

// testPolicies checks the policies' form and runs their own tests.
func (p *policyGate) testPolicies(ctx context.Context) error {
	c := p.check(opa, p.mode)
	started := time.Now()
	for _, look := range []func(context.Context) ([]finding.Finding, error){p.format, p.test} {
		found, err := look(ctx)
		if ended(ctx, err) {
			return err
		}
		if err != nil {
			p.fault(c, firstLine(err.Error()))
			continue
		}
		p.hold(c, finding.Scope(found, func(string) []string { return nil }))
	}
	p.looked(c, 0, time.Since(started).Seconds())
	return nil
}

func (p *policyGate) format(ctx context.Context) ([]finding.Finding, error) {
	result, err := p.own(ctx, policy.FormatArgs(p.language(), p.settings.Policy.Path))
	if err != nil {
		return nil, err
	}
	return policy.ReadFormat(result.ExitCode, result.Stdout, result.Stderr)
}

func (p *policyGate) test(ctx context.Context) ([]finding.Finding, error) {
	result, err := p.own(ctx, policy.TestArgs(p.language(), p.settings.Policy.Path))
	if err != nil {
		return nil, err
	}
	tests, err := policy.ReadTests(result.ExitCode, result.Stdout, result.Stderr)
	return tests.Findings, err
}

// own runs a step of OPA of which every exit code is a result.
func (p *policyGate) own(ctx context.Context, args []string) (runner.Result, error) {
	result, err := p.ws.Run(ctx, p.opaStep(args))
	return result, ranWell(err)
}
