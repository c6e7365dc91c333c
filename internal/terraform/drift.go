package terraform

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/strata-tf/strata/internal/runner"
)

// Drift is how reality differs from what was deployed, told from a plan at the
// code that was deployed. Like Plan it is an allow-list: nothing that Terraform
// marks sensitive is in it, nor any value of the scrubber's.
type Drift struct {
	Resources []DriftedResource // what drifted, sorted by address
	// Noise is what differs and means nothing, each attribute with why. A
	// resource may be in both lists, with other attributes.
	Noise []DriftedResource
	// Other is what the plan would change although nothing drifted: code that was
	// not applied, a value that is another one each time, a data source that reads
	// something else. A resource of which drift explains a part is there with the
	// rest. So is what drift may explain by way of a local value and where it does
	// not show: `show -json` does not tell what a local value is made of.
	Other        []ResourceChange
	OtherOutputs []ValueChange
	// Scrub knows the sensitive values of the plan besides those it was given.
	Scrub *runner.Scrubber
}

// What happened to a resource.
const (
	DriftChanged = "changed"
	DriftDeleted = "deleted"
)

// DriftedResource is a resource that is not as it was deployed. One that was
// deleted has no attributes.
type DriftedResource struct {
	Address, Type, Mode string
	Action              string // DriftChanged or DriftDeleted
	Attributes          []DriftedAttribute
}

// DriftedAttribute is a value that is not as it was deployed: Before is what
// was, After what is there.
type DriftedAttribute struct {
	ValueChange
	Noise string // why it means nothing, "" where it is drift
}

// Why a difference means nothing.
const (
	// NoiseEmpty: null, {}, [] and "" are one. So are null and false, of what the
	// code does not set.
	NoiseEmpty = "empty"
	// NoiseOrder: the same elements in another order, also within JSON text, and
	// the plan leaves them there.
	NoiseOrder = "order"
	// NoiseMirror: tags_all, where tags tells the same.
	NoiseMirror = "mirror"
	// NoiseManaged: another resource of the unit manages it, as a bucket's policy
	// is one of a resource of its own.
	NoiseManaged = "managed"
	// NoiseComputed: it goes with time, or with another attribute that is told.
	NoiseComputed = "computed"
)

// ReadDrift reads the output of `show -json PLAN`, of a plan that was made at
// the code that was deployed.
//
// All that Terraform found to differ is drift, but for what is named here: a
// change that nobody hears of is worse than one too many, and what is not drift
// is listed too. An attribute that the code does not set, and that no plan would
// set back, is drift therefore: of an open port that was added to a security
// group without rules in its code nobody else would tell. In this order:
//
//   - Empty values are one: on a unit that nobody touched, the first refresh finds
//     tags that were null to be {}.
//   - Another order of the same elements is none, unless the plan sets it back.
//   - What tags tells, tags_all repeats.
//   - What the code sets, ignore_changes or not, or the plan would change back, is
//     drift, whatever its name is.
//   - Times, a status and some counters go on by themselves. They are known by
//     name, and times by their value too.
//   - What another resource of the unit manages is in its parent's attributes too.
//     The state of the parent is older, so that on most units that nobody touched
//     a bucket "has got" its policy and its encryption, a role its policies, a
//     security group its rules. Only what is found in the other resource as it is
//     now, value by value, is explained by it: a rule that someone added is found
//     in none. See managed.
//   - An etag or a revision says that something was changed, and is noise where
//     something else of the resource is told to be. Alone it is drift: of a
//     bucket's object the provider reads no more than its etag, and of a
//     write-only value no more than its version.
//
// Of what a dynamic block sets `show -json` does not tell that the code sets it.
// That the plan sets it back tells it.
func ReadDrift(data []byte, scrub *runner.Scrubber) (*Drift, error) {
	var raw tfjson.Plan
	raw.UseJSONNumber(true)
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("read `show -json`: %w", err)
	}
	r := newDriftReader(&raw, scrub)
	drift := &Drift{Scrub: r.scrub}
	for _, address := range sortedKeys(r.drifted) {
		d := r.drifted[address]
		told, noise := d.resource(r), d.resource(r)
		for _, l := range d.leaves {
			a := DriftedAttribute{ValueChange: r.valueChange(l), Noise: l.noise}
			if a.Noise == "" {
				told.Attributes = append(told.Attributes, a)
			} else {
				noise.Attributes = append(noise.Attributes, a)
			}
		}
		if d.deleted() || len(told.Attributes) > 0 {
			drift.Resources = append(drift.Resources, told)
		}
		if len(noise.Attributes) > 0 {
			drift.Noise = append(drift.Noise, noise)
		}
	}
	drift.Other, drift.OtherOutputs = r.other()
	return drift, nil
}

