package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

// Units lists the repository's units.
// +cache="never"
func (s *Strata) Units(
	ctx context.Context,
	// Only this environment's (default: the one the module was made for, else every environment's)
	// +optional
	env string,
	// Only units of these regions; needs an environment
	// +optional
	region []string,
	// What is returned: table or json
	// +optional
	format string,
) (string, error) {
	o, err := s.options(ctx, want{environment: env})
	if err != nil {
		return "", coded(err)
	}
	o.Select.Regions = region
	units, err := pipeline.Units(o)
	if err != nil {
		return "", coded(err)
	}
	var b strings.Builder
	err = report.Units(&b, units, format)
	return b.String(), err
}

// Graph draws which unit needs which.
// +cache="never"
func (s *Strata) Graph(
	ctx context.Context,
	// The environment (default: the one the module was made for)
	// +optional
	env string,
	// Only units that match these globs
	// +optional
	only []string,
	// Only units of these regions
	// +optional
	region []string,
	// What is returned: text, mermaid, dot or json
	// +optional
	format string,
) (string, error) {
	o, err := s.options(ctx, want{environment: env})
	if err != nil {
		return "", coded(err)
	}
	o.Select = stack.SelectOptions{Environment: o.Select.Environment, All: len(only) == 0, Only: only, Regions: region}
	g, err := pipeline.Graph(o)
	if err != nil {
		return "", coded(err)
	}
	var b strings.Builder
	err = report.Graph(&b, g, format)
	return b.String(), err
}

// Affected lists the units that a change affects, and why: their files, their modules' or what these read differ between two commits.
// +cache="never"
func (s *Strata) Affected(
	ctx context.Context,
	args struct {
		// Only this environment's units (default: those of --ref's, else of the one the module was made for, else all)
		// +optional
		Env string
		// The branch, or full ref, whose environment is meant, instead of --env
		// +optional
		Ref string
		// Only units of these regions
		// +optional
		Region []string
		// The revision to compare with: its merge base with the head counts (default: the environment's branch)
		// +optional
		Base string
		// The newer revision (default: HEAD)
		// +optional
		Head string
		// Compare the working tree, uncommitted and untracked files too
		// +optional
		WorkingTree bool
		// List what needs an affected unit too
		// +optional
		IncludeDependents bool
		// Say why this unit is affected, or why not
		// +optional
		Why string
		// What is returned: table, json, matrix, dotenv or clients
		// +optional
		Format string
	},
) (string, error) {
	w := want{environment: args.Env, ref: args.Ref, history: true, files: noFiles}
	if args.WorkingTree {
		w.files = allFiles
	}
	if args.Why != "" && args.Env == "" && args.Ref == "" {
		_, w.environment, _ = stack.CutID(args.Why) // the unit says which is meant
	}
	o, err := s.options(ctx, w)
	if err != nil {
		return "", coded(err)
	}
	o.Select.Regions = args.Region
	o.Changes = pipeline.Changes{Base: args.Base, Head: args.Head, WorkingTree: args.WorkingTree, Dependents: args.IncludeDependents}
	found, err := pipeline.FindAffected(o)
	if err != nil {
		return "", coded(err)
	}
	for _, note := range found.Notes {
		fmt.Fprintln(os.Stderr, note)
	}
	for _, warning := range found.Warnings {
		fmt.Fprintf(os.Stderr, "strata: warning: %s\n", warning)
	}
	var b strings.Builder
	if args.Why != "" {
		err = found.Why(&b, args.Why, o.Words.Units)
	} else {
		err = found.Write(&b, args.Format)
	}
	return b.String(), coded(err)
}
