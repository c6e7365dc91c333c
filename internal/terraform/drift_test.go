package terraform

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/strata-tf/strata/internal/runner"
)

// told writes all of a drift, a line for each thing: what drifted with its
// values, noise with why, and what else the plan would change.
func told(d *Drift) []string {
	var lines []string
	for _, r := range d.Resources {
		if r.Action == DriftDeleted {
			lines = append(lines, "deleted "+r.Address)
		}
		for _, a := range r.Attributes {
			lines = append(lines, fmt.Sprintf("drift %s %s", r.Address, valueText(a.ValueChange)))
		}
	}
	for _, r := range d.Noise {
		for _, a := range r.Attributes {
			lines = append(lines, fmt.Sprintf("%s %s %s", a.Noise, r.Address, a.Path))
		}
	}
	for _, c := range d.Other {
		line := fmt.Sprintf("other %s %s", c.Action, c.Address)
		if c.From != "" {
			line += " from " + c.From
		}
		if c.Reason != "" {
			line += " since " + c.Reason
		}
		lines = append(lines, line)
		if c.Action == "create" || c.Action == "delete" {
			continue
		}
		for _, a := range c.Attributes {
			lines = append(lines, "other   "+valueText(a))
		}
	}
	for _, o := range d.OtherOutputs {
		lines = append(lines, "output "+valueText(o))
	}
	for i, line := range lines {
		lines[i] = changing.ReplaceAllString(line, "…")
	}
	return lines
}

// changing matches what is another one in each recording.
var changing = regexp.MustCompile(`sg-[0-9a-f]{17}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d{2}-\d{2}T[0-9:]{8}Z`)

func valueText(v ValueChange) string {
	values := fmt.Sprintf("%s -> %s", orNull(v.Before), orNull(v.After))
	if v.Unknown {
		values = fmt.Sprintf("%s -> (unknown)", orNull(v.Before))
	}
	if v.Sensitive {
		values = "(sensitive)"
		if v.Before != nil || v.After != nil {
			values = "A SENSITIVE VALUE IS SHOWN"
		}
	}
	return v.Path + ": " + values
}

func orNull(value json.RawMessage) string {
	if value == nil {
		return "null"
	}
	return string(value)
}

// rule is how a rule of a security group reads.
func rule(port int, addresses string, more ...string) string {
	groups, self := "", "false"
	for _, m := range more {
		if m == "self" {
			self = "true"
		} else {
			groups = `"` + m + `"`
		}
	}
	return fmt.Sprintf(`{"cidr_blocks":[%s],"description":"","from_port":%d,"ipv6_cidr_blocks":[],"prefix_list_ids":[],"protocol":"tcp","security_groups":[%s],"self":%s,"to_port":%d}`,
		addresses, port, groups, self, port)
}

