package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/scan"
	"github.com/strata-tf/strata/internal/stack"
)

// complianceGate holds plans against rules that people write in sentences.
type complianceGate struct {
	*gates
	mode    string
	scanner scan.Scanner
}

// openCompliance finds the rules, and refuses where they are enforced and not
// there.
func (g *gates) openCompliance() error {
	mode := g.mode(stack.Compliance)
	if mode == stack.Off {
		return nil
	}
	all := scan.Scanners()
	c := &complianceGate{gates: g, mode: mode, scanner: all[slices.IndexFunc(all, func(sc scan.Scanner) bool { return sc.Name == stack.Compliance })]}
	folder := g.settings.Scan.Compliance.Path
	if !slices.ContainsFunc(g.files.Names, func(name string) bool {
		return strings.HasSuffix(name, ".feature") && strings.HasPrefix(name, folder+"/")
	}) {
		return g.nothing(stack.Compliance, stack.Compliance, mode, fmt.Sprintf("there is no rule (*.feature) in %s", folder))
	}
	g.compliance = c
	return nil
}

// judge holds a unit's plan against the rules.
func (c *complianceGate) judge(r *unitRun, v *verdict) error {
	if c == nil || r.document == nil {
		return nil
	}
	r.begin(stack.Compliance)
	check := c.check(stack.Compliance, c.mode)
	started := time.Now()
	told, err := c.look(r.soft, r)
	if ended(r.soft, err) {
		return r.soft.Err()
	}
	if err == nil && told.Files == 0 {
		err = errors.New("terraform-compliance looked at no rule: run it by hand to see why")
	}
	if err != nil {
		r.fault(check, v, c.missing(err, c.scanner.Install, stack.Compliance))
		return nil
	}
	c.mu.Lock()
	check.Version = told.Version
	check.Ignored += told.Suppressed
	c.mu.Unlock()
	c.looked(check, 1, time.Since(started).Seconds())
	v.add(check, c.hold(check, finding.Scope(scrubbed(told.Findings, r.scrub), nil)))
	return nil
}

// look runs the tool. It is given a copy of the plan: it may write another into
// its place.
func (c *complianceGate) look(ctx context.Context, r *unitRun) (scan.Report, error) {
	const plan, output = "compliance-plan.json", "compliance-report.json"
	ws, err := c.ruled.open(ctx, r.unit.ID())
	if err != nil {
		return scan.Report{}, err
	}
	defer ws.Close()
	if err := ws.WriteFile(ctx, plan, r.document); err != nil {
		return scan.Report{}, err
	}
	rules := c.settings.Scan.Compliance.Path
	o := scan.Options{
		Root: ws.SourcePath("."), Plan: ws.Path(plan), Features: ws.SourcePath(rules), Rules: rules, Output: ws.Path(output),
		Unit: r.unit.ID(), Dir: r.unit.Path,
	}
	result, err := ws.Run(ctx, runner.Step{
		Tool: c.program(c.scanner.Tool), Args: c.scanner.Args(o), Dir: ".", Env: c.scanner.Env, OKCodes: c.scanner.OKCodes,
		Keep: true, Sensitive: true, Bare: true,
	})
	if err := ran(err); err != nil {
		return scan.Report{}, err
	}
	code := shellCode(result.ExitCode, err)
	written, err := ws.ReadFile(ctx, output)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return scan.Report{}, err
	}
	return c.scanner.Read(o, scan.Output{ExitCode: code, Stdout: []byte(r.scrub.Text(string(result.Stdout))), Stderr: []byte(r.scrub.Text(string(result.Stderr))), File: r.scrub.JSON(written)})
}
