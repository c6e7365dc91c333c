package main

import (
	"context"
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
	o, err := s.options(ctx, env)
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
	o, err := s.options(ctx, env)
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
