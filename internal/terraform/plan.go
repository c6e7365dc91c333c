package terraform

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/strata-tf/strata/internal/runner"
)

// Plan is what a saved plan would do. It is an allow-list filled from the
// plan's resource and output changes, with their sensitivity masks: nothing
// that Terraform marks sensitive is in it, nor any value of the scrubber's.
type Plan struct {
	Resources []ResourceChange
	Outputs   []ValueChange
	Counts    Counts
	// Existing is how many resources are there before, instances counted one by
	// one and data sources left out.
	Existing int

	// Values are the outputs as they will be after the apply, sensitive ones
	// included. They are for the units that read them, never for a report.
	Values map[string]PlannedOutput
	// Redacted is Terraform's own document, cut down to what is above.
	Redacted *tfjson.Plan
	// Scrub knows the sensitive values of the plan besides those it was given.
	Scrub *runner.Scrubber
}

// Counts counts changes. A replacement is one Replace, and no Add or Destroy.
type Counts struct {
	Add, Change, Replace, Destroy, Import, Move, Forget, Outputs int
}

// ResourceChange is one resource that would change.
type ResourceChange struct {
	Address    string
	Action     string // create, update, replace, delete, forget, move, import or read
	From       string // its address before a move
	Reason     string // why it is replaced or deleted
	Attributes []ValueChange
}

// ValueChange is one value that would change.
type ValueChange struct {
	Path          string
	Before, After json.RawMessage // nil where sensitive, unknown or absent
	Sensitive     bool
	Unknown       bool // known only after the apply
	Replaces      bool // forces the replacement
}

// PlannedOutput is an output as the plan sees it. Its value is nil where there
// is none yet.
type PlannedOutput struct {
	Output
	Known   bool // false where the value, or a part of it, is known only after the apply
	Changed bool
}

// ReadPlan reads the output of `show -json PLAN`.
func ReadPlan(data []byte, scrub *runner.Scrubber) (*Plan, error) {
	var raw tfjson.Plan
	raw.UseJSONNumber(true)
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("read `show -json`: %w", err)
	}
	prepare(&raw, scrub)
	// A sensitive value that a provider copies into an attribute of another name
	// is not marked there.
	scrub = scrub.With(sensitiveValues(&raw)...)
	plan := &Plan{Values: make(map[string]PlannedOutput), Redacted: redact(&raw, scrub), Scrub: scrub}
	for _, rc := range raw.ResourceChanges {
		if rc.Mode != tfjson.DataResourceMode && rc.DeposedKey == "" && rc.Change.Before != nil {
			plan.Existing++
		}
		if change, changes := resourceChange(rc, scrub); changes {
			plan.Resources = append(plan.Resources, change)
			plan.Counts.add(rc)
		}
	}
	for _, name := range sortedKeys(raw.OutputChanges) {
		if err := plan.output(name, raw.OutputChanges[name], scrub); err != nil {
			return nil, err
		}
	}
	return plan, nil
}

// prepare drops entries that say nothing and scrubs the addresses: with what was
// given as secret, and not with what the plan marks. Terraform lets no marked
// value into an address, and a plain word such as "admin" may well be both.
func prepare(raw *tfjson.Plan, given *runner.Scrubber) {
	raw.ResourceChanges = slices.DeleteFunc(raw.ResourceChanges, func(rc *tfjson.ResourceChange) bool { return rc == nil || rc.Change == nil })
	maps.DeleteFunc(raw.OutputChanges, func(_ string, c *tfjson.Change) bool { return c == nil })
	for _, rc := range raw.ResourceChanges {
		for _, address := range []*string{&rc.Address, &rc.PreviousAddress, &rc.ModuleAddress} {
			*address = given.Text(*address)
		}
		rc.Index = clean(rc.Index, nil, given)
	}
}

