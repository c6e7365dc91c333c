package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
)

// runFlags are the flags of the verbs that run units.
type runFlags struct {
	environment    string
	all            bool
	only           []string
	withDependents bool
	ref            string
	base           string
	dependents     bool
	noPrune        bool
	destroyDeleted bool
	regions        []string
	parallelism    int
	lockTimeout    lockTimeout
	varFiles       []string
	targets        []string
	replace        []string
	secrets        []string
	failFast       bool
	format         string
	out            string
	mirror         string
	binary         string
	grace          time.Duration
	detailed       bool
	failOn         string // drift only
	confirm        string
	gates          gateFlags
	reports        []string
}

func (f *runFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.environment, "env", "", f.environmentUsage(cmd))
	verb := cmd.Name()
	if verb != "destroy" {
		flags.StringVar(&f.ref, "ref", "", "the branch, or full ref, whose environment is meant, instead of --env")
	}
	if gated(verb) {
		flags.StringVar(&f.base, "base", "", "select what has changed since this `REV` (its merge base with HEAD)")
		f.gates.register(cmd)
	}
	flags.BoolVar(&f.all, "all", false, f.allUsage(verb))
	flags.StringArrayVar(&f.only, "only", nil, "select units by `GLOB`: of ids, layers, layer/instance or folders (repeatable)")
	flags.BoolVar(&f.withDependents, "with-dependents", false, "select what needs the selected units too")
	flags.StringArrayVar(&f.regions, "region", nil, "only units of this region (repeatable)")
	flags.IntVar(&f.parallelism, "parallelism", 0, "units at once (default: plans by CPU and memory, 10 applies)")
	flags.BoolVar(&f.failFast, "fail-fast", false, "start no further unit once one has failed")
	flags.Var(&f.lockTimeout, "lock-timeout", "how long to wait for a state that another run holds (default 5m, or strata.yaml's)")
	flags.StringArrayVar(&f.varFiles, "var-file", nil, "a variable file for every selected unit (repeatable)")
	flags.StringArrayVar(&f.secrets, "secret", nil, "a secret variable: `NAME`=env:VARIABLE or NAME=file:PATH (repeatable; default env:STRATA_SECRET_NAME)")
	if verb == "plan" || verb == "deploy" {
		flags.StringArrayVar(&f.replace, "replace", nil, "replace this resource of the one selected unit (repeatable)")
	}
	if verb != "drift" && verb != "scan" && verb != "validate" {
		flags.StringArrayVar(&f.targets, "target", nil, "only this resource of the one selected unit, and what it needs (repeatable)")
	}
	flags.StringVar(&f.format, "format", "table", "what is written to standard output: "+formats)
	flags.StringArrayVar(&f.reports, "report", nil, "write the result to a file too: `FORMAT=FILE` (repeatable)")
	flags.StringVar(&f.out, "out", "", "a folder for plans, redacted plan JSON, logs and run.json")
	flags.StringVar(&f.mirror, "provider-mirror", "", "take providers from this folder alone (filesystem-mirror layout)")
	flags.StringVar(&f.binary, "binary", "", "terraform, tofu, or a path (default: strata.yaml's)")
	flags.DurationVar(&f.grace, "grace", 20*time.Second, "how long running applies may go on after SIGTERM")
	_ = cmd.MarkFlagFilename("var-file")
	_ = cmd.MarkFlagDirname("out")
	_ = cmd.MarkFlagDirname("provider-mirror")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json", "markdown", "junit", "sarif"}, cobra.ShellCompDirectiveNoFileComp))
}

func (*runFlags) allUsage(verb string) string {
	switch verb {
	case "drift", "scan", "validate":
		return "look at every unit of the environment (the default)"
	}
	return "select every unit of the environment"
}

func (*runFlags) environmentUsage(cmd *cobra.Command) string {
	if cmd.Name() == "destroy" {
		return "the environment (required)"
	}
	return "the environment (default: that of --ref, or of the branch a CI run is for)"
}

