package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

// Drift compares what is really there with what was deployed, and returns what differs: it fails with exit code 2 where something drifted, and changes nothing without --fix.
// +cache="never"
func (s *Strata) Drift(
	ctx context.Context,
	args struct {
		// The environment (default: that of --ref, else the one the module was made for)
		// +optional
		Env string
		// The branch, or full ref, whose environment is meant, instead of --env
		// +optional
		Ref string
		// Only units that match these globs: of ids, layers, layer/instance or folders
		// +optional
		Only []string
		// Only units of these regions
		// +optional
		Region []string
		// Report only what the last report did not hold, and what is gone since: last
		// +optional
		Since string
		// What to fail on with exit code 2: drift, pending (and code that is not deployed yet) or never
		// +optional
		FailOn string
		// Set back what drifted, with the code that was deployed: nothing that is pending goes with it
		// +optional
		Fix bool
		// Units at once (default: by CPU and memory)
		// +optional
		Parallelism int
		// How long to wait for a state that another run holds, with --fix, such as 10m
		// +optional
		LockTimeout string
		// Variable files for every selected unit, from the repository's root
		// +optional
		VarFile []string
		// terraform or tofu (default: strata.yaml's)
		// +optional
		Binary string
		// What is returned: table, json, markdown, junit or sarif
		// +optional
		Format string
	},
) (string, error) {
	if args.Since != "" && args.Since != "last" {
		return "", fmt.Errorf("--since %q: it is last", args.Since)
	}
	if err := report.CheckFailOn(args.FailOn); err != nil {
		return "", err
	}
	if args.Fix && args.Since != "" {
		return "", errors.New("--fix sets back all that drifted: leave out --since")
	}
	a := runArgs{
		env: args.Env, ref: args.Ref, only: args.Only, region: args.Region, since: args.Since != "", fix: args.Fix,
		parallelism: args.Parallelism, lockTimeout: args.LockTimeout, varFile: args.VarFile, binary: args.Binary, format: args.Format,
	}
	r, err := s.run(ctx, drift, a, false)
	if err != nil {
		return "", err
	}
	text, err := render(r.Run, r.format)
	if code := report.DriftExitCode(r.Run, args.FailOn); err == nil && code != 0 {
		return "", exit(code, text)
	}
	return text, err
}

// AcceptDrift returns strata.yaml with what drifted added to its baseline, so that it counts no more until a day: end it with export --path strata.yaml.
// +cache="never"
func (s *Strata) AcceptDrift(
	ctx context.Context,
	args struct {
		// The environment (default: the one the module was made for)
		// +optional
		Env string
		// Only units that match these globs: of ids, layers, layer/instance or folders
		// +optional
		Only []string
		// Only units of these regions
		// +optional
		Region []string
		// Why it is accepted
		Reason string
		// Who answers for it
		Owner string
		// The last day on which it is accepted, such as 2027-03-31
		Until string
		// Variable files for every selected unit, from the repository's root
		// +optional
		VarFile []string
		// terraform or tofu (default: strata.yaml's)
		// +optional
		Binary string
	},
) (*dagger.File, error) {
	acceptance, err := pipeline.NewAcceptance(args.Reason, args.Owner, args.Until)
	if err != nil {
		return nil, err
	}
	var next []byte
	a := runArgs{
		env: args.Env, only: args.Only, region: args.Region, varFile: args.VarFile, binary: args.Binary,
		accept: &acceptance, write: func(text []byte, _ bool) error { next = text; return nil },
	}
	r, err := s.run(ctx, drift, a, false)
	if err != nil {
		return nil, err
	}
	if err := failure(r, false); err != nil {
		return nil, err
	}
	return dag.Directory().WithNewFile(stack.ConfigFile, string(next)).File(stack.ConfigFile), nil
}

// History shows the last runs of an environment, and what they tell: how many succeeded, how long they took, drift over time, how states have grown.
// +cache="never"
func (s *Strata) History(
	ctx context.Context,
	// The environment (default: the one the module was made for)
	// +optional
	env string,
	// How many runs, the newest; 0 for all
	// +optional
	// +default=100
	runs int,
	// What is returned: table or json
	// +optional
	format string,
) (string, error) {
	if runs < 0 {
		return "", fmt.Errorf("--runs %d: it is a number of runs, 0 for all", runs)
	}
	o, err := s.options(ctx, want{environment: env})
	if err != nil {
		return "", coded(err)
	}
	history, err := pipeline.History(ctx, o, runs)
	if err != nil {
		return "", coded(err)
	}
	var b strings.Builder
	err = report.History(&b, history, format)
	return b.String(), err
}