func (p *Plan) output(name string, change *tfjson.Change, scrub *runner.Scrubber) error {
	if !change.Actions.Delete() {
		planned, err := plannedOutput(change)
		if err != nil {
			return fmt.Errorf("read `show -json`: output %s: %w", name, err)
		}
		p.Values[name] = planned
	}
	if change.Actions.NoOp() {
		return nil
	}
	p.Counts.Outputs++
	v := ValueChange{Path: name, Sensitive: anyTrue(change.BeforeSensitive) || anyTrue(change.AfterSensitive), Unknown: anyTrue(change.AfterUnknown)}
	if !v.Sensitive {
		v.Before, v.After = shown(change.Before, nil, scrub), shown(change.After, nil, scrub)
	}
	p.Outputs = append(p.Outputs, v)
	return nil
}

// plannedOutput is the value an output will have or, where that is not known
// yet, the one it has.
func plannedOutput(change *tfjson.Change) (PlannedOutput, error) {
	out := PlannedOutput{
		Output:  Output{Sensitive: anyTrue(change.BeforeSensitive) || anyTrue(change.AfterSensitive)},
		Known:   !anyTrue(change.AfterUnknown),
		Changed: !change.Actions.NoOp(),
	}
	value := change.After
	if !out.Known {
		value = change.Before
	}
	if value == nil && !out.Known {
		return out, nil
	}
	if value == nil && change.Before == nil {
		out.Changed = false // no state holds a null: Terraform plans it anew each time
	}
	var err error
	out.Value, err = json.Marshal(value)
	return out, err
}

func resourceChange(rc *tfjson.ResourceChange, scrub *runner.Scrubber) (ResourceChange, bool) {
	action := actionOf(rc)
	if action == "" {
		return ResourceChange{}, false
	}
	change := ResourceChange{Address: rc.Address, Action: action, Reason: reasons[string(rc.ActionReason)]}
	if rc.PreviousAddress != rc.Address {
		change.From = rc.PreviousAddress
	}
	change.Attributes = differences(rc.Change, scrub)
	return change, true
}

// actionOf names what happens to a resource, "" for nothing.
func actionOf(rc *tfjson.ResourceChange) string {
	a := rc.Change.Actions
	switch {
	case a.Replace():
		return "replace"
	case a.Create():
		return "create"
	case a.Update():
		return "update"
	case a.Delete():
		return "delete"
	case a.Forget():
		return "forget"
	case a.Read():
		return "read"
	case rc.Change.Importing != nil:
		return "import"
	case rc.PreviousAddress != "" && rc.PreviousAddress != rc.Address:
		return "move"
	}
	return ""
}

func (c *Counts) add(rc *tfjson.ResourceChange) {
	a := rc.Change.Actions
	switch {
	case a.Replace():
		c.Replace++
	case a.Create():
		c.Add++
	case a.Update():
		c.Change++
	case a.Delete():
		c.Destroy++
	case a.Forget():
		c.Forget++
	}
	if rc.Change.Importing != nil {
		c.Import++
	}
	if rc.PreviousAddress != "" && rc.PreviousAddress != rc.Address {
		c.Move++
	}
}

// reasons are Terraform's reasons in words.
var reasons = map[string]string{
	"replace_because_tainted":           "it is tainted",
	"replace_because_cannot_update":     "it cannot be updated in place",
	"replace_by_request":                "asked with -replace",
	"replace_by_triggers":               "replace_triggered_by",
	"delete_because_no_resource_config": "it is no longer in the configuration",
	"delete_because_wrong_repetition":   "its count or for_each is gone",
	"delete_because_count_index":        "its index is out of count's range",
	"delete_because_each_key":           "its key is no longer in for_each",
	"delete_because_no_module":          "its module is no longer in the configuration",
	"delete_because_no_move_target":     "its move has no target",
	"read_because_config_unknown":       "its configuration is known only after apply",
	"read_because_dependency_pending":   "what it depends on changes",
	"read_because_check_nested":         "a check reads it",
}