func (a *app) planCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use: "plan [--env ENV]", Short: "Show what a deploy would change", GroupID: "run", Args: cobra.NoArgs,
		Long: `Plan shows what a deploy would change, and changes nothing. It plans what is
affected by the changes since --base; without it, since the commit that the CI
names, or else the environment's branch. --all and --only name units instead.

A unit that reads a value its need is about to change is provisional: deploy
plans it again once the value is there. A unit that reads a value that does not
exist yet is deferred.`,
		Example: "  strata plan --env staging --base origin/main\n  strata plan --env production --only 'clients/*' --format markdown",
		RunE:    func(*cobra.Command, []string) error { return a.run(f, pipeline.Plan) },
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&f.dependents, "include-dependents", false, "plan what needs an affected unit too")
	cmd.Flags().BoolVar(&f.detailed, "detailed-exitcode", false, "exit with 2 where something would change")
	return cmd
}

func (a *app) deployCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use: "deploy [--env ENV]", Short: "Plan and apply units in order, side by side where possible", GroupID: "run", Args: cobra.NoArgs,
		Long: `Deploy plans and applies each selected unit as soon as what it needs is done.

It runs the units that are not as their records say: whose files or values
changed since they were last deployed, whose last apply failed, that were never
deployed; and those that need them, which are planned only where a value they
read is another. So nothing is lost when a run was dropped, cancelled or failed.
--base, --all and --only select otherwise.

A unit that fails stops only what needs it. A first Ctrl-C starts no further
unit and lets running applies finish; a second asks Terraform to stop.`,
		Example: "  strata deploy --env staging\n  strata deploy --env staging --only platform --with-dependents --region us-east-1",
		RunE:    func(*cobra.Command, []string) error { return a.run(f, pipeline.Deploy) },
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&f.noPrune, "no-prune", false, "plan dependents also where no value they read is another")
	cmd.Flags().BoolVar(&f.destroyDeleted, "destroy-deleted", false, "destroy units whose folders are gone, with the code they were deployed with")
	return cmd
}

func (a *app) destroyCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use: "destroy --env ENV (--all | --only GLOB)", Short: "Destroy what units hold, in reverse order", GroupID: "run", Args: cobra.NoArgs,
		Long: `Destroy destroys what the selected units hold, each once all that needs it is
gone. It refuses while units that are not selected hold resources that need what
would go, and asks for the environment's name unless --confirm gives it.`,
		Example: "  strata destroy --env development --all --confirm development",
		RunE:    func(*cobra.Command, []string) error { return a.run(f, pipeline.Destroy) },
	}
	f.register(cmd)
	cmd.Flags().StringVar(&f.confirm, "confirm", "", "the environment's name, instead of being asked for it")
	return cmd
}

// lockTimeout is a time to wait; where it is not said, it is zero.
type lockTimeout time.Duration

func (l *lockTimeout) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err == nil && d == 0 {
		d = time.Millisecond // not to wait is as good as nothing, and said
	}
	*l = lockTimeout(d)
	return err
}

func (l *lockTimeout) String() string {
	if *l == 0 {
		return ""
	}
	return time.Duration(*l).String()
}

func (*lockTimeout) Type() string { return "duration" }

type verb func(context.Context, pipeline.Options) (*report.Run, error)

// run runs a verb and writes its result.
func (a *app) run(f *runFlags, do verb) error {
	render, err := a.renderer(f.format)
	if err == nil {
		err = a.checkReports(f)
	}
	if err != nil {
		return err
	}
	o, done, err := a.runOptions(f)
	if err != nil {
		return a.failed(f, err)
	}
	defer done()
	run, err := a.do(f, o, do)
	if run == nil {
		return a.failed(f, err)
	}
	if err := errors.Join(err, render(a.stdout, run), a.writeReports(f, run)); err != nil {
		return err
	}
	code := report.ExitCode(run, f.detailed)
	switch {
	case f.failOn != "":
		code = report.DriftExitCode(run, f.failOn)
	case f.gates.failOn != "":
		code = report.GatesExitCode(run, f.gates.failOn)
	}
	if code != 0 {
		return &exitError{code: code}
	}
	return nil
}

// do runs a verb, with its progress shown and its signals told.
func (a *app) do(f *runFlags, o pipeline.Options, do verb) (*report.Run, error) {
	a.signals.setGrace(f.grace)
	o.Progress = a.progress()
	a.signals.setNote(func(words string) {
		o.Progress.Event(report.Event{Kind: report.Note, Time: time.Now(), Text: words})
	})
	run, err := do(a.hard, o)
	a.signals.setNote(nil)
	return run, err
}

