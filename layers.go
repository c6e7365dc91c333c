package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
)

// Dagger reads a function's arguments from its own source, so that the verbs
// cannot share one list. All become a runArgs.

// Plan shows what a deploy of what has changed, or of named units, would change, and changes nothing: end it with summary, markdown, json, sarif, junit or bundle.
// +cache="never"
func (s *Strata) Plan(
	ctx context.Context,
	args struct {
		// The environment (default: that of --ref, else the one the module was made for)
		// +optional
		Env string
		// The branch, or full ref, whose environment is meant, instead of --env
		// +optional
		Ref string
		// Select what has changed since this revision (its merge base with HEAD)
		// +optional
		Base string
		// Plan what needs an affected unit too
		// +optional
		IncludeDependents bool
		// Select every unit of the environment
		// +optional
		All bool
		// Select units by glob: of ids, layers, layer/instance or folders
		// +optional
		Only []string
		// Select what needs the selected units too
		// +optional
		WithDependents bool
		// Only units of these regions
		// +optional
		Region []string
		// Units at once (default: plans by CPU and memory, 10 applies)
		// +optional
		Parallelism int
		// Start no further unit once one has failed
		// +optional
		FailFast bool
		// How long to wait for a state that another run holds, such as 10m
		// +optional
		LockTimeout string
		// Variable files for every selected unit, from the repository's root
		// +optional
		VarFile []string
		// Only these resources of the one selected unit, and what they need
		// +optional
		Target []string
		// terraform or tofu (default: strata.yaml's)
		// +optional
		Binary string
		// Replace these resources of the one selected unit
		// +optional
		Replace []string
		// Take gates, limits, policies and suppressions from this revision: the target of a pull request
		// +optional
		GatesFrom string
		// Fail with exit code 2 where something would change
		// +optional
		DetailedExitcode bool
	},
) (*Plan, error) {
	a := runArgs{
		env: args.Env, all: args.All, only: args.Only, withDependents: args.WithDependents, region: args.Region,
		parallelism: args.Parallelism, failFast: args.FailFast, lockTimeout: args.LockTimeout,
		varFile: args.VarFile, target: args.Target, replace: args.Replace, binary: args.Binary,
		ref: args.Ref, base: args.Base, dependents: args.IncludeDependents, gatesFrom: args.GatesFrom,
	}
	r, err := s.run(ctx, plan, a, true)
	if err != nil {
		return nil, err
	}
	if err := failure(r, args.DetailedExitcode); err != nil {
		return nil, err
	}
	return newPlan(r)
}

// Deploy plans and applies, in order and side by side where possible, the units that are not as their records say, or those that are named, and returns the result.
// +cache="never"
func (s *Strata) Deploy(
	ctx context.Context,
	args struct {
		// The environment (default: that of --ref, else the one the module was made for)
		// +optional
		Env string
		// The branch, or full ref, whose environment is meant, instead of --env
		// +optional
		Ref string
		// Select what has changed since this revision (its merge base with HEAD)
		// +optional
		Base string
		// Plan dependents also where no value they read is another
		// +optional
		NoPrune bool
		// Destroy units whose folders are gone, with the code they were deployed with
		// +optional
		DestroyDeleted bool
		// Select every unit of the environment
		// +optional
		All bool
		// Select units by glob: of ids, layers, layer/instance or folders
		// +optional
		Only []string
		// Select what needs the selected units too
		// +optional
		WithDependents bool
		// Only units of these regions
		// +optional
		Region []string
		// Units at once (default: plans by CPU and memory, 10 applies)
		// +optional
		Parallelism int
		// Start no further unit once one has failed
		// +optional
		FailFast bool
		// How long to wait for a state that another run holds, such as 10m
		// +optional
		LockTimeout string
		// Variable files for every selected unit, from the repository's root
		// +optional
		VarFile []string
		// Only these resources of the one selected unit, and what they need
		// +optional
		Target []string
		// terraform or tofu (default: strata.yaml's)
		// +optional
		Binary string
		// Replace these resources of the one selected unit
		// +optional
		Replace []string
		// Take gates, limits, policies and suppressions from this revision
		// +optional
		GatesFrom string
		// What is returned: table, json, markdown, junit or sarif
		// +optional
		Format string
	},
) (string, error) {
	a := runArgs{
		env: args.Env, all: args.All, only: args.Only, withDependents: args.WithDependents, region: args.Region,
		parallelism: args.Parallelism, failFast: args.FailFast, lockTimeout: args.LockTimeout,
		varFile: args.VarFile, target: args.Target, replace: args.Replace, binary: args.Binary, format: args.Format,
		ref: args.Ref, base: args.Base, noPrune: args.NoPrune, destroyDeleted: args.DestroyDeleted, gatesFrom: args.GatesFrom,
	}
	return finish(s.run(ctx, deploy, a, false))
}