// driftReader sorts the differences of one plan.
type driftReader struct {
	raw     *tfjson.Plan
	given   *runner.Scrubber // for addresses, see prepare
	scrub   *runner.Scrubber
	config  map[string]*configured // by place: the module's path and the resource's address in it
	calls   map[string]*moduleCall // by the module's path
	planned map[string]*planned    // by address, without deposed objects
	places  map[string][]*planned  // by place
	drifted map[string]*drifting   // by address
}

// planned is what the plan would do to a resource.
type planned struct {
	*tfjson.ResourceChange
	action string // as actionOf names it
	leaves []leaf // of an update or a replacement
}

// drifting is what a refresh found of one resource.
type drifting struct {
	*tfjson.ResourceChange
	leaves []leaf
}

func (d *drifting) deleted() bool { return d.Change.Actions.Delete() }

func (d *drifting) resource(r *driftReader) DriftedResource {
	out := DriftedResource{Address: r.given.Text(d.Address), Type: d.Type, Mode: string(d.Mode), Action: DriftChanged}
	if d.deleted() {
		out.Action = DriftDeleted
	}
	return out
}

// real says whether something of it is drift.
func (d *drifting) real() bool {
	return d.deleted() || slices.ContainsFunc(d.leaves, func(l leaf) bool { return l.noise == "" })
}

func newDriftReader(raw *tfjson.Plan, given *runner.Scrubber) *driftReader {
	// The masks of what a refresh found are as good as those of what is planned.
	all := *raw
	all.ResourceChanges = slices.Concat(raw.ResourceChanges, raw.ResourceDrift)
	all.ResourceChanges = slices.DeleteFunc(all.ResourceChanges, without)
	all.OutputChanges = make(map[string]*tfjson.Change)
	for name, change := range raw.OutputChanges {
		if change != nil {
			all.OutputChanges[name] = change
		}
	}
	r := &driftReader{
		raw: raw, given: given, scrub: given.With(sensitiveValues(&all)...),
		config: make(map[string]*configured), calls: make(map[string]*moduleCall),
		planned: make(map[string]*planned), places: make(map[string][]*planned), drifted: make(map[string]*drifting),
	}
	if raw.Config != nil {
		r.index("", raw.Config.RootModule)
	}
	for _, rc := range raw.ResourceChanges {
		if without(rc) || rc.DeposedKey != "" {
			continue
		}
		p := &planned{ResourceChange: rc, action: actionOf(rc)}
		if p.action == "update" || p.action == "replace" {
			p.leaves = leavesOf(rc.Change)
		}
		r.planned[rc.Address], r.places[placeOf(rc)] = p, append(r.places[placeOf(rc)], p)
	}
	// A data source is read anew by each plan; that it reads something else is seen
	// where that is used.
	for _, rc := range raw.ResourceDrift {
		if !without(rc) && rc.Mode != tfjson.DataResourceMode && rc.DeposedKey == "" {
			r.drifted[rc.Address] = &drifting{ResourceChange: rc}
		}
	}
	for _, d := range r.drifted {
		if !d.deleted() {
			d.leaves = leavesOf(d.Change)
			r.judge(d)
		}
	}
	return r
}

func without(rc *tfjson.ResourceChange) bool { return rc == nil || rc.Change == nil }