// failed reports an error that kept a run from starting, as a document where
// one was asked for.
func (a *app) failed(f *runFlags, err error) error {
	if err == nil || f.format == "table" && len(f.reports) == 0 {
		return err
	}
	run := &report.Run{Schema: report.Schema, Environment: f.environment, Started: time.Now().UTC(), Error: err.Error(), Result: report.Failed}
	switch exitCode(err) {
	case report.ExitRefused:
		run.Result = report.Refused
	case report.ExitInterrupted:
		run.Result = report.Interrupted
	}
	unwritten := a.writeReports(f, run) // an older run's must not be taken for this one's
	render, unknown := a.renderer(f.format)
	if unknown == nil && f.format != "table" {
		unwritten = errors.Join(unwritten, render(a.stdout, run))
	}
	return errors.Join(err, unwritten)
}

func (a *app) runOptions(f *runFlags) (pipeline.Options, func(), error) {
	secret, err := a.secrets(f.secrets)
	if err != nil {
		return pipeline.Options{}, nil, err
	}
	files, err := variableFiles(f.varFiles)
	if err != nil {
		return pipeline.Options{}, nil, err
	}
	binary, err := binaryPath(f.binary)
	if err != nil {
		return pipeline.Options{}, nil, fmt.Errorf("--binary: %w", err)
	}
	out := f.out
	if out != "" {
		if out, err = filepath.Abs(out); err != nil {
			return pipeline.Options{}, nil, fmt.Errorf("--out: %w", err)
		}
	}
	o, done, err := a.options(f.mirror)
	if err != nil {
		return o, nil, err
	}
	o.Select.Environment, o.Select.All, o.Select.Only = f.environment, f.all, f.only
	o.Select.WithDependents, o.Select.Regions = f.withDependents, f.regions
	o.Ref, o.Changes.Base, o.Changes.Dependents = f.ref, f.base, f.dependents
	o.NoPrune, o.DestroyDeleted = f.noPrune, f.destroyDeleted
	o.Parallelism, o.LockTimeout, o.FailFast = f.parallelism, time.Duration(f.lockTimeout), f.failFast
	o.Targets, o.Replace, o.Secret, o.VarFiles = f.targets, f.replace, secret, files
	o.Diff, o.Confirm, o.Ask = f.wantsDiff(), f.confirm, a.asker()
	o.Out, o.Binary = out, binary
	if err := f.gates.options(&o); err != nil {
		done()
		return o, nil, err
	}
	return o, done, nil
}

// variableFiles makes paths independent of the folder a step runs in; a file
// that cannot be read is refused here, before any unit has run.
func variableFiles(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		abs, err := filepath.Abs(name)
		if err != nil {
			return nil, fmt.Errorf("--var-file: %w", err)
		}
		f, err := os.Open(abs)
		if err != nil {
			return nil, fmt.Errorf("--var-file: %w", err)
		}
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("--var-file: %w", err)
		}
		files = append(files, abs)
	}
	return files, nil
}

// renderer returns what writes the result in a format.
func (a *app) renderer(format string) (func(io.Writer, *report.Run) error, error) {
	switch format {
	case "json":
		return report.JSON, nil
	case "junit":
		return report.JUnit, nil
	case "sarif":
		return report.SARIF, nil
	case "markdown":
		return func(w io.Writer, run *report.Run) error { return report.Markdown(w, run, 0) }, nil
	case "table":
		width, _ := report.Size(a.stdout)
		opts := report.TableOptions{Color: report.Color(a.stdout, a.env), Width: width}
		return func(w io.Writer, run *report.Run) error { return report.Table(w, run, opts) }, nil
	}
	return nil, fmt.Errorf("--format %q: it is %s", format, formats)
}

// progress shows what happens: live on a terminal, a line per event elsewhere.
func (a *app) progress() report.Progress {
	if report.Interactive(a.stderr, a.env) {
		return report.NewLive(a.stderr, report.LiveOptions{
			Width:  func() int { w, _ := report.Size(a.stderr); return w },
			Height: func() int { _, h := report.Size(a.stderr); return h },
			Color:  report.Color(a.stderr, a.env),
		})
	}
	groups := ""
	switch {
	case a.env("GITHUB_ACTIONS") == "true":
		groups = "github"
	case a.env("GITLAB_CI") == "true":
		groups = "gitlab"
	}
	return report.NewPlain(a.stderr, report.PlainOptions{Heartbeat: 30 * time.Second, Groups: groups})
}

func (a *app) env(name string) string {
	value, _ := a.getenv(name)
	return value
}