// Destroy destroys what units hold, in reverse order, and returns the result.
// +cache="never"
func (s *Strata) Destroy(
	ctx context.Context,
	args struct {
		// The environment (default: the one the module was made for)
		// +optional
		Env string
		// Select every unit of the environment
		// +optional
		All bool
		// Select units by glob: of ids, layers, layer/instance or folders
		// +optional
		Only []string
		// Select what needs the selected units too
		// +optional
		WithDependents bool
		// Only units of these regions
		// +optional
		Region []string
		// Units at once (default: plans by CPU and memory, 10 applies)
		// +optional
		Parallelism int
		// Start no further unit once one has failed
		// +optional
		FailFast bool
		// How long to wait for a state that another run holds, such as 10m
		// +optional
		LockTimeout string
		// Variable files for every selected unit, from the repository's root
		// +optional
		VarFile []string
		// Only these resources of the one selected unit, and what they need
		// +optional
		Target []string
		// terraform or tofu (default: strata.yaml's)
		// +optional
		Binary string
		// The environment's name, to confirm (required)
		Confirm string
		// What is returned: table, json, markdown, junit or sarif
		// +optional
		Format string
	},
) (string, error) {
	a := runArgs{
		env: args.Env, all: args.All, only: args.Only, withDependents: args.WithDependents, region: args.Region,
		parallelism: args.Parallelism, failFast: args.FailFast, lockTimeout: args.LockTimeout,
		varFile: args.VarFile, target: args.Target, binary: args.Binary, confirm: args.Confirm, format: args.Format,
	}
	return finish(s.run(ctx, destroy, a, false))
}

// runArgs are the arguments of a verb that runs units.
type runArgs struct {
	env            string
	ref            string
	base           string
	dependents     bool
	noPrune        bool
	destroyDeleted bool
	all            bool
	only           []string
	withDependents bool
	region         []string
	parallelism    int
	failFast       bool
	lockTimeout    string
	varFile        []string
	target         []string
	replace        []string
	binary         string
	confirm        string
	gatesFrom      string
	tools          []string
	writeBaseline  func(next func(old []byte) ([]byte, error)) error
	fix            bool
	since          bool
	accept         *pipeline.Acceptance
	write          func(text []byte, changed bool) error
	format         string
}

// ran is a run that has ended, and how its result is wanted.
type ran struct {
	*report.Run
	format string
	out    string // the folder of its files
}

// verb is one that runs units.
type verb struct {
	do func(context.Context, pipeline.Options) (*report.Run, error)
	// whole says whether the content of all files and git's history are wanted.
	whole bool
}

var (
	plan    = verb{pipeline.Plan, everything}
	deploy  = verb{pipeline.Deploy, everything}
	destroy = verb{pipeline.Destroy, false}
	drift   = verb{pipeline.Drift, everything}
)

// everything is wanted of the repository by what compares its files with a commit
// or with what records say of them, and by what looks at all its code.
const everything = true

