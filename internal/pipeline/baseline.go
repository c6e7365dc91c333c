package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/report"
)

// accepted writes the baseline of what a run found, where one is asked for.
func (s *session) accepted(run *report.Run, err error) (*report.Run, error) {
	if err != nil || s.WriteBaseline == nil {
		return run, err
	}
	return run, s.gates.writeBaseline(run)
}

// checkBaseline refuses a baseline of a part: it would forget the rest.
func (s *session) checkBaseline() error {
	if s.WriteBaseline != nil && (s.named || len(s.Tools) > 0) {
		return errors.New("--write-baseline accepts all that is found: leave out what selects a part (--only, --region, --base, --tool)")
	}
	return nil
}

// writeBaseline accepts all that was found. What tools found that did not run
// now, and what is of other environments' plans, stays as it was.
func (g *gates) writeBaseline(run *report.Run) error {
	ran := make(map[string]bool)
	for _, c := range run.Checks {
		if len(c.Errors) > 0 {
			return fmt.Errorf("no baseline was written, since %s did not tell all: %s", c.Tool, c.Errors[0])
		}
		ran[c.Tool] = true
	}
	for _, u := range run.Units {
		if blocks(&u) != nil || u.Result == report.NotRun || u.Result == report.Deferred {
			return fmt.Errorf("no baseline was written, since %s was not looked at: %s", u.ID, u.Reason)
		}
	}
	return g.WriteBaseline(func(old []byte) ([]byte, error) {
		b := finding.Baseline{Schema: finding.BaselineSchema}
		if len(bytes.TrimSpace(old)) > 0 {
			var err error
			if b, err = finding.ReadBaseline(old); err != nil {
				return nil, err
			}
		}
		stays := slices.DeleteFunc(b.Findings, func(e finding.BaselineEntry) bool {
			here := e.Unit == "" || strings.HasSuffix(e.Unit, ":"+g.Select.Environment)
			return ran[e.Tool] && here
		})
		return finding.WriteBaseline(slices.DeleteFunc(g.held, func(f finding.Finding) bool { return f.Tool == toolStrata }), stays...)
	})
}
