package main

import (
	"context"

	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
)

// Scan lets the environment's scanners look at the code, once for all units, and at plans where one of them reads these: it fails with exit code 3 where one that is enforced finds something.
// +cache="never"
func (s *Strata) Scan(
	ctx context.Context,
	args struct {
		// The environment (default: that of --ref, else the one the module was made for)
		// +optional
		Env string
		// The branch, or full ref, whose environment is meant, instead of --env
		// +optional
		Ref string
		// Only what concerns units that have changed since this revision (its merge base with HEAD)
		// +optional
		Base string
		// Only what concerns units that match these globs: of ids, layers, layer/instance or folders
		// +optional
		Only []string
		// Only what concerns units of these regions
		// +optional
		Region []string
		// Only these scanners, also where the environment has them off: checkov, tfsec, trivy, terraform-compliance
		// +optional
		Tool []string
		// Take gates, policies and suppressions from this revision: the target of a pull request
		// +optional
		GatesFrom string
		// What to fail on with exit code 3: findings (that refuse) or never
		// +optional
		FailOn string
		// Units planned at once (default: by CPU and memory)
		// +optional
		Parallelism int
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
	return s.check(ctx, scanning, args.FailOn, runArgs{
		env: args.Env, ref: args.Ref, base: args.Base, only: args.Only, region: args.Region, tools: args.Tool, gatesFrom: args.GatesFrom,
		parallelism: args.Parallelism, varFile: args.VarFile, binary: args.Binary, format: args.Format,
	})
}

// Policy holds the plans of what has changed, or of named units, against the repository's policies, and tests these: it fails with exit code 3 where one that is enforced denies.
// +cache="never"
func (s *Strata) Policy(
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
		// Select every unit of the environment
		// +optional
		All bool
		// Select units by glob: of ids, layers, layer/instance or folders
		// +optional
		Only []string
		// Only units of these regions
		// +optional
		Region []string
		// Take gates, policies and suppressions from this revision: the target of a pull request
		// +optional
		GatesFrom string
		// What to fail on with exit code 3: findings (that refuse) or never
		// +optional
		FailOn string
		// Units planned at once (default: by CPU and memory)
		// +optional
		Parallelism int
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
	return s.check(ctx, policing, args.FailOn, runArgs{
		env: args.Env, ref: args.Ref, base: args.Base, all: args.All, only: args.Only, region: args.Region, gatesFrom: args.GatesFrom,
		parallelism: args.Parallelism, varFile: args.VarFile, binary: args.Binary, format: args.Format,
	})
}

// Validate asks Terraform whether the code is formatted and valid, without a backend, and runs the tests of units that have some: it fails with exit code 3 where that is enforced and something is found.
// +cache="never"
func (s *Strata) Validate(
	ctx context.Context,
	args struct {
		// The environment (default: that of --ref, else the one the module was made for)
		// +optional
		Env string
		// The branch, or full ref, whose environment is meant, instead of --env
		// +optional
		Ref string
		// Only units that have changed since this revision (its merge base with HEAD)
		// +optional
		Base string
		// Only units that match these globs: of ids, layers, layer/instance or folders
		// +optional
		Only []string
		// Only units of these regions
		// +optional
		Region []string
		// Take gates and suppressions from this revision: the target of a pull request
		// +optional
		GatesFrom string
		// What to fail on with exit code 3: findings (that refuse) or never
		// +optional
		FailOn string
		// Units at once (default: by CPU and memory)
		// +optional
		Parallelism int
		// terraform or tofu (default: strata.yaml's)
		// +optional
		Binary string
		// What is returned: table, json, markdown, junit or sarif
		// +optional
		Format string
	},
) (string, error) {
	return s.check(ctx, validating, args.FailOn, runArgs{
		env: args.Env, ref: args.Ref, base: args.Base, only: args.Only, region: args.Region, gatesFrom: args.GatesFrom,
		parallelism: args.Parallelism, binary: args.Binary, format: args.Format,
	})
}

// AcceptFindings returns a baseline that accepts all that scanners find today, so that only what is new counts: end it with export --path FILE, and name it in strata.yaml (scan.baseline).
// +cache="never"
func (s *Strata) AcceptFindings(
	ctx context.Context,
	// The environment (default: the one the module was made for)
	// +optional
	env string,
	// The baseline that there is: what it accepts of other tools and environments stays
	// +optional
	baseline *dagger.File,
	// Accept what policies say of all units' plans instead of what scanners find
	// +optional
	policy bool,
) (*dagger.File, error) {
	var old string
	if baseline != nil {
		var err error
		if old, err = baseline.Contents(ctx); err != nil {
			return nil, err
		}
	}
	var text []byte
	a := runArgs{env: env, writeBaseline: func(next func([]byte) ([]byte, error)) (err error) {
		text, err = next([]byte(old))
		return err
	}}
	v := scanning
	if policy {
		v, a.all = policing, true
	}
	r, err := s.run(ctx, v, a, false)
	if err != nil {
		return nil, err
	}
	if err := failure(r, false); err != nil {
		return nil, err
	}
	const name = "strata-baseline.json"
	return dag.Directory().WithNewFile(name, string(text)).File(name), nil
}

var (
	scanning   = verb{pipeline.Scan, everything}
	policing   = verb{pipeline.Policy, everything}
	validating = verb{pipeline.Validate, everything}
)

// check runs a verb that is about gates alone.
func (s *Strata) check(ctx context.Context, v verb, failOn string, a runArgs) (string, error) {
	if err := report.CheckGatesFailOn(failOn); err != nil {
		return "", err
	}
	r, err := s.run(ctx, v, a, false)
	if err != nil {
		return "", err
	}
	text, err := render(r.Run, r.format)
	if code := report.GatesExitCode(r.Run, failOn); err == nil && code != 0 {
		return "", exit(code, text)
	}
	return text, err
}