// run runs a verb.
func (s *Strata) run(ctx context.Context, v verb, a runArgs, diff bool) (*ran, error) {
	if _, err := render(&report.Run{}, a.format); err != nil {
		return nil, err
	}
	w := want{environment: a.env, ref: a.ref}
	if v.whole {
		w.files, w.history = allFiles, true
	}
	o, err := s.options(ctx, w)
	if err != nil {
		return nil, coded(err)
	}
	o.Select.All, o.Select.Only, o.Select.WithDependents, o.Select.Regions = a.all, a.only, a.withDependents, a.region
	o.Changes.Base, o.Changes.Dependents = a.base, a.dependents
	o.NoPrune, o.DestroyDeleted = a.noPrune, a.destroyDeleted
	o.Parallelism, o.FailFast, o.Targets, o.Replace = a.parallelism, a.failFast, a.target, a.replace
	o.Binary, o.Confirm, o.VarFiles, o.Diff = a.binary, a.confirm, a.varFile, diff
	o.Fix, o.Since, o.Accept, o.Write = a.fix, a.since, a.accept, a.write
	o.GatesFrom, o.Tools, o.WriteBaseline = a.gatesFrom, a.tools, a.writeBaseline
	if a.lockTimeout != "" {
		if o.LockTimeout, err = time.ParseDuration(a.lockTimeout); err != nil {
			return nil, fmt.Errorf("--lock-timeout: %w", err)
		}
	}
	if o.Out, err = os.MkdirTemp(o.Out, "run-"); err != nil {
		return nil, err
	}
	o.Progress = report.NewPlain(os.Stderr, report.PlainOptions{Heartbeat: 30 * time.Second})
	run, err := v.do(ctx, o)
	if run == nil {
		return nil, coded(err)
	}
	// The folder is the function's own: nobody can look into it. A plan's is
	// handed out as its bundle.
	run.Logs = ""
	if !diff || report.ExitCode(run, false) != 0 {
		for i := range run.Units {
			run.Units[i].Log = ""
		}
	}
	return &ran{Run: run, format: a.format, out: o.Out}, coded(err)
}

// finish renders a run, as the value of a good one and as the error of one that
// failed: a value next to an error is lost.
func finish(r *ran, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if err := failure(r, false); err != nil {
		return "", err
	}
	return render(r.Run, r.format)
}

// failure is the error of a run that did not go well; its text is the result.
func failure(r *ran, detailed bool) error {
	code := report.ExitCode(r.Run, detailed)
	if code == 0 {
		return nil
	}
	text, err := render(r.Run, r.format)
	if err != nil {
		return err
	}
	return exit(code, text)
}

func render(run *report.Run, format string) (string, error) {
	var b strings.Builder
	var err error
	switch format {
	case "", "table":
		err = report.Table(&b, run, report.TableOptions{})
	case "json":
		err = report.JSON(&b, run)
	case "markdown":
		err = report.Markdown(&b, run, 0)
	case "junit":
		err = report.JUnit(&b, run)
	case "sarif":
		err = report.SARIF(&b, run)
	default:
		err = fmt.Errorf("--format %q: it is table, json, markdown, junit or sarif", format)
	}
	return b.String(), err
}

// coded makes an error fit to leave a function: with its exit code, and with
// all its words, of which the engine else shows only those of the innermost
// GraphQL error.
func coded(err error) error {
	var refused *pipeline.RefusedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return exit(3, err.Error())
	}
	return errors.New(err.Error())
}

// exit is an error that ends dagger call with a code of ours: the engine takes
// it from a GraphQL error of this form.
func exit(code int, text string) error {
	return &gqlerror.Error{Message: text, Extensions: map[string]any{"_type": "EXEC_ERROR", "exitCode": code, "cmd": []string{}, "stdout": "", "stderr": ""}}
}

// Plan is what a deploy would change.
type Plan struct {
	// The plan as a table for people
	Summary string
	// The plan as Markdown for a pull request or a job's summary
	Markdown string
	// The plan as one JSON document (strata.run/v1)
	//lint:ignore ST1003 the engine would call JSON j-son
	Json string
	// What gates found, as SARIF
	Sarif string
	// The plan and what gates found, as a JUnit report
	Junit string
	// A folder per unit with its saved plan, the plan's redacted JSON and the log, and run.json. Saved plans hold secrets
	Bundle *dagger.Directory
}

func newPlan(r *ran) (*Plan, error) {
	summary, err1 := render(r.Run, "table")
	markdown, err2 := render(r.Run, "markdown")
	document, err3 := render(r.Run, "json")
	findings, err4 := render(r.Run, "sarif")
	tests, err5 := render(r.Run, "junit")
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return nil, err
	}
	return &Plan{Summary: summary, Markdown: markdown, Json: document, Sarif: findings, Junit: tests, Bundle: dag.CurrentModule().Workdir(r.out)}, nil
}
