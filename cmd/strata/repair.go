package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
)

func (a *app) execCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use: "exec UNIT -- ARGS…", Short: "Run any Terraform command in a unit", GroupID: "repair", Args: cobra.MinimumNArgs(1),
		Long: `Exec runs a Terraform command with the unit's data folder, workspace, backend and
variables. UNIT is an id as "strata units" lists it, or the unit's folder. The
exit code is Terraform's.`,
		Example: "  strata exec platform@us-east-1:staging -- state list\n  strata exec regions/us-east-1/layers/02-platform/staging -- import aws_vpc.main vpc-123",
		RunE: func(cmd *cobra.Command, args []string) error {
			o, done, err := a.runOptions(f)
			if err != nil {
				return err
			}
			defer done()
			// A person's Ctrl-C reaches Terraform itself.
			stdio := &runner.Stdio{In: a.stdin, Out: a.stdout, Err: a.stderr}
			code, err := pipeline.Exec(a.soft, o, args[0], args[1:], stdio)
			if err == nil && code != 0 {
				return &exitError{code: code}
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.secrets, "secret", nil, "a secret variable: `NAME`=env:VARIABLE or NAME=file:PATH (repeatable)")
	flags.StringArrayVar(&f.varFiles, "var-file", nil, "a further variable file (repeatable)")
	flags.Var(&f.lockTimeout, "lock-timeout", "how long to wait for another run on this machine")
	flags.StringVar(&f.mirror, "provider-mirror", "", "take providers from this folder alone")
	flags.StringVar(&f.binary, "binary", "", "terraform, tofu, or a path")
	return cmd
}

func (a *app) rescuedCommand() *cobra.Command {
	f := &runFlags{}
	var push, discard bool
	cmd := &cobra.Command{
		Use: "rescued [UNIT]", Short: "List, push or discard states that a backend did not take", GroupID: "repair", Args: cobra.MaximumNArgs(1),
		Long: `When a backend does not take the state after an apply, Strata keeps it and blocks
the unit. --push makes the rescued state the unit's state and unblocks it;
--discard removes it.`,
		RunE: func(_ *cobra.Command, args []string) error {
			o, done, err := a.runOptions(f)
			if err != nil {
				return err
			}
			defer done()
			switch {
			case push && discard:
				return errors.New("--push and --discard: say one")
			case (push || discard) && len(args) == 0:
				return errors.New("say which unit")
			case push:
				return a.done("pushed", pipeline.PushRescued(a.soft, o, args[0]))
			case discard:
				return a.done("discarded", pipeline.DiscardRescued(a.soft, o, args[0]))
			}
			return a.listRescued(a.soft, o, args, f.format)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&push, "push", false, "make the rescued state the unit's state")
	flags.BoolVar(&discard, "discard", false, "remove the rescued state")
	flags.StringVar(&f.format, "format", "table", "table or json")
	flags.StringVar(&f.mirror, "provider-mirror", "", "take providers from this folder alone")
	flags.StringVar(&f.binary, "binary", "", "terraform, tofu, or a path")
	return cmd
}

// done says what was done, if it was.
func (a *app) done(what string, err error) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, what)
	return err
}

func (a *app) listRescued(ctx context.Context, o pipeline.Options, args []string, format string) error {
	id := ""
	if len(args) > 0 {
		id = args[0]
	}
	found, err := pipeline.ListRescued(ctx, o, id)
	if err != nil {
		return err
	}
	return report.RescuedStates(a.stdout, found, format)
}