// judge says of each difference why it means nothing, if it does.
func (r *driftReader) judge(d *drifting) {
	var marks []*leaf
	told := false
	for i := range d.leaves {
		l := &d.leaves[i]
		stays := !r.setsBack(d, l.steps)
		unset := stays && !r.isSet(d, l.steps)
		switch {
		case l.kind == kindEmpty, l.kind == kindFalse && unset:
			l.noise = NoiseEmpty
		case l.kind == kindOrder && stays:
			l.noise = NoiseOrder
		case d.mirrors(l):
			l.noise = NoiseMirror
		case !unset:
			told = true
		case l.moves():
			l.noise = NoiseComputed
		case r.managed(d, l.top()):
			l.noise = NoiseManaged
		case l.isMark():
			marks = append(marks, l)
		default:
			told = true
		}
	}
	if told {
		for _, l := range marks {
			l.noise = NoiseComputed
		}
	}
}

// setsBack says whether the plan would change what is at steps, or a part of it,
// to a value that is known.
func (r *driftReader) setsBack(d *drifting, steps []any) bool {
	p := r.planned[d.Address]
	return p != nil && slices.ContainsFunc(p.leaves, func(l leaf) bool {
		return !l.unknown && l.kind != kindEmpty && overlap(l.steps, steps)
	})
}

// isSet says whether the code sets what is at steps.
func (r *driftReader) isSet(d *drifting, steps []any) bool {
	c := r.config[placeOf(d.ResourceChange)]
	if c == nil {
		return false
	}
	blocks := []map[string]*tfjson.Expression{c.Expressions}
	for _, step := range steps {
		name, isName := step.(string)
		if !isName {
			continue
		}
		var inner []map[string]*tfjson.Expression
		found := false
		for _, block := range blocks {
			e, ok := block[name]
			if !ok {
				continue
			}
			found = true
			if e == nil || e.ExpressionData == nil || len(e.NestedBlocks) == 0 {
				return true
			}
			inner = append(inner, e.NestedBlocks...)
		}
		if !found {
			return false
		}
		blocks = inner
	}
	return true
}

// mirrored are the attributes that repeat another one, with what the provider
// adds by itself.
var mirrored = map[string]string{
	"tags_all":              "tags",
	"effective_labels":      "labels",
	"terraform_labels":      "labels",
	"effective_annotations": "annotations",
}

func (d *drifting) mirrors(l *leaf) bool {
	origin, ok := mirrored[l.top()]
	if !ok {
		return false
	}
	steps := slices.Concat([]any{origin}, l.steps[1:])
	return slices.ContainsFunc(d.leaves, func(other leaf) bool {
		return slices.Equal(other.steps, steps) && same(other.after, l.after)
	})
}

// moves says whether a difference is one that comes by itself. A name counts
// outside maps only: their keys are anyone's.
func (l *leaf) moves() bool {
	name := l.attribute()
	switch name {
	case "":
		return false
	case "status", // how it is doing, not how it is to be
		"attachment_count", "item_count", "estimated_number_of_users":
		return true
	}
	words := strings.Split(name, "_")
	switch words[len(words)-1] {
	case "at", "created", "date", "modified", "time", "timestamp", "updated":
		return isTime(l.after) && (isTime(l.before) || isEmpty(l.before))
	}
	return false
}

// timeText matches the forms in which providers write times: RFC 3339 and its
// kin, and RFC 1123.
var timeText = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}([T ]|$)|^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:`)

func isTime(value any) bool {
	switch v := value.(type) {
	case string:
		return timeText.MatchString(v)
	case json.Number: // seconds or milliseconds since 1970
		n, err := v.Float64()
		return err == nil && n >= 1e9 && n < 1e13
	}
	return false
}

// isMark says whether a difference only tells that something was changed. A
// version that is no count, such as an engine's, is more than that.
func (l *leaf) isMark() bool {
	switch l.attribute() {
	case "etag", "fingerprint", "lock_token", "revision_id", "update_token", "version_id":
		return true
	case "generation", "latest_version", "revision", "version":
		return isCount(l.before) && isCount(l.after)
	}
	return false
}

var countText = regexp.MustCompile(`^[0-9]+$`)

func isCount(value any) bool {
	switch v := value.(type) {
	case string:
		return countText.MatchString(v)
	case json.Number:
		return countText.MatchString(v.String())
	}
	return false
}