// TestReadDriftRecorded says of each recorded plan, attribute by attribute, what
// is drift and what is none.
func TestReadDriftRecorded(t *testing.T) {
	const (
		inside  = `"10.0.0.0/8"`
		anyone  = `"0.0.0.0/0"`
		extra   = `{"name":"extra","policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Action\":\"*\",\"Effect\":\"Allow\",\"Resource\":\"*\"}]}"}`
		inlined = `{"name":"inline","policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Action\":\"s3:GetObject\",\"Effect\":\"Allow\",\"Resource\":\"*\"}]}"}`
		denies  = `"{\"Statement\":[{\"Action\":\"s3:GetObjectTorrent\",\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}},\"Effect\":\"Deny\",\"Principal\":\"*\",\"Resource\":\"arn:aws:s3:::strata-drift-policy/*\"}],\"Version\":\"2012-10-17\"}"`
		allows  = `"{\"Statement\":[{\"Action\":\"s3:*\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Resource\":\"arn:aws:s3:::strata-drift-policy/*\"}],\"Version\":\"2012-10-17\"}"`
		a, b    = `"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`, `"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"`
		managed = "managed aws_s3_bucket.logs "
	)
	tests := map[string][]string{
		// Nobody touched it.
		"clean": {
			"empty aws_dynamodb_table.locks tags",
			"computed aws_iam_policy.app attachment_count",
			"empty aws_iam_policy.app tags",
			"managed aws_iam_role.app inline_policy",
			"managed aws_iam_role.app managed_policy_arns",
			"empty aws_iam_role.app tags",
			"empty aws_internet_gateway.main tags",
			"managed aws_network_acl.main ingress",
			"empty aws_network_acl.main tags",
			"managed aws_route_table.main route",
			"empty aws_route_table.main tags",
			managed + "lifecycle_rule",
			managed + "policy",
			managed + "server_side_encryption_configuration",
			managed + "versioning[0].enabled",
			"empty aws_s3_bucket_server_side_encryption_configuration.logs rule[0].bucket_key_enabled",
			"empty aws_s3_object.logs metadata",
			"empty aws_s3_object.logs tags",
			"empty aws_security_group.dynamic tags",
			"empty aws_security_group.inline tags",
			"empty aws_security_group.none tags",
			"managed aws_security_group.rules egress",
			"managed aws_security_group.rules ingress",
			"empty aws_security_group.rules tags",
			"managed aws_security_group.twin egress",
			"managed aws_security_group.twin ingress",
			"empty aws_security_group.twin tags",
			"managed aws_sns_topic.events policy",
			"empty aws_sns_topic.events tags",
			"managed aws_sqs_queue.jobs policy",
			"empty aws_sqs_queue.jobs tags",
			"empty aws_ssm_parameter.plain tags",
			"empty aws_ssm_parameter.secure tags",
			"empty aws_vpc.main tags",
			`managed module.inner["a.b"].aws_security_group.inner ingress`,
			`empty module.inner["a.b"].aws_security_group.inner tags`,
		},
		// An attribute that the code ignores is drift, and so is one of which no
		// value may be seen; what reads it changes therefore.
		"parameters": {
			`drift aws_ssm_parameter.ignored insecure_value: "deployed" -> "other"`,
			"drift aws_ssm_parameter.marked insecure_value: (sensitive)",
			`drift aws_ssm_parameter.plain insecure_value: "deployed" -> "other"`,
			"drift aws_ssm_parameter.secure value: (sensitive)",
			"empty aws_ssm_parameter.ignored tags",
			"computed aws_ssm_parameter.ignored version",
			"empty aws_ssm_parameter.marked tags",
			"computed aws_ssm_parameter.marked version",
			"empty aws_ssm_parameter.plain tags",
			"computed aws_ssm_parameter.plain version",
			"empty aws_ssm_parameter.reads_ignored tags",
			"empty aws_ssm_parameter.secure tags",
			"computed aws_ssm_parameter.secure version",
		},
		"ignored": {
			`drift aws_ssm_parameter.ignored insecure_value: "deployed" -> "other"`,
			"empty aws_ssm_parameter.ignored tags",
			"computed aws_ssm_parameter.ignored version",
		},
		// A tag may be called version. With its type the etag of an object is told.
		"bucket": {
			`drift aws_s3_bucket.logs tags.team: "web" -> "someone"`,
			`drift aws_s3_bucket.logs tags.version: null -> "2"`,
			`drift aws_s3_bucket_versioning.logs versioning_configuration[0].status: "Enabled" -> "Suspended"`,
			`drift aws_s3_object.logs content_type: "application/octet-stream" -> "binary/octet-stream"`,
			managed + "policy",
			managed + "server_side_encryption_configuration",
			"mirror aws_s3_bucket.logs tags_all.team",
			"mirror aws_s3_bucket.logs tags_all.version",
			"empty aws_s3_bucket_server_side_encryption_configuration.logs rule[0].bucket_key_enabled",
			"computed aws_s3_object.logs etag",
			"empty aws_s3_object.logs metadata",
			"empty aws_s3_object.logs tags",
			"computed aws_s3_object.logs version_id",
		},
		// Nothing else tells that its body is another one.
		"object": {
			`drift aws_s3_object.logs etag: "75fd989981509958777cdfcdc66e21b5" -> "feca7f0455b7a6ca58a384e20f72e43e"`,
			`drift aws_s3_object.logs version_id: "…" -> "…"`,
			managed + "policy",
			managed + "server_side_encryption_configuration",
			managed + "versioning[0].enabled",
			"empty aws_s3_bucket_server_side_encryption_configuration.logs rule[0].bucket_key_enabled",
			"empty aws_s3_object.logs metadata",
			"empty aws_s3_object.logs tags",
		},
		// The policy drifted where it is managed, and is seen in the bucket too.
		"policy": {
			"drift aws_s3_bucket_policy.logs policy: " + denies + " -> " + allows,
			managed + "policy",
			managed + "server_side_encryption_configuration",
			managed + "versioning[0].enabled",
			"empty aws_s3_bucket_server_side_encryption_configuration.logs rule[0].bucket_key_enabled",
			"empty aws_s3_object.logs metadata",
			"empty aws_s3_object.logs tags",
		},
		// A port that was opened, wherever the rules are in the code.
		"rules": {
			"drift aws_security_group.dynamic ingress: [" + rule(80, inside) + "] -> [" + rule(22, anyone) + "," + rule(80, inside) + "]",
			"drift aws_security_group.inline ingress: [" + rule(443, inside) + "] -> [" + rule(22, anyone) + "," + rule(443, inside) + "]",
			"drift aws_security_group.none ingress: [] -> [" + rule(22, anyone) + "]",
			"drift aws_security_group.rules ingress: [] -> [" + rule(22, anyone) + "," + rule(443, inside+`,"192.168.0.0/16"`, "…", "self") + "," + rule(80, inside) + "]",
			"drift aws_security_group.twin ingress: [] -> [" + rule(443, anyone) + "," + rule(8080, "", "self") + "]",
			"empty aws_security_group.dynamic tags",
			"empty aws_security_group.inline tags",
			"empty aws_security_group.none tags",
			"managed aws_security_group.rules egress",
			"empty aws_security_group.rules tags",
			"managed aws_security_group.twin egress",
			"empty aws_security_group.twin tags",
		},
		"rule-deleted": {
			"deleted aws_vpc_security_group_ingress_rule.http",
			"managed aws_security_group.rules ingress",
		},
		// A policy that no resource of the code manages.
		"role": {
			"drift aws_iam_role.app inline_policy: [] -> [" + extra + "," + inlined + "]",
			"empty aws_iam_role.app tags",
		},
		// What reads the queue's address changes since it is gone, and what reads
		// the time changes each time.
		"deleted": {
			"deleted aws_sqs_queue.jobs",
			"deleted aws_sqs_queue_policy.jobs",
			"empty aws_ssm_parameter.queue tags",
			"empty aws_ssm_parameter.when tags",
			"other update aws_ssm_parameter.when",
			`other   insecure_value: "…" -> (unknown)`,
			"other   value: (sensitive)",
			`output now: "…" -> (unknown)`,
		},
		"order": {
			"drift aws_iam_openid_connect_provider.set thumbprint_list: [" + a + "," + b + "] -> [" + b + "," + a + "]",
			"empty aws_iam_openid_connect_provider.ignored tags",
			"order aws_iam_openid_connect_provider.ignored thumbprint_list",
			"empty aws_iam_openid_connect_provider.set tags",
		},
		// Code that was not applied, beside drift, and over it.
		"pending": {
			`drift aws_ssm_parameter.both insecure_value: "deployed" -> "other"`,
			`drift aws_ssm_parameter.overtaken insecure_value: "deployed" -> "other"`,
			"empty aws_ssm_parameter.both tags",
			"computed aws_ssm_parameter.both version",
			"empty aws_ssm_parameter.new tags",
			"empty aws_ssm_parameter.overtaken tags",
			"computed aws_ssm_parameter.overtaken version",
			"other create aws_ssm_parameter.added",
			"other update aws_ssm_parameter.both",
			`other   description: "" -> "not applied"`,
			"other move aws_ssm_parameter.new from aws_ssm_parameter.old",
			"other update aws_ssm_parameter.overtaken",
			`other   insecure_value: "other" -> "wanted"`,
			"other   value: (sensitive)",
			`output said: "before" -> "after"`,
		},
	}
	files, err := filepath.Glob("testdata/drift/*.json")
	if err != nil || len(files) != len(driftScenarios) || len(tests) != len(driftScenarios) {
		t.Fatalf("%d recorded plans and %d tests of %d scenarios (%v)", len(files), len(tests), len(driftScenarios), err)
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			drift, err := ReadDrift(recorded(t, "drift/"+name+".json"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, told(drift)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if shown := visibleDrift(t, drift); strings.Contains(shown, "planted-") {
				t.Errorf("a secret can be seen:\n%s", shown)
			}
			for _, r := range slices.Concat(drift.Resources, drift.Noise) {
				if r.Mode != "managed" || !strings.Contains(r.Address, r.Type+".") {
					t.Errorf("%s: mode %q, type %q", r.Address, r.Mode, r.Type)
				}
			}
		})
	}
}

