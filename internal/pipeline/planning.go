package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/terraform"
)

// makePlan plans the unit into its private plan file and says whether there is
// anything to apply: Terraform's exit code decides, counts never do.
func (r *unitRun) makePlan(ctx context.Context, destroy bool) (changes bool, err error) {
	result, err := r.planned(ctx, terraform.PlanOptions{Destroy: destroy, Targets: r.Targets, Replace: r.Replace})
	if err != nil {
		return false, err
	}
	r.result.Changes = &report.Changes{}
	if changes = result.code == terraform.PlanChanges; changes {
		err = r.readPlan(ctx)
	} else if r.gates.readPlans() {
		err = r.showUnchanged(ctx)
	}
	return changes, errors.Join(err, r.checkReplaced())
}

// planned makes a plan; what every plan of the unit is told is added.
func (r *unitRun) planned(ctx context.Context, o terraform.PlanOptions) (streamed, error) {
	o.Out, o.LockTimeout, o.VarFiles = r.ws.Path(planFile), r.LockTimeout, r.varFiles
	step := r.step(terraform.PlanArgs(o))
	step.OKCodes = []int{terraform.PlanChanges}
	result, err := r.planTries(ctx, step)
	for _, d := range result.errors {
		r.diagnose(d)
	}
	if err == nil && len(result.errors) > 0 {
		err = errors.New("plan told of errors, although it ended well")
	}
	if err == nil && r.memory != nil { // else nothing keeps it
		result.saved, _ = r.ws.ReadFile(ctx, planFile)
		r.readState(result.saved)
	}
	return result, err
}

// readState notes how large the unit's state is: a plan holds it. Of a plan that
// cannot be read, an encrypted one say, it is not known.
func (r *unitRun) readState(saved []byte) {
	if state, err := terraform.ReadPlanState(saved); err == nil {
		kept := report.State(state)
		r.result.State = &kept
	}
}

// checkReplaced refuses a plan that does not replace what was asked for:
// Terraform says nothing of an address that does not exist.
func (r *unitRun) checkReplaced() error {
	for _, address := range r.Replace {
		if !slices.ContainsFunc(r.result.Resources, func(c report.Resource) bool { return c.Address == address && c.Action != "update" }) {
			return fmt.Errorf("--replace %s: the plan does not replace it: look for its address with `%s`", address, r.exec("state", "list"))
		}
	}
	return nil
}

// planTries plans, again after an init that Terraform asks for, and again where
// the network failed it.
func (r *unitRun) planTries(ctx context.Context, step runner.Step) (streamed, error) {
	initialized := false
	for try := 0; ; {
		result, err := r.stream(ctx, step)
		var exit *runner.ExitError
		switch {
		case !errors.As(err, &exit):
			return result, err
		case terraform.NeedsInit(result.words()) && !initialized:
			initialized = true
			if err := r.reinitialize(ctx); err != nil {
				return streamed{}, err
			}
		case terraform.Transient(result.words()) && try+1 < tries:
			if err := r.pause(ctx, "plan", try); err != nil {
				return result, err
			}
			try++
		default:
			return result, err
		}
	}
}

// readPlan fills the unit's result from its saved plan.
func (r *unitRun) readPlan(ctx context.Context) error {
	data, err := r.run(ctx, r.step(terraform.ShowArgs(r.ws.Path(planFile))))
	if err != nil {
		return err
	}
	if r.gates.readPlans() {
		r.document = data
	}
	return r.readPlanOf(ctx, data)
}

// showUnchanged reads a plan that changes nothing, for the gates: what is there
// is held to the rules too.
func (r *unitRun) showUnchanged(ctx context.Context) (err error) {
	if r.document, err = r.run(ctx, r.step(terraform.ShowArgs(r.ws.Path(planFile)))); err != nil {
		return err
	}
	plan, err := terraform.ReadPlan(r.document, r.scrub)
	if err == nil {
		r.scrub = plan.Scrub
	}
	return err
}

// readPlanOf fills the unit's result from its plan's JSON.
func (r *unitRun) readPlanOf(ctx context.Context, data []byte) (err error) {
	if r.plan, err = terraform.ReadPlan(data, r.scrub); err != nil {
		return err
	}
	r.scrub = r.plan.Scrub
	counts := report.Changes(r.plan.Counts)
	r.result.Changes = &counts
	for _, rc := range r.plan.Resources {
		r.result.Resources = append(r.result.Resources, report.Resource{
			Address: rc.Address, Action: rc.Action, From: rc.From, Reason: rc.Reason, Attributes: attributes(rc.Attributes),
		})
	}
	r.result.Outputs = attributes(r.plan.Outputs)
	if r.Diff {
		text, err := r.run(ctx, r.step(terraform.ShowTextArgs(r.ws.Path(planFile))))
		if err != nil {
			return err
		}
		r.result.Diff = r.scrub.Text(string(text))
	}
	return r.savePlan(ctx)
}

func attributes(changes []terraform.ValueChange) []report.Attribute {
	var out []report.Attribute
	for _, c := range changes {
		out = append(out, report.Attribute(c))
	}
	return out
}

// savePlan writes the plan and its redacted JSON below --out.
func (r *unitRun) savePlan(ctx context.Context) error {
	if r.Out == "" {
		return nil
	}
	plan, err := r.ws.ReadFile(ctx, planFile)
	if err != nil {
		return err
	}
	redacted, err := json.MarshalIndent(r.plan.Redacted, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(r.out.write(r.unit, planFile, plan), r.out.write(r.unit, redactedFile, redacted))
}

// prepare does what comes before a plan in every verb: values, hooks, init. It
// returns the values of the needs; where some are missing nothing else is done.
func (r *unitRun) prepare(ctx context.Context) (gathered, error) {
	g, err := r.gather(ctx)
	if err != nil || len(g.missing) > 0 {
		return g, err
	}
	return g, r.prepareWith(ctx, g)
}

// prepareWith prepares the unit with the values that there are.
func (r *unitRun) prepareWith(ctx context.Context, g gathered) error {
	if err := r.giveValues(ctx, g); err != nil {
		return err
	}
	if err := r.hooks(ctx, "before-plan", r.config.Hooks.BeforePlan); err != nil {
		return err
	}
	if err := r.initialize(ctx); err != nil {
		return err
	}
	return r.validate(ctx)
}
