package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// unitRun is one unit on its way through a run.
type unitRun struct {
	*session
	unit      *stack.Unit
	ws        runner.Workspace
	scrub     *runner.Scrubber
	log       *unitLog
	result    *report.Unit
	release   func() // gives the slot for planning up
	published func() // its outputs are known: those that read them may go on
	quiet     bool   // it is none of the run's units: the display is told nothing of it

	varFiles []string // in the tool's eyes, the private one last
	plan     *terraform.Plan
	document []byte // the plan as JSON, where a gate reads it
	applying terraform.Applying

	asked        []record.Question // of policies, about what this or an earlier apply makes
	undetermined bool              // policies are to be asked again after the apply
	passing      bool              // its result is told and stops nothing that needs it
}

const (
	// planFile is the name of a unit's saved plan, among its private files and
	// below --out.
	planFile = "plan.tfplan"
	// redactedFile is the plan's redacted JSON.
	redactedFile = "plan.json"
)

// visit opens a unit's workspace, lets do work in it and records how it ended.
// The error it returns only says whether dependents may go on.
func (s *session) visit(id string, release func(), do func(*unitRun) error) error {
	started := time.Now()
	r := &unitRun{
		session: s, unit: s.tree.Unit(id), result: s.blank(id), release: release,
		scrub: runner.NewScrubber(s.secretsOf(s.tree.Unit(id))...),
	}
	r.event(report.UnitStarted, "")
	err := r.open()
	if err == nil {
		err = errors.Join(do(r), r.ws.Close())
	}
	if err != nil {
		r.fail(err)
	}
	r.result.Seconds = time.Since(started).Seconds()
	if r.log != nil {
		r.log.printf("%s %s", r.result.Result, r.result.Reason)
		if err := r.log.close(); err != nil {
			r.warn(fmt.Sprintf("its log is not whole: %v", err))
		}
	}
	s.finish(r.result)
	if r.passing {
		return nil
	}
	return blocks(r.result)
}

// blocks says whether what needs the unit must not run.
func blocks(result *report.Unit) error {
	switch result.Result {
	case report.Failed, report.Refused, report.Interrupted:
		return errors.New(result.Reason)
	}
	return nil
}

// open makes the unit's log and its workspace.
func (r *unitRun) open() error {
	var err error
	if r.log, err = r.out.unitLog(r.unit); err != nil {
		return err
	}
	r.result.Log = r.log.name
	r.ws, err = r.Runner.Open(r.soft, r.spec(r.unit))
	return err
}

func (s *session) spec(unit *stack.Unit) runner.Spec {
	return runner.Spec{
		ID: unit.ID(), Dir: unit.Path, DataDir: unit.DataDir(), LockTimeout: s.LockTimeout,
		Waiting: func(holder string) {
			s.Progress.Event(report.Event{Kind: report.Waiting, UnitID: unit.ID(), Time: time.Now(), Text: "waits for " + holder})
		},
	}
}

// fail records an error as the unit's result.
func (r *unitRun) fail(err error) {
	var refused *RefusedError
	switch {
	case errors.As(err, &refused):
		r.result.Result = report.Refused
	case errors.Is(err, context.Canceled):
		r.result.Result = report.Interrupted
		if r.result.Reason == "" {
			r.result.Reason = "interrupted before anything was applied; the next deploy goes on"
		}
	default:
		r.result.Result = report.Failed
	}
	if r.result.Reason == "" {
		r.result.Reason = r.scrub.Text(firstLine(reason(err)))
	}
}

// reason says in a line what went wrong; the diagnostics say the rest.
func reason(err error) string {
	var exit *runner.ExitError
	if errors.As(err, &exit) && len(exit.Args) > 0 && (exit.Tool == terraformTool || exit.Tool == tofuTool) {
		return exit.Args[0] + " failed"
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Sprintf("%s %s: %v", path.Op, path.Path, path.Err)
	}
	return err.Error()
}

// event tells the progress display something about this unit.
func (r *unitRun) event(kind report.EventKind, text string) {
	if r.quiet {
		return
	}
	r.Progress.Event(report.Event{Kind: kind, UnitID: r.unit.ID(), Time: time.Now(), Text: r.scrub.Text(text)})
}

// warn adds a warning to the unit's result.
func (r *unitRun) warn(text string) {
	r.diagnose(report.Diagnostic{Severity: "warning", Summary: text})
}

// diagnose adds a diagnostic, once, and shows it.
func (r *unitRun) diagnose(d report.Diagnostic) {
	d.Summary, d.Detail = r.scrub.Text(d.Summary), r.scrub.Text(d.Detail)
	d.Address, d.Advice = r.scrub.Text(d.Address), r.scrub.Text(d.Advice)
	for _, known := range r.result.Diagnostics {
		if known == d {
			return
		}
	}
	r.result.Diagnostics = append(r.result.Diagnostics, d)
	if r.log != nil {
		r.log.diagnostic(d)
	}
	r.Progress.Event(report.Event{Kind: report.Diagnosed, UnitID: r.unit.ID(), Time: time.Now(), Diagnostic: &d})
}

// terraformDiagnostic turns Terraform's words into the report's.
func (r *unitRun) terraformDiagnostic(d *terraform.Diagnostic) report.Diagnostic {
	out := report.Diagnostic{
		Severity: d.Severity, Summary: d.Summary, Detail: d.Detail, Address: d.Address,
		Advice: terraform.Advice(d.Summary, d.Detail, r.exec),
	}
	if d.Range != nil {
		out.File, out.Line = path.Join(r.unit.Path, d.Range.Filename), d.Range.Start.Line
	}
	return out
}

// secretsOf lists the values that must not be seen in a unit's words.
func (s *session) secretsOf(unit *stack.Unit) []string {
	values := slices.Clone(s.Hide)
	for _, name := range unit.Secrets {
		value, _ := s.secret(name)
		values = append(values, value)
		if unit.Module != nil && unit.Module.Variables[name].Type != "string" {
			values = append(values, terraform.Leaves(json.RawMessage(value))...)
		}
	}
	return values
}