// visibleDrift is all of a drift that a report may show, as text.
func visibleDrift(t testing.TB, d *Drift) string {
	t.Helper()
	data, err := json.Marshal([]any{d.Resources, d.Noise, d.Other, d.OtherOutputs})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func readPlanDocument(t *testing.T, name string) *tfjson.Plan {
	t.Helper()
	var plan tfjson.Plan
	plan.UseJSONNumber(true)
	if err := json.Unmarshal(recorded(t, name), &plan); err != nil {
		t.Fatal(err)
	}
	return &plan
}

// TestDriftOfManaged changes each single value of what other resources manage,
// and leaves out each resource that manages something: both is drift.
func TestDriftOfManaged(t *testing.T) {
	managed := make(map[string][]string) // address -> attributes
	before, err := ReadDrift(recorded(t, "drift/clean.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range before.Noise {
		for _, a := range r.Attributes {
			if a.Noise == NoiseManaged {
				attribute, _, _ := strings.Cut(a.Path, "[")
				managed[r.Address] = append(managed[r.Address], attribute)
			}
		}
	}
	changed := 0
	for address, attributes := range managed {
		for _, attribute := range attributes {
			for n := 0; ; n++ {
				plan := readPlanDocument(t, "drift/clean.json")
				var what string
				for _, rc := range plan.ResourceDrift {
					if rc.Address == address {
						fields := rc.Change.After.(map[string]any)
						fields[attribute], what, _ = changeNth(fields[attribute], n)
					}
				}
				if what == "" {
					break
				}
				changed++
				got, err := ReadDrift(planDocument(t, plan), nil)
				if err != nil {
					t.Fatal(err)
				}
				if !isTold(got, address, attribute) {
					t.Errorf("%s %s: %s is no drift", address, attribute, what)
				}
			}
		}
	}
	if changed < 60 {
		t.Errorf("only %d values were changed", changed)
	}

	left := 0
	plan := readPlanDocument(t, "drift/clean.json")
	for i, rc := range plan.ResourceChanges {
		without := *plan
		without.ResourceChanges = slices.Delete(slices.Clone(plan.ResourceChanges), i, i+1)
		got, err := ReadDrift(planDocument(t, &without), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, isParent := managed[rc.Address]; !isParent && len(got.Resources) > 0 {
			left++
		}
	}
	// Each but the bucket's object, and the parts of which nothing is managed.
	if left != 18 {
		t.Errorf("%d resources were missed", left)
	}
}

func isTold(d *Drift, address, attribute string) bool {
	return slices.ContainsFunc(d.Resources, func(r DriftedResource) bool {
		return r.Address == address && slices.ContainsFunc(r.Attributes, func(a DriftedAttribute) bool { return within(a.Path, attribute) })
	})
}

// changeNth changes the nth single value within a value.
func changeNth(value any, n int) (changed any, what string, left int) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			if v[key], what, n = changeNth(v[key], n); what != "" {
				return v, key + " " + what, n
			}
		}
	case []any:
		for i := range v {
			if v[i], what, n = changeNth(v[i], n); what != "" {
				return v, fmt.Sprint(i, " ", what), n
			}
		}
	case nil:
	default:
		if v == true { // of what is off now, who manages it tells
			return v, "", n
		}
		if n > 0 {
			return v, "", n - 1
		}
		switch v := v.(type) {
		case string:
			return "someone's", v, 0
		case bool:
			return !v, fmt.Sprint(v), 0
		case json.Number:
			return json.Number("4711"), v.String(), 0
		}
	}
	return value, "", n
}

// driftPlan is a plan in which one resource, x_y.z, has another value now. What
// the plan would do is set by with.
func driftPlan(before, after map[string]any, with ...func(*tfjson.Plan)) *tfjson.Plan {
	p := &tfjson.Plan{
		Config: &tfjson.Config{RootModule: &tfjson.ConfigModule{Resources: []*tfjson.ConfigResource{{
			Address: "x_y.z", Mode: tfjson.ManagedResourceMode, Type: "x_y", Name: "z", Expressions: map[string]*tfjson.Expression{},
		}}}},
		ResourceDrift: []*tfjson.ResourceChange{resource("z", tfjson.ActionUpdate, before, after)},
	}
	p.ResourceChanges = []*tfjson.ResourceChange{resource("z", tfjson.ActionNoop, after, after)}
	for _, f := range with {
		f(p)
	}
	return p
}

func resource(name string, action tfjson.Action, before, after any) *tfjson.ResourceChange {
	actions := tfjson.Actions{action}
	if action == "replace" {
		actions = tfjson.Actions{tfjson.ActionDelete, tfjson.ActionCreate}
	}
	return &tfjson.ResourceChange{
		Address: "x_y." + name, Mode: tfjson.ManagedResourceMode, Type: "x_y", Name: name,
		Change: &tfjson.Change{Actions: actions, Before: before, After: after},
	}
}

func refers(references ...string) *tfjson.Expression {
	return &tfjson.Expression{ExpressionData: &tfjson.ExpressionData{References: references}}
}

func constant(value any) *tfjson.Expression {
	return &tfjson.Expression{ExpressionData: &tfjson.ExpressionData{ConstantValue: value}}
}

// sets makes the code set attributes of x_y.z.
func sets(expressions map[string]*tfjson.Expression) func(*tfjson.Plan) {
	return func(p *tfjson.Plan) { p.Config.RootModule.Resources[0].Expressions = expressions }
}

// plans makes the plan set attributes of x_y.z.
func plans(after map[string]any, unknown ...string) func(*tfjson.Plan) {
	return func(p *tfjson.Plan) {
		now := p.ResourceDrift[0].Change.After.(map[string]any)
		planned, later := make(map[string]any), make(map[string]any)
		for key, value := range now {
			planned[key] = value
		}
		for key, value := range after {
			planned[key] = value
		}
		for _, key := range unknown {
			delete(planned, key)
			later[key] = true
		}
		p.ResourceChanges[0] = resource("z", tfjson.ActionUpdate, now, planned)
		p.ResourceChanges[0].Change.AfterUnknown = later
	}
}

// reads adds a resource whose attribute value refers to something, and changes.
func reads(name string, before, after any, unknown bool, references ...string) func(*tfjson.Plan) {
	return func(p *tfjson.Plan) {
		rc := resource(name, tfjson.ActionUpdate, map[string]any{"value": before}, map[string]any{"value": after})
		if unknown {
			rc.Change.AfterUnknown = map[string]any{"value": true}
		}
		p.ResourceChanges = append(p.ResourceChanges, rc)
		p.Config.RootModule.Resources = append(p.Config.RootModule.Resources, &tfjson.ConfigResource{
			Address: rc.Address, Mode: rc.Mode, Type: rc.Type, Name: name, Expressions: map[string]*tfjson.Expression{"value": refers(references...)},
		})
	}
}

type values = map[string]any

