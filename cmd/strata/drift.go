package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

// driftFlags are the flags of drift alone.
type driftFlags struct {
	fix, accept          bool
	since, failOn        string
	reason, owner, until string
}

func (a *app) driftCommand() *cobra.Command {
	f, d := &runFlags{}, &driftFlags{}
	cmd := &cobra.Command{
		Use: "drift [--env ENV]", Short: "Compare what is really there with what was deployed", GroupID: "run", Args: cobra.NoArgs,
		Long: `Drift plans every unit with the code that it was last deployed from, without
locking its state and without changing anything, and tells what differs: drift,
attribute by attribute. Code that is not deployed yet is no drift: such a unit is
pending. What strata.yaml's baseline accepts, and what means nothing, is listed
apart.

Exit codes: 0 in sync, 2 drift (also where other units could not be looked at),
1 a unit could not be looked at, 3 refused.`,
		Example: "  strata drift --env production --since last\n  strata drift --env production --only platform --fix\n" +
			"  strata drift --env production --only 'clients/*' --accept --reason 'set by the backup service' --owner platform-team --until 2027-03-31",
		RunE: func(*cobra.Command, []string) error { return a.drift(f, d) },
	}
	f.register(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&d.fix, "fix", false, "set back what drifted, with the code that was deployed: nothing that is pending goes with it")
	flags.BoolVar(&d.accept, "accept", false, "add what drifted to strata.yaml's baseline instead; needs --reason, --owner and --until")
	flags.StringVar(&d.reason, "reason", "", "why it is accepted")
	flags.StringVar(&d.owner, "owner", "", "who answers for it")
	flags.StringVar(&d.until, "until", "", "the last `DAY` on which it is accepted, such as 2027-03-31")
	flags.StringVar(&d.since, "since", "", "last: report only what the last report did not hold, and what is gone since")
	flags.StringVar(&d.failOn, "fail-on", report.OnDrift, "what to exit with 2 on: drift, pending (and code that is not deployed yet) or never")
	_ = cmd.RegisterFlagCompletionFunc("since", cobra.FixedCompletions([]string{"last"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions([]string{report.OnDrift, report.OnPending, report.OnNothing}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) drift(f *runFlags, d *driftFlags) error {
	acceptance, err := d.check()
	if err != nil {
		return err
	}
	f.failOn = d.failOn
	return a.run(f, func(ctx context.Context, o pipeline.Options) (*report.Run, error) {
		o.Fix, o.Since = d.fix, d.since == "last"
		if d.accept {
			o.Accept = &acceptance
			o.Write = func(text []byte, changed bool) error {
				if !changed {
					return nil
				}
				return replaceFile(filepath.Join(o.Root, stack.ConfigFile), text)
			}
		}
		return pipeline.Drift(ctx, o)
	})
}

// check refuses flags that have no meaning, before anything is looked at.
func (d *driftFlags) check() (a pipeline.Acceptance, err error) {
	switch {
	case d.since != "" && d.since != "last":
		return a, fmt.Errorf("--since %q: it is last", d.since)
	case report.CheckFailOn(d.failOn) != nil:
		return a, report.CheckFailOn(d.failOn)
	case d.fix && d.accept:
		return a, errors.New("--fix sets back what drifted, --accept leaves it: say one")
	case d.fix && d.since != "":
		return a, errors.New("--fix sets back all that drifted: leave out --since")
	case !d.accept && d.reason+d.owner+d.until != "":
		return a, errors.New("--reason, --owner and --until go with --accept")
	case d.accept && d.since != "":
		return a, errors.New("--accept takes all that drifted: leave out --since")
	case d.accept:
		return pipeline.NewAcceptance(d.reason, d.owner, d.until)
	}
	return a, nil
}

// replaceFile writes a file as a whole, or not at all: behind a link, where it is
// one.
func replaceFile(name string, data []byte) error {
	mode := fs.FileMode(0o644)
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	if info, err := os.Stat(name); err == nil {
		if mode = info.Mode().Perm(); mode&0o200 == 0 {
			return fmt.Errorf("%s may not be written: its mode is %o", name, mode)
		}
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), ".strata-*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Chmod(mode), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}
