package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

// gateFlags are the flags of the verbs that hold units to gates.
type gateFlags struct {
	from      string
	baselines []string
	write     string
	tools     []string
	failOn    string
}

// gated says whether a verb holds units to gates.
func gated(verb string) bool { return verb == "plan" || verb == "deploy" || onlyGates(verb) }

// onlyGates says whether a verb is about gates alone.
func onlyGates(verb string) bool { return verb == "scan" || verb == "policy" || verb == "validate" }

func (g *gateFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&g.from, "gates-from", "", "take gates, limits, policies and suppressions from this `REV`: the target of a pull request")
	flags.StringArrayVar(&g.baselines, "baseline", nil, "a `FILE` of accepted findings, besides that of strata.yaml (repeatable)")
	if cmd.Name() == "scan" || cmd.Name() == "policy" {
		flags.StringVar(&g.write, "write-baseline", "", "accept all that is found today: write it into this `FILE`")
	}
	if cmd.Name() == "scan" {
		flags.StringArrayVar(&g.tools, "tool", nil, "only this scanner, also where the environment has it off (repeatable)")
		_ = cmd.RegisterFlagCompletionFunc("tool", cobra.FixedCompletions(stack.Scanners(), cobra.ShellCompDirectiveNoFileComp))
	}
	if onlyGates(cmd.Name()) {
		flags.StringVar(&g.failOn, "fail-on", report.OnFindings, "what to exit with 3 on: findings (that refuse), or never")
		_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions([]string{report.OnFindings, report.OnNothing}, cobra.ShellCompDirectiveNoFileComp))
	}
}

// options gives the pipeline what the flags say.
func (g *gateFlags) options(o *pipeline.Options) error {
	if err := report.CheckGatesFailOn(g.failOn); err != nil {
		return err
	}
	o.GatesFrom, o.Tools = g.from, g.tools
	for _, name := range g.baselines {
		data, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("--baseline: %w", err)
		}
		b, err := finding.ReadBaseline(data)
		if err != nil {
			return fmt.Errorf("--baseline %s: %w", name, err)
		}
		o.Baselines = append(o.Baselines, b)
	}
	if name := g.write; name != "" {
		o.WriteBaseline = func(next func([]byte) ([]byte, error)) error { return rewrite(name, next) }
	}
	return nil
}

// rewrite makes a file's new text of its old one.
func rewrite(name string, next func(old []byte) ([]byte, error)) error {
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := next(old)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return replaceFile(name, text)
}

func (a *app) scanCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use: "scan [--env ENV]", Short: "Let scanners look at the code, and at plans", GroupID: "gates", Args: cobra.NoArgs,
		Long: `Scan lets the environment's scanners look at the repository's code, once for all
units: checkov, tfsec and trivy; and terraform-compliance at each unit's plan,
where the repository has rules for it. A finding in a module is told once, with
the units that use it. Nothing that has not changed is scanned twice.

Exit codes: 0 nothing refuses, 3 findings of a scanner that is enforced, 1 a
scanner that is enforced told nothing.`,
		Example: "  strata scan --env staging\n  strata scan --env production --tool checkov --format sarif\n  strata scan --env production --write-baseline strata-baseline.json",
		RunE:    func(*cobra.Command, []string) error { return a.run(f, pipeline.Scan) },
	}
	f.register(cmd)
	return cmd
}

func (a *app) policyCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use: "policy [--env ENV]", Short: "Hold plans against the repository's policies, and test these", GroupID: "gates", Args: cobra.NoArgs,
		Long: `Policy plans units and asks the policies (Rego, by OPA) about each plan, as plan
and deploy do; it also checks the policies' form and runs their own tests. It
selects units as plan does.

A rule that reads a value known only after the apply is undetermined: deploy
asks it again after the apply.

Exit codes: 0 nothing denies, 3 a policy that is enforced does, 1 a unit could
not be planned or judged.`,
		Example: "  strata policy --env staging --all\n  strata policy --env production --base origin/main --format junit",
		RunE:    func(*cobra.Command, []string) error { return a.run(f, pipeline.Policy) },
	}
	f.register(cmd)
	return cmd
}

func (a *app) validateCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use: "validate [--env ENV]", Short: "Check the form of the code, and run its tests", GroupID: "gates", Args: cobra.NoArgs,
		Long: `Validate asks Terraform whether the code is formatted and valid, without a
backend, and runs the tests of units that have some (*.tftest.hcl). It works on
a copy of the repository. Tests may make real resources: that is for them to say.

Exit codes: 0 valid, 3 findings where the gate validate is enforced, 1 failed.`,
		Example: "  strata validate --env staging\n  strata validate --env production --only platform",
		RunE:    func(*cobra.Command, []string) error { return a.run(f, pipeline.Validate) },
	}
	f.register(cmd)
	return cmd
}
