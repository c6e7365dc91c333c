package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

// Scan lets the environment's scanners look at the repository's code, and at the
// plans of units where one of them reads plans.
func Scan(ctx context.Context, o Options) (run *report.Run, err error) {
	for _, tool := range o.Tools {
		if !slices.Contains(stack.Scanners(), tool) {
			return nil, fmt.Errorf("--tool %s: it is %s", tool, strings.Join(stack.Scanners(), ", "))
		}
	}
	s, err := open(ctx, "scan", o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.gates.close()) }()
	if err := s.checkBaseline(); err != nil {
		return nil, err
	}
	if s.gates.code == nil && s.gates.compliance == nil && len(s.gates.checks) == 0 {
		return nil, &RefusedError{fmt.Sprintf("no scanner is on for %s: say `scan: {}` in strata.yaml, a mode under environments.%[1]s.gates, or --tool", s.Select.Environment)}
	}
	return s.accepted(s.look())
}

// look plans the units where somebody reads plans, and waits for the code's.
func (s *session) look() (*report.Run, error) {
	if s.gates.readPlans() {
		return s.walk(s.graph, func(r *unitRun) error { return r.planOnly() })
	}
	return s.walk(s.all.Subgraph(nil), nil)
}
