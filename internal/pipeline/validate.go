package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"time"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/graph"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// Validate checks the code of units without asking what is deployed: whether it
// is formatted, whether Terraform takes it, and whether its tests pass. It works
// on a copy of the repository, and needs no backend.
func Validate(ctx context.Context, o Options) (run *report.Run, err error) {
	s, err := open(ctx, "validate", o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.gates.close()) }()
	files, err := s.workingTree()
	if err != nil {
		return nil, err
	}
	at, done, err := s.At(files)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	s.Runner = at
	apart := make(map[string][]string) // none waits for what it needs: no value is read
	for _, id := range ids(s.units) {
		apart[id] = nil
	}
	g, err := graph.New(apart)
	if err != nil {
		return nil, err
	}
	return s.walk(g, func(r *unitRun) error { return r.validateOnly() })
}

// validateOnly checks one unit's code.
func (r *unitRun) validateOnly() error {
	step := r.step(terraform.InitWithoutBackendArgs())
	step.Plugins = runner.InstallPlugins
	if err := r.initTries(r.soft, step); err != nil {
		return err
	}
	if err := r.validate(r.soft); err != nil {
		return err
	}
	var v verdict
	if err := r.gates.code.judge(r, &v); err != nil {
		return err
	}
	if err := v.err(); err != nil {
		return err
	}
	r.result.Result, r.result.Reason = report.Unchanged, "valid"
	return nil
}

// validate is the gate of that name, for a unit that is initialized.
func (r *unitRun) validate(ctx context.Context) error {
	g := r.gates
	if g == nil || !g.validates || r.session.run.Verb == "destroy" { // of a unit that is deleted
		return nil
	}
	var v verdict
	c := g.check(r.tool.Name, g.mode(stack.GateValidate))
	started := time.Now()
	for _, look := range []func(context.Context) ([]finding.Finding, error){r.validateCode, r.testCode} {
		found, err := look(ctx)
		if ended(ctx, err) {
			return ctx.Err()
		}
		if err != nil {
			r.fault(c, &v, err)
			continue
		}
		v.add(c, g.hold(c, finding.Scope(scrubbed(found, r.scrub), nil)))
	}
	g.looked(c, 1, time.Since(started).Seconds())
	return v.err()
}

func (r *unitRun) validateCode(ctx context.Context) ([]finding.Finding, error) {
	result, err := r.checkStep(ctx, terraform.ValidateArgs())
	if err != nil {
		return nil, err
	}
	return terraform.ReadValidate(r.tool.Name, r.unit.ID(), r.unit.Path, result.Stdout, result.Stderr)
}

// testCode runs the unit's tests, where it has some. These may make real
// resources, and remove them: that is what they say.
func (r *unitRun) testCode(ctx context.Context) ([]finding.Finding, error) {
	tests := r.tests()
	if len(tests) == 0 {
		return nil, nil
	}
	if r.session.run.Verb == "plan" && !terraform.TestsOnlyPlan(tests) {
		r.warn("its tests make real resources, which a plan does not: deploy and validate run them")
		return nil, nil
	}
	result, err := r.checkStep(ctx, terraform.TestArgs())
	if err != nil {
		return nil, err
	}
	told, err := terraform.ReadTests(r.tool.Name, r.unit.ID(), r.unit.Path, result.ExitCode, result.Stdout, result.Stderr)
	return told.Findings, err
}

// checkStep runs a step of which every exit code is a result.
func (r *unitRun) checkStep(ctx context.Context, args []string) (runner.Result, error) {
	r.begin(args[0])
	step := r.step(args)
	step.Keep = true
	result, err := r.ws.Run(ctx, step)
	return result, ranWell(err)
}

// tests are the unit's test files, by name.
func (r *unitRun) tests() map[string][]byte {
	tests := make(map[string][]byte)
	for _, dir := range []string{r.unit.Path, path.Join(r.unit.Path, "tests")} {
		entries, _ := fs.ReadDir(r.Source, dir) // none where there is no such folder
		for _, entry := range entries {
			name := path.Join(dir, entry.Name())
			if !terraform.IsTest(name) {
				continue
			}
			data, err := fs.ReadFile(r.Source, name)
			if err != nil {
				data = nil // it cannot be told what is in it
			}
			tests[name] = data
		}
	}
	return tests
}