// TestDriftRules are the cases that no recording has.
func TestDriftRules(t *testing.T) {
	one := values{"a": "was", "id": "i"}
	two := values{"a": "is", "id": "i"}
	for name, test := range map[string]struct {
		plan *tfjson.Plan
		want []string
	}{
		"not set by the code, and left there by the plan": {driftPlan(one, two), []string{`drift x_y.z a: "was" -> "is"`}},
		"without a configuration":                         {driftPlan(one, two, func(p *tfjson.Plan) { p.Config = nil }), []string{`drift x_y.z a: "was" -> "is"`}},
		"set back":                                        {driftPlan(one, two, plans(one)), []string{`drift x_y.z a: "was" -> "is"`}},
		"empty, all forms": {
			driftPlan(values{"a": nil, "b": values{}, "c": []any{}, "d": "", "e": values{"f": nil}}, values{"a": "", "b": nil, "c": "", "d": []any{}, "e": values{"f": []any{}}}),
			[]string{"empty x_y.z a", "empty x_y.z b", "empty x_y.z c", "empty x_y.z d", "empty x_y.z e.f"},
		},
		"what is none of them": {
			driftPlan(values{"a": nil, "b": nil, "c": []any{}, "d": nil}, values{"a": 0, "b": "x", "c": []any{""}, "d": true}),
			[]string{"drift x_y.z a: null -> 0", `drift x_y.z b: null -> "x"`, `drift x_y.z c: [] -> [""]`, "drift x_y.z d: null -> true"},
		},
		"false where there was nothing": {driftPlan(values{"a": nil}, values{"a": false}), []string{"empty x_y.z a"}},
		"false, of what the code sets": {
			driftPlan(values{"a": nil}, values{"a": false}, sets(map[string]*tfjson.Expression{"a": constant(true)})), []string{"drift x_y.z a: null -> false"},
		},
		"false, where it was true": {driftPlan(values{"a": true}, values{"a": false}), []string{"drift x_y.z a: true -> false"}},
		"an element that is gone, and one in another place": {
			driftPlan(values{"a": []any{"x", "y", "z"}, "b": []any{"x", "y"}}, values{"a": []any{"z", "x"}, "b": []any{"y", "x"}}),
			[]string{`drift x_y.z a: ["x","y","z"] -> ["z","x"]`, "order x_y.z b"},
		},
		"twice the same element": {driftPlan(values{"a": []any{"x", "x", "y"}}, values{"a": []any{"x", "y", "y"}}), []string{`drift x_y.z a[1]: "x" -> "y"`}},
		"blocks in another order": {
			driftPlan(values{"a": []any{values{"n": 1, "l": []any{"x", "y"}}, values{"n": 2}}}, values{"a": []any{values{"n": 2, "m": nil}, values{"n": 1, "l": []any{"y", "x"}}}}),
			[]string{"order x_y.z a"},
		},
		"one block of two": {
			driftPlan(values{"a": []any{values{"n": 1}, values{"n": 2, "m": "x"}}}, values{"a": []any{values{"n": 1}, values{"n": 2, "m": "y"}}}),
			[]string{`drift x_y.z a[1].m: "x" -> "y"`},
		},
		"JSON text in another form": {
			driftPlan(values{"a": `{"b": ["x", "y"], "c": false}`}, values{"a": `{"c":false,"b":["y","x"]}`}), []string{"order x_y.z a"},
		},
		"JSON text of another meaning": {
			driftPlan(values{"a": `{"b":1,"c":false}`, "d": `[1]`}, values{"a": `{"b":1}`, "d": `["1"]`}),
			[]string{`drift x_y.z a: "{\"b\":1,\"c\":false}" -> "{\"b\":1}"`, `drift x_y.z d: "[1]" -> "[\"1\"]"`},
		},
		"JSON text that the plan sets back": {
			driftPlan(values{"a": `["x","y"]`}, values{"a": `["y","x"]`}, plans(values{"a": `["x","y"]`})), []string{`drift x_y.z a: "[\"x\",\"y\"]" -> "[\"y\",\"x\"]"`},
		},
		"a tag of the provider's own that is gone": {
			driftPlan(values{"tags": values{"a": "1"}, "tags_all": values{"a": "1", "own": "x"}}, values{"tags": values{"a": "2"}, "tags_all": values{"a": "2"}}),
			[]string{`drift x_y.z tags.a: "1" -> "2"`, `drift x_y.z tags_all.own: "x" -> null`, "mirror x_y.z tags_all.a"},
		},
		"labels": {
			driftPlan(values{"labels": nil, "effective_labels": nil}, values{"labels": values{"a": "b"}, "effective_labels": values{"a": "b", "c": "d"}}),
			[]string{`drift x_y.z effective_labels.c: null -> "d"`, `drift x_y.z labels.a: null -> "b"`, "mirror x_y.z effective_labels.a"},
		},
		"what moves by itself": {
			driftPlan(
				values{"latest_restorable_time": "2024-05-01T10:00:00Z", "updated_at": json.Number("1700000000"), "last_modified": "Mon, 02 Jan 2006 15:04:05 GMT", "s": []any{values{"status": "ACTIVE", "last_modified": ""}}, "status": "PENDING", "item_count": 1},
				values{"latest_restorable_time": "2024-05-02T10:00:00Z", "updated_at": json.Number("1700000001"), "last_modified": "Tue, 03 Jan 2006 15:04:05 GMT", "s": []any{values{"status": "UPDATING", "last_modified": "2024-05-01T00:00:00.000+0000"}}, "status": "ISSUED", "item_count": 2},
			),
			[]string{
				"computed x_y.z item_count", "computed x_y.z last_modified", "computed x_y.z latest_restorable_time",
				"computed x_y.z s[0].last_modified", "computed x_y.z s[0].status", "computed x_y.z status", "computed x_y.z updated_at",
			},
		},
		"what only sounds so": {
			driftPlan(
				values{"wait_time": 5, "lifetime": "2024-05-01", "key_state": "Enabled", "map": values{"status": "a"}, "end_date": "2024-05-01"},
				values{"wait_time": 9, "lifetime": "2024-05-02", "key_state": "Disabled", "map": values{"status": "b"}, "end_date": nil},
			),
			[]string{
				`drift x_y.z end_date: "2024-05-01" -> null`, `drift x_y.z key_state: "Enabled" -> "Disabled"`, `drift x_y.z lifetime: "2024-05-01" -> "2024-05-02"`,
				`drift x_y.z map.status: "a" -> "b"`, "drift x_y.z wait_time: 5 -> 9",
			},
		},
		"what moves by itself, but is set": {
			driftPlan(values{"status": "on", "s": []any{values{"status": "on"}}}, values{"status": "off", "s": []any{values{"status": "off"}}},
				sets(map[string]*tfjson.Expression{"status": constant("on"), "s": {ExpressionData: &tfjson.ExpressionData{NestedBlocks: []map[string]*tfjson.Expression{{"status": constant("on")}}}}})),
			[]string{`drift x_y.z s[0].status: "on" -> "off"`, `drift x_y.z status: "on" -> "off"`},
		},
		"what moves by itself, in a block of which it is not set": {
			driftPlan(values{"s": []any{values{"status": "on"}}}, values{"s": []any{values{"status": "off"}}},
				sets(map[string]*tfjson.Expression{"s": {ExpressionData: &tfjson.ExpressionData{NestedBlocks: []map[string]*tfjson.Expression{{"name": constant("n")}}}}})),
			[]string{"computed x_y.z s[0].status"},
		},
		"what moves by itself, but is set back": {
			driftPlan(values{"status": "on"}, values{"status": "off"}, plans(values{"status": "on"})), []string{`drift x_y.z status: "on" -> "off"`},
		},
		"marks, of a change that is told": {
			driftPlan(values{"etag": "a", "version": 1, "value": "x"}, values{"etag": "b", "version": 2, "value": "y"}, plans(values{"value": "x"}, "etag", "version")),
			[]string{`drift x_y.z value: "x" -> "y"`, "computed x_y.z etag", "computed x_y.z version"},
		},
		"marks, of nothing else": {
			driftPlan(values{"etag": "a", "tags": nil}, values{"etag": "b", "tags": values{}}), []string{`drift x_y.z etag: "a" -> "b"`, "empty x_y.z tags"},
		},
		"a version that is no mark": {
			driftPlan(values{"version": "1.28", "value": "x"}, values{"version": "1.29", "value": "y"}), []string{`drift x_y.z value: "x" -> "y"`, `drift x_y.z version: "1.28" -> "1.29"`},
		},
		"a data source": {
			driftPlan(one, two, func(p *tfjson.Plan) {
				p.ResourceDrift[0].Mode, p.ResourceDrift[0].Address = tfjson.DataResourceMode, "data.x_y.z"
			}), nil,
		},
		"moved, and no more": {
			driftPlan(one, one, func(p *tfjson.Plan) {
				p.ResourceDrift[0].Change.Actions = tfjson.Actions{tfjson.ActionNoop}
				p.ResourceDrift[0].PreviousAddress, p.ResourceChanges[0].PreviousAddress = "x_y.old", "x_y.old"
			}),
			[]string{"other move x_y.z from x_y.old"},
		},
		"moved, and drifted": {
			driftPlan(one, two, plans(one), func(p *tfjson.Plan) {
				p.ResourceDrift[0].PreviousAddress, p.ResourceChanges[0].PreviousAddress = "x_y.old", "x_y.old"
			}),
			[]string{`drift x_y.z a: "was" -> "is"`, "other move x_y.z from x_y.old"},
		},
		"imported and forgotten": {
			driftPlan(one, one, func(p *tfjson.Plan) {
				imported := resource("i", tfjson.ActionNoop, one, one)
				imported.Change.Importing = &tfjson.Importing{ID: "i"}
				p.ResourceChanges = append(p.ResourceChanges, imported, resource("f", tfjson.ActionForget, one, nil))
			}),
			[]string{"other import x_y.i", "other forget x_y.f"},
		},
		"a deposed object": {
			driftPlan(one, two, plans(one), func(p *tfjson.Plan) {
				deposed := resource("z", tfjson.ActionDelete, one, nil)
				deposed.DeposedKey = "00000001"
				p.ResourceChanges = append(p.ResourceChanges, deposed)
			}),
			[]string{`drift x_y.z a: "was" -> "is"`, "other delete x_y.z"},
		},
		"tainted": {
			driftPlan(one, two, func(p *tfjson.Plan) {
				p.ResourceChanges[0] = resource("z", "replace", two, one)
				p.ResourceChanges[0].ActionReason = tfjson.ActionReasonReplaceBecauseTainted
			}),
			[]string{`drift x_y.z a: "was" -> "is"`, "other replace x_y.z since it is tainted"},
		},
		"replaced since it drifted": {
			driftPlan(one, two, func(p *tfjson.Plan) {
				p.ResourceChanges[0] = resource("z", "replace", two, values{"a": "was"})
				p.ResourceChanges[0].Change.AfterUnknown = values{"id": true}
			}, reads("reads", "i", nil, true, "x_y.z.id", "x_y.z")),
			[]string{`drift x_y.z a: "was" -> "is"`},
		},
		"replaced for another reason": {
			driftPlan(values{"tags": nil, "id": "i"}, values{"tags": values{}, "id": "i"}, func(p *tfjson.Plan) {
				p.ResourceChanges[0] = resource("z", "replace", values{"tags": values{}, "id": "i"}, values{"tags": values{}})
				p.ResourceChanges[0].Change.AfterUnknown = values{"id": true}
				p.ResourceChanges[0].ActionReason = tfjson.ActionReasonReplaceByTriggers
			}),
			[]string{"empty x_y.z tags", "other replace x_y.z since replace_triggered_by", `other   id: "i" -> (unknown)`},
		},
		"what is read later": {
			driftPlan(one, two, plans(one), func(p *tfjson.Plan) {
				for name, reason := range map[string]tfjson.ActionReason{"a_check": tfjson.ActionReasonReadBecauseCheckNested, "later": tfjson.ActionReasonReadBecauseDependencyPending} {
					rc := resource(name, tfjson.ActionRead, nil, values{"q": "q"})
					rc.Address, rc.Mode, rc.ActionReason = "data."+rc.Address, tfjson.DataResourceMode, reason
					p.ResourceChanges = append(p.ResourceChanges, rc)
				}
				p.Config.RootModule.Resources = append(p.Config.RootModule.Resources, &tfjson.ConfigResource{
					Mode: tfjson.DataResourceMode, Type: "x_y", Name: "later", DependsOn: []string{"x_y.z"},
				})
			}, reads("reads", "a", nil, true, "data.x_y.later.out", "data.x_y.later")),
			[]string{`drift x_y.z a: "was" -> "is"`},
		},
		"what is read later for no such reason": {
			driftPlan(one, one, func(p *tfjson.Plan) {
				rc := resource("later", tfjson.ActionRead, nil, values{"q": "q"})
				rc.Address, rc.Mode = "data."+rc.Address, tfjson.DataResourceMode
				p.ResourceChanges = append(p.ResourceChanges, rc)
			}),
			[]string{"other read data.x_y.later", `other   q: null -> "q"`},
		},
		"a data source that reads something else": {
			driftPlan(one, one, reads("reads", "a", "b", false, "data.x_y.d.out", "data.x_y.d"), func(p *tfjson.Plan) {
				p.Config.RootModule.Resources = append(p.Config.RootModule.Resources, &tfjson.ConfigResource{Mode: tfjson.DataResourceMode, Type: "x_y", Name: "d"})
			}),
			[]string{"other update x_y.reads", `other   value: "a" -> "b"`},
		},
		"an attribute that did not drift is read": {
			driftPlan(one, two, plans(one), reads("reads", "a", "b", false, "x_y.z.name", "x_y.z")),
			[]string{`drift x_y.z a: "was" -> "is"`, "other update x_y.reads", `other   value: "a" -> "b"`},
		},
		"read by way of another resource": {
			driftPlan(one, two, reads("reads", "was", "is", false, "x_y.z.a", "x_y.z"), reads("further", "was+", "is+", false, "x_y.reads.value", "x_y.reads")),
			[]string{`drift x_y.z a: "was" -> "is"`},
		},
		"read in a circle": {
			driftPlan(one, one, reads("b", "x", "y", false, "x_y.c.value", "x_y.c"), reads("c", "x", "y", false, "x_y.b.value", "x_y.b")),
			[]string{"other update x_y.b", `other   value: "x" -> "y"`, "other update x_y.c", `other   value: "x" -> "y"`},
		},
		"read by way of a local value": {
			driftPlan(one, two, reads("reads", "was", "is", false, "local.a"), reads("more", "at was", "at is", false, "local.a"), reads("direct", "was", "is", false, "var.a")),
			[]string{
				`drift x_y.z a: "was" -> "is"`, "other update x_y.more", `other   value: "at was" -> "at is"`, "other update x_y.direct", `other   value: "was" -> "is"`,
			},
		},
		"for_each over what drifted": {
			driftPlan(one, two, func(p *tfjson.Plan) {
				p.ResourceChanges = append(p.ResourceChanges, resource("each", tfjson.ActionCreate, nil, one), resource("other", tfjson.ActionDelete, one, nil))
				p.Config.RootModule.Resources = append(p.Config.RootModule.Resources, &tfjson.ConfigResource{
					Mode: tfjson.ManagedResourceMode, Type: "x_y", Name: "each", ForEachExpression: refers("x_y.z.a", "x_y.z"),
				})
			}, reads("value", "1", "2", false, "each.value"), reads("values", "1", "2", false, "each.value"), func(p *tfjson.Plan) {
				p.Config.RootModule.Resources[2].ForEachExpression = refers("x_y.z.a", "x_y.z")
				p.Config.RootModule.Resources[3].ForEachExpression = refers("x_y.z.b", "x_y.z")
			}),
			[]string{`drift x_y.z a: "was" -> "is"`, "other delete x_y.other", "other update x_y.values", `other   value: "1" -> "2"`},
		},
		"through modules": {
			driftPlan(one, two, plans(one), func(p *tfjson.Plan) {
				p.ResourceDrift[0].Address, p.ResourceChanges[0].Address = `module.a["x.y[\"]"].x_y.z`, `module.a["x.y[\"]"].x_y.z`
				p.ResourceDrift[0].ModuleAddress, p.ResourceChanges[0].ModuleAddress = `module.a["x.y[\"]"]`, `module.a["x.y[\"]"]`
				p.ResourceDrift[0].Change.Before = values{"a": "was", "id": "i", "status": "on"}
				reader := resource("r", tfjson.ActionUpdate, values{"v": "1"}, values{"v": "2"})
				reader.Address, reader.ModuleAddress = "module.b.module.c[0].x_y.r", "module.b.module.c[0]"
				p.ResourceChanges = append(p.ResourceChanges, reader)
				p.Config.RootModule = &tfjson.ConfigModule{ModuleCalls: map[string]*tfjson.ModuleCall{
					"a": {Module: &tfjson.ConfigModule{
						Resources: p.Config.RootModule.Resources,
						Outputs:   map[string]*tfjson.ConfigOutput{"a": {Expression: refers("x_y.z.a", "x_y.z")}, "b": {Expression: refers("x_y.z.b", "x_y.z")}},
					}},
					"b": {
						Expressions: map[string]*tfjson.Expression{"in": refers(`module.a["x"].a`, `module.a["x"]`, "module.a")},
						Module: &tfjson.ConfigModule{ModuleCalls: map[string]*tfjson.ModuleCall{"c": {
							Expressions: map[string]*tfjson.Expression{"in": refers("var.in")},
							Module: &tfjson.ConfigModule{Resources: []*tfjson.ConfigResource{{
								Mode: tfjson.ManagedResourceMode, Type: "x_y", Name: "r", Expressions: map[string]*tfjson.Expression{"v": refers("var.in")},
							}}},
						}}},
					},
				}}
			}),
			[]string{`drift module.a["x.y[\"]"].x_y.z a: "was" -> "is"`, `computed module.a["x.y[\"]"].x_y.z status`},
		},
		"outputs": {
			driftPlan(one, two, func(p *tfjson.Plan) {
				output := func(before, after any, unknown bool, e *tfjson.Expression) {
					name := fmt.Sprint("o", len(p.OutputChanges))
					p.OutputChanges[name] = &tfjson.Change{Actions: tfjson.Actions{tfjson.ActionUpdate}, Before: before, After: after, AfterUnknown: unknown}
					p.Config.RootModule.Outputs[name] = &tfjson.ConfigOutput{Expression: e}
				}
				p.OutputChanges, p.Config.RootModule.Outputs = make(map[string]*tfjson.Change), make(map[string]*tfjson.ConfigOutput)
				output("was", "is", false, refers("x_y.z.a", "x_y.z"))
				output("x", "y", false, constant("y"))
				output(nil, nil, false, constant(nil))
				output("x", nil, true, refers("local.t"))
				p.OutputChanges["removed"] = &tfjson.Change{Actions: tfjson.Actions{tfjson.ActionDelete}, Before: "x"}
				p.OutputChanges["secret"] = &tfjson.Change{Actions: tfjson.Actions{tfjson.ActionUpdate}, Before: "planted-1", After: "planted-2", BeforeSensitive: true, AfterSensitive: true}
				p.OutputChanges["nothing"] = nil
			}),
			[]string{`drift x_y.z a: "was" -> "is"`, `output o1: "x" -> "y"`, `output o3: "x" -> (unknown)`, `output removed: "x" -> null`, "output secret: (sensitive)"},
		},
		"an unknown value now": {
			driftPlan(one, values{"id": "i"}, func(p *tfjson.Plan) { p.ResourceDrift[0].Change.AfterUnknown = values{"a": true} }),
			[]string{`drift x_y.z a: "was" -> (unknown)`},
		},
		"entries that say nothing": {
			driftPlan(one, two, func(p *tfjson.Plan) {
				p.ResourceDrift = append(p.ResourceDrift, nil, &tfjson.ResourceChange{Address: "a"})
				p.ResourceChanges = append(p.ResourceChanges, nil, &tfjson.ResourceChange{Address: "a"})
				p.Config.RootModule.Resources = append(p.Config.RootModule.Resources, nil)
				p.Config.RootModule.ModuleCalls = map[string]*tfjson.ModuleCall{"a": nil, "b": {}}
			}),
			[]string{`drift x_y.z a: "was" -> "is"`},
		},
		"sensitive": {
			driftPlan(
				values{"a": values{"k": "planted-a"}, "b": []any{values{"s": "planted-b", "n": 1}}, "c": nil, "d": "planted-a in text"},
				values{"a": values{"k": "planted-c"}, "b": []any{values{"s": "planted-b", "n": 1}, values{"s": "planted-d", "n": 2}}, "c": "", "d": "planted-c in text"},
				func(p *tfjson.Plan) {
					c := p.ResourceDrift[0].Change
					c.BeforeSensitive = values{"a": true, "b": []any{values{"s": true}}, "c": true}
					c.AfterSensitive = values{"a": values{"k": true}, "b": []any{values{"s": true}, values{"s": true}}, "c": true}
				}),
			[]string{
				"drift x_y.z a: (sensitive)", `drift x_y.z b: [{"n":1,"s":"(sensitive)"}] -> [{"n":1,"s":"(sensitive)"},{"n":2,"s":"(sensitive)"}]`,
				`drift x_y.z d: "(secret) in text" -> "(secret) in text"`, "empty x_y.z c",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			drift, err := ReadDrift(planDocument(t, test.plan), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, told(drift)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestDriftManagedRules: what explains a part of another resource, and what does
// not.
func TestDriftManagedRules(t *testing.T) {
	type child struct {
		kind     string
		now, was values // was is nil where it is as deployed
	}
	for name, test := range map[string]struct {
		before, after any
		children      []child
		want          bool
	}{
		"no child":           {"", "p", nil, false},
		"its value":          {"", "p", []child{{"x_policy", values{"y": "id-1", "policy": "p"}, nil}}, true},
		"by its arn":         {"", "p", []child{{"x_policy", values{"arn": "arn-1", "policy": "p"}, nil}}, true},
		"another's child":    {"", "p", []child{{"x_policy", values{"y": "id-2", "policy": "p"}, nil}}, false},
		"only its own name":  {"", "p", []child{{"x_policy", values{"id": "id-1", "policy": "p"}, nil}}, false},
		"another value":      {"", "q", []child{{"x_policy", values{"y": "id-1", "policy": "p"}, nil}}, false},
		"in place of one":    {"default", "p", []child{{"x_policy", values{"y": "id-1", "policy": "p"}, nil}}, true},
		"in another form":    {"", `{"a":1,"b":2}`, []child{{"x_policy", values{"y": "id-1", "policy": `{"b": 2, "a": 1}`}, nil}}, true},
		"gone":               {"p", "", []child{{"x_policy", values{"y": "id-1", "policy": "p"}, nil}}, false},
		"gone with the rest": {"p", "", []child{{"x_policy", nil, values{"y": "id-1", "policy": "p"}}}, true},
		"gone from there":    {"p", "", []child{{"x_policy", values{"y": "id-1", "policy": "q"}, values{"y": "id-1", "policy": "p"}}}, true},
		"zero of nothing":    {nil, json.Number("0"), []child{{"x_policy", values{"y": "id-1", "policy": "p"}, nil}}, false},
		"switched off": {
			[]any{values{"enabled": true}}, []any{values{"enabled": false}}, []child{{"x_other", values{"y": "id-1", "a": "b"}, nil}}, false,
		},
		"switched on, as a word": {
			[]any{values{"enabled": false}}, []any{values{"enabled": true}}, []child{{"x_policy", values{"y": "id-1", "a": []any{values{"s": "Enabled"}}}, nil}}, true,
		},
		"switched on, as a word for something else": {
			[]any{values{"enabled": false}}, []any{values{"enabled": true}}, []child{{"x_other", values{"y": "id-1", "a": []any{values{"s": "Enabled"}}}, nil}}, false,
		},
		"switched off beside what it manages": {
			[]any{values{"n": "a", "guard": true}}, []any{values{"n": "b", "guard": false}}, []child{{"x_other", values{"y": "id-1", "n": "b"}, nil}}, false,
		},
		"switched off where it knows of it": {
			[]any{values{"n": "a", "guard": true}}, []any{values{"n": "b", "guard": false}}, []child{{"x_other", values{"y": "id-1", "n": "b", "guard": nil}, nil}}, true,
		},
		"switched on, as another switch": {
			false, true, []child{{"x_other", values{"y": "id-1", "force": true}, nil}}, false,
		},
		"a number by chance": {json.Number("1"), json.Number("5"), []child{{"x_other", values{"y": "id-1", "n": 5}, nil}}, false},
		"a word by chance":   {"private", "public", []child{{"x_other", values{"y": "id-1", "n": "public"}, nil}}, false},
		"a name":             {[]any{}, []any{"arn:x:y"}, []child{{"x_other", values{"y": "id-1", "n": "arn:x:y:z"}, nil}}, false},
		"an id":              {[]any{}, []any{"arn:x:y:z"}, []child{{"x_other", values{"y": "id-1", "n": "arn:x:y:z"}, nil}}, true},
		"one of two": {
			[]any{}, []any{values{"n": "a"}, values{"n": "b"}}, []child{{"x_other", values{"y": "id-1", "n": "a"}, nil}}, false,
		},
		"two of two": {
			[]any{}, []any{values{"n": "a"}, values{"n": "b"}},
			[]child{{"x_other", values{"y": "id-1", "n": "a"}, nil}, {"x_other", values{"y": "id-1", "n": "b"}, nil}}, true,
		},
		"together in one": {
			[]any{}, []any{values{"port": 1, "from": []any{"a", "b"}}},
			[]child{{"x_other", values{"y": "id-1", "port": 1, "cidr": "a"}, nil}, {"x_other", values{"y": "id-1", "port": 1, "cidr": "b"}, nil}}, true,
		},
		"the one's port with the other's address": {
			[]any{}, []any{values{"port": 1, "from": []any{"a", "b"}}},
			[]child{{"x_other", values{"y": "id-1", "port": 1, "cidr": "a"}, nil}, {"x_other", values{"y": "id-1", "port": 2, "cidr": "b"}, nil}}, false,
		},
		"what was there stays": {
			[]any{values{"n": "old"}}, []any{values{"n": "a"}, values{"n": "old"}}, []child{{"x_other", values{"y": "id-1", "n": "a"}, nil}}, true,
		},
		"what was there is gone": {
			[]any{values{"n": "old"}, values{"n": "older"}}, []any{values{"n": "a"}, values{"n": "old"}}, []child{{"x_other", values{"y": "id-1", "n": "a"}, nil}}, false,
		},
		"the other direction": {
			[]any{}, []any{values{"n": "a"}}, []child{{"x_twin_rule", values{"y": "id-1", "n": "a"}, nil}}, false,
		},
		"the other direction, as a value": {
			[]any{}, []any{values{"n": "a"}}, []child{{"x_rule", values{"y": "id-1", "n": "a", "type": "twin"}, nil}}, false,
		},
		"the other direction, as a switch": {
			[]any{}, []any{values{"n": "a"}}, []child{{"x_rule", values{"y": "id-1", "n": "a", "policy": false}, nil}}, false,
		},
		"this direction, as a switch": {
			[]any{}, []any{values{"n": "a"}}, []child{{"x_rule", values{"y": "id-1", "n": "a", "policy": true}, nil}}, true,
		},
		"itself": {
			[]any{}, []any{values{"port": 1, "self": true}}, []child{{"x_rule", values{"y": "id-1", "port": 1, "from_group": "id-1"}, nil}}, true,
		},
		"itself, which it is not": {
			[]any{}, []any{values{"port": 1, "self": true}}, []child{{"x_rule", values{"y": "id-1", "port": 1, "from_group": "id-2"}, nil}}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			parent := func(value any) values {
				return values{"id": "id-1", "arn": "arn-1", "policy": value, "twin": []any{values{"n": "x"}}}
			}
			plan := driftPlan(parent(test.before), parent(test.after), func(p *tfjson.Plan) {
				for i, c := range test.children {
					rc := resource(fmt.Sprint("c", i), tfjson.ActionNoop, c.now, c.now)
					rc.Type = c.kind
					if c.now == nil {
						rc.Change = &tfjson.Change{Actions: tfjson.Actions{tfjson.ActionCreate}, After: c.was}
					}
					p.ResourceChanges = append(p.ResourceChanges, rc)
					if c.was == nil {
						continue
					}
					d := *rc
					d.Change = &tfjson.Change{Actions: tfjson.Actions{tfjson.ActionUpdate}, Before: c.was, After: c.now}
					if c.now == nil {
						d.Change = &tfjson.Change{Actions: tfjson.Actions{tfjson.ActionDelete}, Before: c.was}
					}
					p.ResourceDrift = append(p.ResourceDrift, &d)
				}
			})
			drift, err := ReadDrift(planDocument(t, plan), nil)
			if err != nil {
				t.Fatal(err)
			}
			managed := slices.ContainsFunc(drift.Noise, func(r DriftedResource) bool {
				return r.Address == "x_y.z" && r.Attributes[0].Noise == NoiseManaged
			})
			if managed != test.want {
				t.Errorf("managed: %v\n%s", managed, strings.Join(told(drift), "\n"))
			}
		})
	}
}

// TestDriftGivenSecrets: what was given as a secret is nowhere, addresses
// included.
func TestDriftGivenSecrets(t *testing.T) {
	plan := driftPlan(
		values{"a": "x", "given-secret": "1"}, values{"a": "given-secret", "given-secret": "2"},
		func(p *tfjson.Plan) {
			for _, rc := range []*tfjson.ResourceChange{p.ResourceDrift[0], p.ResourceChanges[0]} {
				rc.Address = `x_y.z["given-secret"]`
			}
			deleted := resource(`d["given-secret"]`, tfjson.ActionDelete, values{"a": "given-secret"}, nil)
			deleted.PreviousAddress = `x_y.e["given-secret"]`
			p.ResourceChanges = append(p.ResourceChanges, deleted)
		})
	drift, err := ReadDrift(planDocument(t, plan), runner.NewScrubber("given-secret"))
	if err != nil {
		t.Fatal(err)
	}
	if shown := visibleDrift(t, drift); strings.Contains(shown, "given-secret") {
		t.Errorf("a secret can be seen:\n%s", shown)
	}
	if got := drift.Resources[0].Address; got != `x_y.z["(secret)"]` {
		t.Errorf("address: %s", got)
	}
}

// TestDriftRedaction plants secrets all over generated plans, as TestRedaction
// does, also in what a refresh found.
func TestDriftRedaction(t *testing.T) {
	told := 0
	for seed := range uint64(200) {
		g := &planMaker{Rand: rand.New(rand.NewPCG(seed, 11))}
		document := g.plan()
		for i, rc := range document.ResourceChanges {
			if g.IntN(4) == 0 {
				continue
			}
			found := *rc
			found.Change = g.change()
			if found.Change.Actions = (tfjson.Actions{tfjson.ActionUpdate}); i%3 == 2 {
				found.Change.Actions = tfjson.Actions{tfjson.ActionDelete}
			}
			document.ResourceDrift = append(document.ResourceDrift, &found)
		}
		data := planDocument(t, document)
		drift, err := ReadDrift(data, runner.NewScrubber(g.given...))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		told += len(drift.Resources)
		text := visibleDrift(t, drift)
		for _, secret := range slices.Concat(g.masked, g.given, g.elsewhere) {
			if strings.Contains(text, secret) {
				t.Fatalf("seed %d: %q can be seen\nin %s\nof %s", seed, secret, text, data)
			}
			if len(g.masked) > 0 && strings.Contains(drift.Scrub.Text(g.masked[0]), g.masked[0]) {
				t.Fatalf("seed %d: the drift's scrubber does not know %q", seed, g.masked[0])
			}
		}
	}
	if told < 100 {
		t.Errorf("only %d resources drifted", told)
	}
}

func TestReadDriftErrors(t *testing.T) {
	for name, data := range map[string]string{
		"empty": "", "no JSON": "Error: no such file", "a later format": `{"format_version": "2.0"}`, "a list": `[]`,
		"a wrong type": `{"format_version": "1.2", "resource_drift": {}}`,
	} {
		drift, err := ReadDrift([]byte(data), nil)
		if err == nil || !strings.HasPrefix(err.Error(), "read `show -json`: ") || drift != nil {
			t.Errorf("%s: %v, %v", name, drift, err)
		}
	}
	drift, err := ReadDrift([]byte(`{"format_version": "1.2"}`), nil)
	if err != nil || len(told(drift)) > 0 {
		t.Errorf("nothing: %v, %v", drift, err)
	}
}
