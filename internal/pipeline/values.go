package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/strata-tf/strata/internal/contract"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// valuesFile is the name of a unit's private variable file. Terraform tells its
// format by the ending.
const valuesFile = "values.auto.tfvars.json"

// values are the outputs of this run's units and of their needs. Each state is
// read once.
type values struct {
	mu     sync.Mutex
	read   map[string]map[string]bool // outputs that a unit of this run reads, by the unit that has them
	known  map[string]map[string]terraform.PlannedOutput
	unsure map[string]bool // units whose plan of this run is not final
	turns  turns
}

// expect notes which outputs will be asked for.
func (v *values) expect(bindings map[string][]contract.Binding) {
	v.read = make(map[string]map[string]bool)
	v.known = make(map[string]map[string]terraform.PlannedOutput)
	v.unsure = make(map[string]bool)
	for _, list := range bindings {
		for _, b := range list {
			if v.read[b.From.Unit] == nil {
				v.read[b.From.Unit] = make(map[string]bool)
			}
			v.read[b.From.Unit][b.From.Output] = true
		}
	}
}

// isRead says whether any unit of the run reads an output of this one.
func (v *values) isRead(id string) bool { return len(v.read[id]) > 0 }

func (v *values) set(id string, outputs map[string]terraform.PlannedOutput, unsure bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known[id], v.unsure[id] = outputs, unsure
}

func (v *values) get(id string) (outputs map[string]terraform.PlannedOutput, unsure, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	outputs, ok = v.known[id]
	return outputs, v.unsure[id], ok
}

// gathered is what a unit's needs give it.
type gathered struct {
	values    map[string]json.RawMessage
	sensitive []string // values that must not be seen
	missing   []stack.Ref
	unsure    []string // needs whose value may still change
}

// gather collects the values of the unit's needs: from this run's applies and
// plans, else from their states.
func (r *unitRun) gather(ctx context.Context) (gathered, error) {
	g := gathered{values: make(map[string]json.RawMessage)}
	for _, b := range r.bindings[r.unit.ID()] {
		outputs, unsure, err := r.outputsOf(ctx, b.From.Unit)
		if err != nil {
			return g, err
		}
		output, ok := outputs[b.From.Output]
		if !ok && len(outputs) > 0 && r.unit.Module.Variables[b.Variable].HasDefault {
			continue // null, or not there yet: a state tells neither from the other
		}
		if ok && !output.Known {
			// The state may still hold the value from before.
			g.unsure = append(g.unsure, b.From.Unit)
		}
		if !ok || output.Value == nil {
			g.missing = append(g.missing, b.From)
			continue
		}
		if unsure || output.Changed {
			g.unsure = append(g.unsure, b.From.Unit)
		}
		if output.Sensitive {
			g.sensitive = append(g.sensitive, terraform.Leaves(output.Value)...)
			if !r.unit.Module.Variables[b.Variable].Sensitive {
				r.warn(fmt.Sprintf("variable %s takes output %s of %s, which is sensitive: declare it `sensitive = true`", b.Variable, b.From.Output, b.From.Unit))
			}
		}
		g.values[b.Variable] = output.Value
	}
	slices.Sort(g.unsure)
	g.unsure = slices.Compact(g.unsure)
	return g, nil
}

// lacking says which values do not exist, and whose they are: a few of each
// need's, so that the line stays readable.
func (g gathered) lacking() string {
	byUnit := make(map[string][]string)
	for _, ref := range g.missing {
		byUnit[ref.Unit] = append(byUnit[ref.Unit], ref.Output)
	}
	var parts []string
	for _, unit := range sortedKeys(byUnit) {
		outputs := byUnit[unit]
		more := ""
		if n := len(outputs) - lackingShown; n > 0 {
			outputs, more = outputs[:lackingShown], fmt.Sprintf(" and %d more", n)
		}
		parts = append(parts, fmt.Sprintf("%s has no %s%s yet", unit, strings.Join(outputs, ", "), more))
	}
	return strings.Join(parts, "; ")
}

// lackingShown is how many missing outputs of one unit are named.
const lackingShown = 3

