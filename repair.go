package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
)

// Exec runs any Terraform command in a unit and returns what it prints, its secrets included.
// +cache="never"
func (s *Strata) Exec(
	ctx context.Context,
	// The unit: its id as units lists it, or its folder
	unit string,
	// The command and its arguments, one flag each: --args state --args list
	args []string,
	// terraform or tofu (default: strata.yaml's)
	// +optional
	binary string,
) (string, error) {
	o, err := s.options(ctx, want{})
	if err != nil {
		return "", coded(err)
	}
	o.Binary = binary
	var stdout, stderr bytes.Buffer
	code, err := pipeline.Exec(ctx, o, unit, args, &runner.Stdio{Out: &stdout, Err: &stderr})
	if err != nil {
		return "", coded(err)
	}
	if code != 0 {
		return "", exit(code, stdout.String()+stderr.String())
	}
	return stdout.String(), nil
}

// Rescued lists, pushes or discards states that a backend did not take.
// +cache="never"
func (s *Strata) Rescued(
	ctx context.Context,
	// The unit (default: list those of all units)
	// +optional
	unit string,
	// Make the rescued state the unit's state
	// +optional
	push bool,
	// Remove the rescued state
	// +optional
	discard bool,
	// terraform or tofu (default: strata.yaml's)
	// +optional
	binary string,
) (string, error) {
	o, err := s.options(ctx, want{})
	if err != nil {
		return "", coded(err)
	}
	o.Binary = binary
	switch {
	case (push || discard) && unit == "", push && discard:
		return "", fmt.Errorf("say one unit, and push or discard")
	case push:
		return "pushed\n", coded(pipeline.PushRescued(ctx, o, unit))
	case discard:
		return "discarded\n", coded(pipeline.DiscardRescued(ctx, o, unit))
	}
	found, err := pipeline.ListRescued(ctx, o, unit)
	if err != nil {
		return "", coded(err)
	}
	var b strings.Builder
	err = report.RescuedStates(&b, found, "table")
	return b.String(), err
}

// words say in errors what to type.
var words = pipeline.Words{
	Exec: func(unit string, args ...string) string {
		if args[0] == "force-unlock" {
			args = append(args, "-force") // nobody can be asked
		}
		return "dagger call … exec --unit " + unit + " --args=" + strings.Join(args, " --args=")
	},
	Rescued: func(unit, flag string) string { return "dagger call … rescued --unit " + unit + " " + flag },
	Secret: func(name string) string {
		return "chain with-secret --name " + name + " --value env:" + pipeline.SecretVariable(name) + " before the verb"
	},
	Units: "dagger call … units",
}
