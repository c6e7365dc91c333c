package terraform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/strata-tf/strata/internal/runner"
)

// TestReadPlanRecorded compares the model of every recorded plan with a golden
// file.
func TestReadPlanRecorded(t *testing.T) {
	files, err := filepath.Glob("testdata/plans/*.json")
	if err != nil || len(files) < len(planScenarios) {
		t.Fatalf("%d recorded plans, %d scenarios (%v)", len(files), len(planScenarios), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			data := recorded(t, "plans/"+name+".json")
			plan, err := ReadPlan(data, nil)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "model/"+name+".json", struct {
				Counts    Counts
				Resources []ResourceChange
				Outputs   []ValueChange
				Values    map[string]PlannedOutput
			}{plan.Counts, plan.Resources, plan.Outputs, plan.Values})
			golden(t, "redacted/"+name+".json", plan.Redacted)
			if shown := visible(t, plan); strings.Contains(shown, "planted-") || strings.Contains(shown, "kept-secret-value") {
				t.Errorf("a secret can be seen:\n%s", shown)
			}
		})
	}
}

// visible is all of a plan that a report may show, as text.
func visible(t testing.TB, p *Plan) string {
	t.Helper()
	data, err := json.Marshal(struct {
		Resources, Outputs, Redacted any
	}{p.Resources, p.Outputs, p.Redacted})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestReadPlanCounts(t *testing.T) {
	for name, want := range map[string]Counts{
		"create":       {Add: 5, Outputs: 3},
		"update":       {Change: 1, Outputs: 1},
		"replace":      {Replace: 3, Outputs: 1},
		"delete":       {Destroy: 3, Outputs: 1},
		"destroy":      {Destroy: 1, Outputs: 1},
		"import":       {Import: 2, Change: 1},
		"move":         {Move: 2, Change: 1},
		"forget":       {Forget: 1},
		"outputs-only": {Outputs: 3},
		"no-change":    {},
		"read":         {Add: 1},
		"aws-create":   {Add: 3, Outputs: 1},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := ReadPlan(recorded(t, "plans/"+name+".json"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, plan.Counts); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestReadPlanNumbers: numbers that no float64 holds stay as they are.
func TestReadPlanNumbers(t *testing.T) {
	plan, err := ReadPlan(recorded(t, "plans/update.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	change := attribute(t, plan, "terraform_data.x", "input.big")
	if string(change.Before) != "9007199254740993" || string(change.After) != "9007199254740995" {
		t.Errorf("input.big: %s -> %s", change.Before, change.After)
	}
	plan, err = ReadPlan(recorded(t, "plans/create.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if change := attribute(t, plan, "terraform_data.network", "input.big"); string(change.After) != "12345678901234567890123" {
		t.Errorf("input.big: %s", change.After)
	}
	if redacted := visible(t, plan); !strings.Contains(redacted, `"big":12345678901234567890123`) {
		t.Errorf("the redacted document has lost it:\n%s", redacted)
	}
}

func attribute(t *testing.T, plan *Plan, address, path string) ValueChange {
	t.Helper()
	for _, rc := range plan.Resources {
		for _, change := range rc.Attributes {
			if rc.Address == address && change.Path == path {
				return change
			}
		}
	}
	t.Fatalf("no change of %s of %s", path, address)
	return ValueChange{}
}

// TestReadPlanReplaces: every change that forces a replacement says so, also
// where the path that Terraform names is above or below it.
func TestReadPlanReplaces(t *testing.T) {
	plan, err := ReadPlan(recorded(t, "plans/replace.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !attribute(t, plan, "terraform_data.x", "triggers_replace[0]").Replaces {
		t.Error("triggers_replace[0] does not force the replacement")
	}
	if attribute(t, plan, "terraform_data.x", "id").Replaces {
		t.Error("id forces the replacement")
	}
	for _, test := range []struct {
		path, forced string
		want         bool
	}{
		{"ingress", "ingress", true}, {"ingress", "ingress[0].port", true}, {"ingress[0]", "ingress", true},
		{"ingress_rule", "ingress", false}, {"name", "name_prefix", false}, {"tags.a", "tags.b", false}, {"", "name", true},
	} {
		d := differ{replaces: []string{test.forced}}
		if got := d.forces(test.path); got != test.want {
			t.Errorf("%q, forced by %q: %v", test.path, test.forced, got)
		}
	}
}

// TestPlannedOutputs: a value that is not known yet is the one from before.
func TestPlannedOutputs(t *testing.T) {
	change := func(after, unknown any, before any, actions ...tfjson.Action) *tfjson.Change {
		return &tfjson.Change{Actions: actions, Before: before, After: after, AfterUnknown: unknown}
	}
	plan, err := ReadPlan(planDocument(t, &tfjson.Plan{OutputChanges: map[string]*tfjson.Change{
		"same":      change("a", false, "a", tfjson.ActionNoop),
		"new":       change("a", false, nil, tfjson.ActionCreate),
		"later":     change(nil, true, "old", tfjson.ActionUpdate),
		"never yet": change(nil, true, nil, tfjson.ActionCreate),
		"partly":    change(map[string]any{"a": "b"}, map[string]any{"id": true}, map[string]any{"a": "b", "id": "1"}, tfjson.ActionUpdate),
		"null":      change(nil, false, nil, tfjson.ActionCreate),
		"to null":   change(nil, false, "a", tfjson.ActionUpdate),
		"gone":      change(nil, false, "a", tfjson.ActionDelete),
		"html":      change("<&>", false, nil, tfjson.ActionCreate),
		"nothing":   nil,
	}}), nil)
	if err != nil {
		t.Fatal(err)
	}
	value := func(text string) Output {
		if text == "" {
			return Output{}
		}
		return Output{Value: json.RawMessage(text)}
	}
	want := map[string]PlannedOutput{
		"same":      {Output: value(`"a"`), Known: true},
		"new":       {Output: value(`"a"`), Known: true, Changed: true},
		"later":     {Output: value(`"old"`), Changed: true},
		"never yet": {Changed: true},
		"partly":    {Output: value(`{"a":"b","id":"1"}`), Changed: true},
		"null":      {Output: value(`null`), Known: true},
		"to null":   {Output: value(`null`), Known: true, Changed: true},
		"html":      {Output: value(`"\u003c\u0026\u003e"`), Known: true, Changed: true},
	}
	if diff := cmp.Diff(want, plan.Values); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func planDocument(t testing.TB, p *tfjson.Plan) []byte {
	t.Helper()
	p.FormatVersion, p.TerraformVersion = "1.2", "1.11.4"
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReadPlanErrors(t *testing.T) {
	whole := recorded(t, "plans/create.json")
	for name, test := range map[string]struct{ data, want string }{
		"empty":            {"", "unexpected end of JSON input"},
		"cut off":          {string(whole[:len(whole)/2]), "unexpected end of JSON input"},
		"no JSON":          {"Error: no such file", "invalid character"},
		"another document": {`{"terraform_version": "1.11.4"}`, "format version"},
		"a later format":   {`{"format_version": "2.0"}`, "format version"},
		"a list":           {`[]`, "cannot unmarshal array"},
		"a wrong type":     {`{"format_version": "1.2", "resource_changes": {}}`, "cannot unmarshal object"},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := ReadPlan([]byte(test.data), nil)
			if err == nil || !strings.HasPrefix(err.Error(), "read `show -json`: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want one with %q", err, test.want)
			}
			if plan != nil {
				t.Error("there is a plan too")
			}
		})
	}
	if _, err := ReadPlan([]byte(`{"format_version": "1.2", "resource_changes": [null, {"address": "a"}], "output_changes": {"x": null}}`), nil); err != nil {
		t.Errorf("entries without content: %v", err)
	}
}

// TestReadPlanGivenSecrets: what was given as a secret is nowhere, addresses
// included; what only the plan marks leaves addresses readable.
func TestReadPlanGivenSecrets(t *testing.T) {
	data := planDocument(t, &tfjson.Plan{ResourceChanges: []*tfjson.ResourceChange{{
		Address: `aws_x.admin["given-secret"]`, PreviousAddress: `aws_x.admin["given-secret-old"]`, Index: "given-secret",
		Change: &tfjson.Change{
			Actions: tfjson.Actions{tfjson.ActionUpdate},
			Before:  map[string]any{"user": "admin", "map": map[string]any{"given-secret": 1, "admin": 2}, "port": 123456},
			After:   map[string]any{"user": "root-user", "map": map[string]any{"given-secret": 2, "admin": 3}, "port": 123456, "url": "tcp://given-secret:admin@x"},

			BeforeSensitive: map[string]any{"user": true, "port": true},
			AfterSensitive:  map[string]any{"user": true, "map": map[string]any{"given-secret": false}},
			ReplacePaths:    []any{[]any{"map", "given-secret"}},
		},
	}}})
	plan, err := ReadPlan(data, runner.NewScrubber("given-secret"))
	if err != nil {
		t.Fatal(err)
	}
	text := visible(t, plan)
	for _, secret := range []string{"given-secret", "root-user", "123456", `:admin@`} {
		if strings.Contains(text, secret) {
			t.Errorf("%q can be seen:\n%s", secret, text)
		}
	}
	if got := plan.Resources[0].Address; got != `aws_x.admin["(secret)"]` {
		t.Errorf("address: %s", got)
	}
	if got := plan.Resources[0].From; got != `aws_x.admin["(secret)-old"]` {
		t.Errorf("address before: %s", got)
	}
	if got := plan.Scrub.Text("root-user given-secret"); got != "(secret) (secret)" {
		t.Errorf("the plan's scrubber: %q", got)
	}
}

// TestRedaction plants secrets all over generated plans: wherever a mask, a
// variable's declaration or Strata's user says that a value is secret, it and
// its copies elsewhere can be seen nowhere.
func TestRedaction(t *testing.T) {
	for seed := range uint64(100) {
		g := &planMaker{Rand: rand.New(rand.NewPCG(seed, 7))}
		document := g.plan()
		data := planDocument(t, document)
		plan, err := ReadPlan(data, runner.NewScrubber(g.given...))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(g.masked) == 0 {
			t.Fatalf("seed %d: nothing was planted", seed)
		}
		text := visible(t, plan)
		for _, secret := range append(g.masked, g.given...) {
			if strings.Contains(text, secret) {
				t.Fatalf("seed %d: %q can be seen\nin %s\nof %s", seed, secret, text, data)
			}
		}
		for _, hidden := range g.elsewhere {
			if strings.Contains(text, hidden) {
				t.Fatalf("seed %d: %q of a part that is not copied can be seen in %s", seed, hidden, text)
			}
		}
		for _, open := range g.open {
			if !strings.Contains(text, open) {
				t.Fatalf("seed %d: %q, which is no secret, is lost\nin %s\nof %s", seed, open, text, data)
			}
		}
	}
}

// planMaker makes plans with secrets in them.
type planMaker struct {
	*rand.Rand
	count     int
	masked    []string // values that a mask marks, or a variable's declaration
	given     []string // values the user called secret
	elsewhere []string // values of the parts that are never copied
	open      []string // values that must stay visible
}

func (g *planMaker) word(kind string) string {
	g.count++
	return fmt.Sprintf("%s-%d-%08x", kind, g.count, g.Uint32())
}

func (g *planMaker) secret() string { s := g.word("masked"); g.masked = append(g.masked, s); return s }

func (g *planMaker) hidden() string {
	s := g.word("elsewhere")
	g.elsewhere = append(g.elsewhere, s)
	return s
}

// value makes a value and its mask.
func (g *planMaker) value(depth int, secret bool) (value, mask any) {
	switch n := g.IntN(6); {
	case n < 2 && depth > 0:
		values, masks := map[string]any{}, map[string]any{}
		for range g.IntN(3) + 1 {
			key := g.word("key")
			values[key], masks[key] = g.value(depth-1, secret)
		}
		if secret {
			return values, true
		}
		return values, masks
	case n == 2 && depth > 0:
		var values, masks []any
		for range g.IntN(3) + 1 {
			v, m := g.value(depth-1, secret)
			values, masks = append(values, v), append(masks, m)
		}
		if secret {
			return values, true
		}
		return values, masks
	case secret || n == 3:
		if g.IntN(4) == 0 {
			number := json.Number(fmt.Sprintf("9%d", 1e15+g.Int64N(1e15)))
			g.masked = append(g.masked, number.String())
			return number, true
		}
		return g.secret(), true
	case n == 4 && len(g.masked) > 0: // a copy without a mark, perhaps within more text
		copied := g.masked[g.IntN(len(g.masked))]
		return []string{copied, "before " + copied + " after", jsonText(copied)}[g.IntN(3)], false
	case n == 5 && depth > 1: // a whole that is marked
		return g.value(depth-1, true)
	}
	if g.IntN(5) == 0 {
		s := g.word("given")
		g.given = append(g.given, s)
		return map[string]any{s: "as a key", "v": "x" + s}, map[string]any{s: false}
	}
	s := g.word("open")
	g.open = append(g.open, s)
	return s, false
}

func jsonText(v any) string {
	data, _ := json.Marshal(v)
	return string(data)
}

func (g *planMaker) change() *tfjson.Change {
	actions := []tfjson.Actions{
		{tfjson.ActionCreate}, {tfjson.ActionUpdate}, {tfjson.ActionDelete, tfjson.ActionCreate}, {tfjson.ActionDelete}, {tfjson.ActionForget}, {tfjson.ActionNoop},
	}
	c := &tfjson.Change{Actions: actions[g.IntN(len(actions))]}
	object := func() (any, any) {
		values, masks := map[string]any{}, map[string]any{}
		for i := range g.IntN(4) + 1 {
			values[fmt.Sprint("a", i)], masks[fmt.Sprint("a", i)] = g.value(3, false)
		}
		values["secret"], masks["secret"] = g.secret(), true
		return values, masks
	}
	if !c.Actions.Create() {
		c.Before, c.BeforeSensitive = object()
	}
	switch {
	case c.Actions.NoOp():
		c.After, c.AfterSensitive = c.Before, c.BeforeSensitive
	case !c.Actions.Delete() && !c.Actions.Forget():
		c.After, c.AfterSensitive = object()
	}
	if g.IntN(2) == 0 {
		c.AfterUnknown = map[string]any{"a0": true, "id": true}
	}
	return c
}

func (g *planMaker) plan() *tfjson.Plan {
	p := &tfjson.Plan{OutputChanges: map[string]*tfjson.Change{}}
	for i := range g.IntN(4) + 1 {
		p.ResourceChanges = append(p.ResourceChanges, &tfjson.ResourceChange{
			Address: fmt.Sprint("x_y.z", i), Mode: tfjson.ManagedResourceMode, Type: "x_y", Name: "z", Change: g.change(),
		})
	}
	for i := range g.IntN(3) {
		open := g.open
		c := g.change()
		if g.IntN(2) == 0 {
			c.BeforeSensitive, c.AfterSensitive, g.open = true, true, open
		}
		p.OutputChanges[fmt.Sprint("o", i)] = c
	}
	declared := g.secret()
	p.Variables = map[string]*tfjson.PlanVariable{"open": {Value: g.hidden()}, "declared": {Value: declared}}
	p.Config = &tfjson.Config{RootModule: &tfjson.ConfigModule{
		Variables: map[string]*tfjson.ConfigVariable{"declared": {Sensitive: true}, "open": {}},
		Resources: []*tfjson.ConfigResource{{
			Address:     "x_y.z",
			Expressions: map[string]*tfjson.Expression{"a": {ExpressionData: &tfjson.ExpressionData{ConstantValue: g.hidden()}}},
		}},
	}}
	p.PlannedValues = &tfjson.StateValues{RootModule: &tfjson.StateModule{Resources: []*tfjson.StateResource{{
		Address: "x_y.z", AttributeValues: map[string]any{"a": g.hidden()},
	}}}}
	p.PriorState = &tfjson.State{FormatVersion: "1.0", Values: &tfjson.StateValues{Outputs: map[string]*tfjson.StateOutput{"o": {Value: g.hidden()}}}}
	// A provider that repeats a variable's value.
	p.ResourceChanges = append(p.ResourceChanges, &tfjson.ResourceChange{Address: "x_y.repeats", Change: &tfjson.Change{
		Actions: tfjson.Actions{tfjson.ActionCreate}, After: map[string]any{"message": "got " + declared},
	}})
	return p
}

// TestRedactedIsReadable: what is written for people and other tools is a plan
// that terraform-json reads.
func TestRedactedIsReadable(t *testing.T) {
	plan, err := ReadPlan(recorded(t, "plans/aws-change.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(plan.Redacted)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadPlan(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plan.Counts, again.Counts); diff != "" {
		t.Errorf("-first +again:\n%s", diff)
	}
	for _, part := range []string{"prior_state", "planned_values", "variables", "configuration"} {
		if bytes.Contains(data, []byte(`"`+part+`"`)) {
			t.Errorf("it has %s", part)
		}
	}
}