// outputsOf returns the outputs of a unit of this run, or of a need outside of
// it, whose state is then read, once.
func (r *unitRun) outputsOf(ctx context.Context, id string) (outputs map[string]terraform.PlannedOutput, unsure bool, err error) {
	if now := r.now; now != nil && now.tree.Unit(id) != nil && now.inPlace(now.tree.Unit(id)) {
		there := *r
		there.session = now
		return there.outputsOf(ctx, id)
	}
	turn := r.values.turns.folder(id)
	turn.Lock()
	defer turn.Unlock()
	if outputs, unsure, ok := r.values.get(id); ok {
		return outputs, unsure, nil
	}
	if r.blocked[r.rescuedName(r.tree.Unit(id))] > 0 {
		return nil, false, &RefusedError{fmt.Sprintf("%s has a newer state that its backend did not take: `%s` or `%s` first", id, r.words().Rescued(id, "--push"), r.words().Rescued(id, "--discard"))}
	}
	need := &unitRun{session: r.session, unit: r.tree.Unit(id), result: r.blank(id), scrub: r.scrub, log: r.log, quiet: true}
	if need.ws, err = r.Runner.Open(ctx, r.spec(need.unit)); err != nil {
		return nil, false, err
	}
	if r.now != nil {
		err = need.bringState()
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		outputs, err = need.readOutputs(ctx)
	}
	if err = errors.Join(err, need.ws.Close()); err != nil {
		r.result.Diagnostics = append(r.result.Diagnostics, need.result.Diagnostics...)
		return nil, false, fmt.Errorf("read the outputs of %s: %w", id, err)
	}
	r.values.set(id, outputs, false)
	return outputs, false, nil
}

// readOutputs reads the unit's state, in its own workspace.
func (r *unitRun) readOutputs(ctx context.Context) (map[string]terraform.PlannedOutput, error) {
	if err := r.initialize(ctx); err != nil {
		return nil, err
	}
	data, err := r.run(ctx, r.step(terraform.OutputArgs()))
	if err != nil {
		return nil, err
	}
	outputs, err := terraform.ParseOutputs(data)
	return settled(outputs), err
}

func settled(outputs map[string]terraform.Output) map[string]terraform.PlannedOutput {
	out := make(map[string]terraform.PlannedOutput, len(outputs))
	for name, o := range outputs {
		out[name] = terraform.PlannedOutput{Output: o, Known: true}
	}
	return out
}

// publish makes the unit's outputs known to those that read them, while its
// workspace is open. printed are the outputs an apply has printed, nil where
// there was none.
//
// An output that is declared and is not in the state that was just written is
// null. unsure says whether the values may still change.
func (r *unitRun) publish(ctx context.Context, printed map[string]terraform.Output, unsure bool) error {
	id := r.unit.ID()
	if !r.values.isRead(id) {
		return nil
	}
	for name := range r.values.read[id] {
		if o, ok := printed[name]; !ok || o.Value == nil {
			data, err := r.run(ctx, r.step(terraform.OutputArgs()))
			if err != nil {
				return err
			}
			if printed, err = terraform.ParseOutputs(data); err != nil {
				return err
			}
			break
		}
	}
	outputs := settled(printed)
	r.addNulls(outputs)
	r.values.set(id, outputs, unsure)
	return nil
}

// addNulls adds the outputs that others read and that are null: no state and no
// plan holds them.
func (r *unitRun) addNulls(outputs map[string]terraform.PlannedOutput) {
	for name := range r.values.read[r.unit.ID()] {
		if _, ok := outputs[name]; !ok {
			outputs[name] = terraform.PlannedOutput{Output: terraform.Output{Value: json.RawMessage("null")}, Known: true}
		}
	}
}

// giveValues writes the private variable file and lists the unit's variable
// files, the private one last so that it holds.
func (r *unitRun) giveValues(ctx context.Context, g gathered) error {
	secrets := make(map[string]string, len(r.unit.Secrets))
	for _, name := range r.unit.Secrets {
		secrets[name], _ = r.secret(name)
	}
	r.scrub = runner.NewScrubber(slices.Concat(r.secretsOf(r.unit), g.sensitive, r.sensitiveVariables(ctx))...)
	for _, file := range append(slices.Clone(r.unit.VarFiles), r.VarFiles...) {
		r.varFiles = append(r.varFiles, r.ws.SourcePath(file))
	}
	data, err := contract.Variables(r.unit, g.values, secrets)
	if err != nil || data == nil {
		return err
	}
	r.varFiles = append(r.varFiles, r.ws.Path(valuesFile))
	return r.ws.WriteFile(ctx, valuesFile, data)
}
