package pipeline

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/terraform"
)

// step is a Terraform step of this unit, with its data folder.
func (r *unitRun) step(args []string) runner.Step {
	return runner.Step{Tool: r.tool, Args: args, Dir: r.unit.Path, Env: r.stepEnv(), Sensitive: true}
}

func (r *unitRun) stepEnv() map[string]string {
	if !r.unit.Shared {
		return r.env
	}
	env := maps.Clone(r.env)
	env["TF_DATA_DIR"] = strings.TrimPrefix(r.unit.DataDir(), r.unit.Path+"/")
	return env
}

// run runs a step of which people see nothing but its errors, and returns its
// standard output.
func (r *unitRun) run(ctx context.Context, step runner.Step) ([]byte, error) {
	r.begin(step.Args[0])
	step.Keep = true
	result, err := r.ws.Run(ctx, step)
	if err != nil {
		r.diagnoseStderr(step.Args[0], result.Stderr)
	}
	return result.Stdout, err
}

func (r *unitRun) begin(name string) {
	r.event(report.StepStarted, name)
	r.log.printf("— %s", name)
}

// diagnoseStderr makes a diagnostic of what a command without a JSON stream
// said when it failed.
func (r *unitRun) diagnoseStderr(name string, stderr []byte) {
	summary, detail := splitError(runner.LastWords(stderr))
	if summary == "" {
		summary = name + " failed and said nothing"
	}
	r.diagnose(report.Diagnostic{Severity: "error", Summary: summary, Detail: detail, Advice: terraform.Advice(summary, detail, r.exec)})
}

// splitError finds Terraform's first "Error: summary" and what follows it.
func splitError(words string) (summary, detail string) {
	words = strings.TrimSpace(words)
	if i := strings.Index(words, "Error: "); i >= 0 {
		words = words[i+len("Error: "):]
	}
	summary, detail, _ = strings.Cut(words, "\n")
	return strings.TrimSpace(summary), strings.TrimSpace(detail)
}

// streamed is how a step with a JSON stream ended.
type streamed struct {
	code   int
	errors []report.Diagnostic // not yet in the result
	drift  bool                // it told of differences from the state
	saved  []byte              // of a plan: the saved one, where what it holds is kept
}

// stream runs a step that prints a JSON stream and follows it. Its errors are
// returned apart from the result's, since the step may be tried again.
func (r *unitRun) stream(ctx context.Context, step runner.Step) (streamed, error) {
	r.begin(step.Args[0])
	var s streamed
	step.Lines = func(line []byte) {
		m, ok := terraform.ParseMessage(line)
		if !ok {
			text := r.scrub.Text(string(line))
			r.log.printf("%s", text)
			if strings.TrimSpace(text) != "" {
				r.event(report.Line, text)
			}
			return
		}
		r.applying.Message(m)
		s.drift = s.drift || m.Type == terraform.TypeResourceDrift
		if d := r.message(m); d != nil {
			s.errors = append(s.errors, *d)
		}
	}
	result, err := r.ws.Run(ctx, step)
	s.code = result.ExitCode
	var exit *runner.ExitError
	if errors.As(err, &exit) && len(s.errors) == 0 {
		summary, detail := splitError(runner.LastWords(result.Stderr))
		if summary == "" {
			summary = exit.Error()
		}
		s.errors = append(s.errors, report.Diagnostic{Severity: "error", Summary: summary, Detail: detail, Advice: terraform.Advice(summary, detail, r.exec)})
	}
	return s, err
}

// message shows one message of a stream; it returns a diagnostic that is an
// error.
func (r *unitRun) message(m terraform.Message) *report.Diagnostic {
	switch m.Type {
	case terraform.TypeDiagnostic:
		if m.Diagnostic == nil {
			return nil
		}
		d := r.terraformDiagnostic(m.Diagnostic)
		if d.Severity == "error" {
			return &d
		}
		r.diagnose(d)
		return nil
	case terraform.TypeStateLock:
		r.event(report.Waiting, "waits for the state lock")
	case terraform.TypeApplyStart, terraform.TypeApplyProgress, terraform.TypeApplyComplete, terraform.TypeApplyErrored,
		terraform.TypeRefreshStart, terraform.TypeRefreshComplete:
		r.event(report.Working, m.Text)
	case terraform.TypeVersion, terraform.TypeOutputs:
		return nil
	}
	if m.Type != terraform.TypeApplyProgress {
		r.log.printf("%s", r.scrub.Text(m.Text))
	}
	return nil
}

// words joins the errors of a stream, for those who look for a kind of fault.
func (s streamed) words() string {
	var b strings.Builder
	for _, d := range s.errors {
		b.WriteString(d.Summary + "\n" + d.Detail + "\n")
	}
	return b.String()
}

// ran is the error of a step whose exit code, whatever it is, is read: nil where
// there is one.
func ran(err error) error {
	var exit *runner.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// ranWell is ran for a step that no signal may have ended.
func ranWell(err error) error {
	var exit *runner.ExitError
	if errors.As(err, &exit) && exit.ExitCode > 0 {
		return nil
	}
	return err
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
