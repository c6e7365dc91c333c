package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// Exec runs any Terraform command in a unit, with the unit's data folder,
// workspace, backend and variables, and returns its exit code.
func Exec(ctx context.Context, o Options, id string, args []string, stdio *runner.Stdio) (code int, err error) {
	if len(args) == 0 {
		return 0, errors.New("no command: say one behind --, for example state list")
	}
	err = withUnit(ctx, o, id, func(r *unitRun) error {
		args, err := r.execArgs(ctx, args)
		if err != nil {
			return err
		}
		if args[0] != "init" {
			if err := r.initialize(ctx); err != nil {
				return r.told(err)
			}
		}
		step := r.step(args)
		step.Stdio = stdio
		result, err := r.ws.Run(ctx, step)
		code = result.ExitCode
		var exit *runner.ExitError
		if errors.As(err, &exit) {
			return nil
		}
		return err
	})
	return code, err
}

// takingVariables are the commands that are given the unit's variable files.
var takingVariables = []string{"plan", "apply", "destroy", "refresh", "import", "console", "test"}

// execArgs adds what the command needs to be the unit's: its variable files, or
// its backend settings.
func (r *unitRun) execArgs(ctx context.Context, args []string) ([]string, error) {
	switch {
	case args[0] == "init":
		own := terraform.BackendArgs(r.backendConfig(), r.unit.Backend.Values)
		return slices.Concat([]string{"init"}, own, args[1:]), nil
	case !slices.Contains(takingVariables, args[0]) || savedPlan(args):
		return args, nil
	}
	if err := errors.Join(r.checkSecrets(r.unit), r.bind(r.units), r.findRescued()); err != nil {
		return nil, err
	}
	r.expect()
	g, err := r.gather(ctx)
	if err != nil {
		return nil, r.told(err)
	}
	if len(g.missing) > 0 {
		r.Progress.Event(report.Event{Kind: report.Note, Text: g.lacking()})
	}
	if err := r.giveValues(ctx, g); err != nil {
		return nil, err
	}
	own := []string{args[0]}
	for _, file := range r.varFiles {
		own = append(own, "-var-file="+file)
	}
	return append(own, args[1:]...), nil
}

// savedPlan says whether an apply names a saved plan, which holds its variables
// already.
func savedPlan(args []string) bool {
	last := args[len(args)-1]
	return args[0] == "apply" && len(args) > 1 && !strings.HasPrefix(last, "-")
}

// withUnit opens one unit's workspace, apart from any run.
func withUnit(ctx context.Context, o Options, id string, do func(*unitRun) error) error {
	s, err := openUnits(o)
	if err != nil {
		return err
	}
	unit, err := s.findUnit(id)
	if err != nil {
		return err
	}
	s.Select.Environment, s.units = unit.Environment, []*stack.Unit{unit}
	s.all = s.tree.Graph(unit.Environment)
	s.soft, s.hard = ctx, ctx
	if err := errors.Join(s.read(s.units, false), s.findTool()); err != nil {
		return err
	}
	r := &unitRun{session: s, unit: unit, result: s.blank(unit.ID()), log: &unitLog{}, scrub: runner.NewScrubber(s.secretsOf(unit)...)}
	if r.ws, err = s.Runner.Open(ctx, s.spec(unit)); err != nil {
		return err
	}
	return errors.Join(do(r), r.ws.Close())
}

// told puts what a tool said into the error: no report will.
func (r *unitRun) told(err error) error {
	for _, d := range r.result.Diagnostics {
		if d.Severity == "error" {
			return fmt.Errorf("%s: %w: %s\n%s\n%s", r.unit.ID(), err, d.Summary, d.Detail, d.Advice)
		}
	}
	return err
}

// findUnit finds a unit by its id, or by its folder where only one unit has it.
func (s *session) findUnit(id string) (*stack.Unit, error) {
	if unit := s.tree.Unit(id); unit != nil {
		return unit, nil
	}
	var found []string
	for _, unit := range s.tree.Units {
		if unit.Path == strings.Trim(strings.TrimPrefix(id, "./"), "/") {
			found = append(found, unit.ID())
		}
	}
	switch len(found) {
	case 1:
		return s.tree.Unit(found[0]), nil
	case 0:
		return nil, fmt.Errorf("no unit %q: `%s` lists them", id, s.words().Units)
	}
	return nil, fmt.Errorf("the folder %s is that of %s: say which", id, strings.Join(found, " and "))
}
