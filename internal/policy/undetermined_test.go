package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// judged is a plan with a bucket, a database and a group whose rules are partly
// unknown.
const judged = `{
"resource_changes": [
 {"address": "x_bucket.a", "type": "x_bucket", "mode": "managed", "name": "a", "change": {"actions": ["create"],
  "after": {"bucket": "a", "tags": {"Name": "a"}, "acl": "private"}, "after_unknown": {"arn": true, "tags": {"Owner": true}, "versioning": [{"enabled": true}], "logging": true}}},
 {"address": "module.m[\"k\"].x_database.b", "type": "x_database", "mode": "managed", "name": "b", "change": {"actions": ["create"],
  "after": {"encrypted": true}, "after_unknown": {"arn": true, "encrypted": false}}},
 {"address": "x_group.c", "type": "x_group", "mode": "managed", "name": "c", "change": {"actions": ["create"],
  "after": {"ingress": [{"port": 22}]}, "after_unknown": {"arn": true, "ingress": [{"groups": true, "cidrs": [false]}]}}},
 {"address": "x_known.d", "type": "x_known", "mode": "managed", "name": "d", "change": {"actions": ["no-op"], "after": {"arn": "d"}, "after_unknown": {}}}
],
"output_changes": {"url": {"actions": ["create"], "after_unknown": true}, "name": {"actions": ["create"], "after": "a", "after_unknown": false}},
"planned_values": {"root_module": {
 "resources": [{"address": "x_bucket.a", "type": "x_bucket", "values": {}}],
 "child_modules": [{"address": "module.m[\"k\"]", "resources": [{"address": "module.m[\"k\"].x_database.b", "type": "x_database", "values": {}}]}]
}}}`

const (
	database = `module.m["k"].x_database.b`
	arns     = "x_bucket.a: arn; " + database + ": arn; x_group.c: arn"
	all      = "x_bucket.a: arn logging tags.Owner versioning[0].enabled; " + database + ": arn; output.url: ; x_group.c: arn ingress[0].groups"
)

// reading is a rule, with what of the plan it must be undetermined about.
type reading struct{ name, rule, want string }

func readings() []reading {
	return []reading{
		{"known only", `deny contains "m" if { some rc in input.resource_changes; rc.change.after.acl == "public" }`, ""},
		{"any type", `deny contains "m" if { some rc in input.resource_changes; rc.change.after.arn == "x" }`, arns},
		{"a type", `deny contains "m" if { some rc in input.resource_changes; rc.type == "x_bucket"; rc.change.after.arn == "x" }`, "x_bucket.a: arn"},
		{"the other way round", `deny contains "m" if { some rc in input.resource_changes; "x_bucket" == rc.type; "x" == rc.change.after.arn }`, "x_bucket.a: arn"},
		{"types in a set", `deny contains "m" if { some rc in input.resource_changes; rc.type in {"x_bucket", "x_group"}; rc.change.after.arn == "x" }`, "x_bucket.a: arn; x_group.c: arn"},
		{"a type not in the plan", `deny contains "m" if { some rc in input.resource_changes; rc.type == "x_other"; rc.change.after.arn == "x" }`, ""},
		{"not a type", `deny contains "m" if { some rc in input.resource_changes; rc.type != "x_bucket"; rc.change.after.arn == "x" }`, arns},
		{"negated type", `deny contains "m" if { some rc in input.resource_changes; not rc.type == "x_bucket"; rc.change.after.arn == "x" }`, arns},
		{"exempt types", `exempt := {"x_bucket"}
deny contains "m" if { some rc in input.resource_changes; not rc.type in exempt; rc.change.after.arn == "x" }`, arns},
		{"negated attribute", `deny contains "m" if { some rc in input.resource_changes; rc.type == "x_bucket"; not rc.change.after.logging }`, "x_bucket.a: logging"},
		{"brackets", `deny contains "m" if { rc := input["resource_changes"][_]; rc["change"]["after"]["arn"] == "x" }`, arns},
		{"index", `deny contains "m" if { some i; input.resource_changes[i].type == "x_bucket"; input.resource_changes[i].change.after.arn == "x" }`, "x_bucket.a: arn"},
		{"the second one", `deny contains "m" if { input.resource_changes[1].change.after.arn == "x" }`, database + ": arn"},
		{"index not said", `deny contains "m" if { input.resource_changes[i].type == "x_bucket"; input.resource_changes[i].change.after.arn == "x" }`, "x_bucket.a: arn"},
		{"two resources", `deny contains "m" if {
	some a in input.resource_changes
	a.type == "x_bucket"
	some b in input.resource_changes
	b.type == "x_database"
	a.change.after.logging == b.change.after.arn
}`, "x_bucket.a: logging; " + database + ": arn"},
		{"an iteration", `deny contains "m" if { rc := input.resource_changes[_]; rc.change.after[_] == "x" }`, "x_bucket.a: arn logging; " + database + ": arn; x_group.c: arn"},
		{"an iteration over all there is", `deny contains "m" if { rc := input.resource_changes[_]; contains(json.marshal(rc.change.after[_]), "x") }`, strings.ReplaceAll(all, "output.url: ; ", "")},
		{"a key of many", `deny contains "m" if { rc := input.resource_changes[_]; rc.type == "x_bucket"; some key, value in rc.change.after; key != "x"; value == "y" }`, "x_bucket.a: arn logging"},
		{"walk", `deny contains "m" if { walk(input, [_, value]); value == "0.0.0.0/0" }`, all},
		{"walk for a constant", `deny contains "m" if { walk(input.resource_changes, [path, "x"]); path[0] == "y" }`, strings.ReplaceAll(all, "output.url: ; ", "")},
		{"walk for resources", `deny contains "m" if { walk(input.planned_values, [_, value]); some r in value.resources; r.type == "x_bucket"; r.values.arn == "x" }`, "x_bucket.a: arn"},
		{"walk to a resource", `deny contains "m" if { walk(input, [_, r]); r.type == "x_database"; r.change.after.arn == "x" }`, database + ": arn"},
		{"walk within a resource", `deny contains "m" if { some rc in input.resource_changes; rc.type == "x_bucket"; walk(rc.change.after, [_, value]); value.enabled == false }`, "x_bucket.a: arn logging tags.Owner versioning[0].enabled"},
		{"planned values", `deny contains "m" if { r := input.planned_values.root_module.child_modules[_].resources[_]; r.type == "x_database"; r.values.arn == "x" }`, database + ": arn"},
		{"an output", `deny contains "m" if { input.output_changes.url.after == "x" }`, "output.url: "},
		{"a planned output", `deny contains "m" if { input.planned_values.outputs[name].value == "x"; name != "y" }`, "output.url: "},
		{"a known part of a block", `deny contains "m" if { rc := input.resource_changes[_]; rc.type == "x_group"; rc.change.after.ingress[_].port == 22 }`, ""},
		{"an unknown part of a block", `deny contains "m" if { rc := input.resource_changes[_]; rc.type == "x_group"; rc.change.after.ingress[_].groups[_] == "x" }`, "x_group.c: ingress[0].groups"},
		{"all of a block", `deny contains "m" if { rc := input.resource_changes[_]; rc.change.after.ingress == [] }`, "x_group.c: ingress[0].groups"},
		{"what is in an unknown one", `deny contains "m" if { rc := input.resource_changes[_]; rc.change.after.logging[0].bucket == "x" }`, "x_bucket.a: logging"},
		{"how many blocks", `deny contains "m" if { rc := input.resource_changes[_]; count(rc.change.after.ingress) > 3 }`, ""},
		{"how many tags", `deny contains "m" if { rc := input.resource_changes[_]; count(rc.change.after.tags) < 2 }`, "x_bucket.a: tags.Owner"},
		{"a tag", `deny contains "m" if { rc := input.resource_changes[_]; not rc.change.after.tags.Name }`, ""},
		{"tags of a set", `required := {"Name", "Team"}
deny contains "m" if { rc := input.resource_changes[_]; some tag in required; not rc.change.after.tags[tag] }`, ""},
		{"an unknown tag of a set", `required := {"Name", "Owner"}
deny contains "m" if { rc := input.resource_changes[_]; missing := required - {tag | rc.change.after.tags[tag]}; count(missing) > 0 }`, "x_bucket.a: tags.Owner"},
		{"tags of every", `deny contains "m" if { rc := input.resource_changes[_]; not tagged(rc) }
tagged(rc) if { every tag in ["Name", "Owner"] { rc.change.after.tags[tag] } }`, "x_bucket.a: tags.Owner"},
		{"tags of data", `deny contains "m" if { rc := input.resource_changes[_]; some tag in data.settings.tags; not rc.change.after.tags[tag] }`, "x_bucket.a: tags.Owner"},
		{"object.get", `deny contains "m" if { rc := input.resource_changes[_]; object.get(rc.change.after, "arn", "x") == "x" }`, arns},
		{"object.get of a known one", `deny contains "m" if { rc := input.resource_changes[_]; object.get(rc.change.after, "acl", "x") == "x" }`, ""},
		{"object.get of a path", `deny contains "m" if { rc := input.resource_changes[_]; object.get(rc, ["change", "after", "tags", "Owner"], "x") == "x" }`, "x_bucket.a: tags.Owner"},
		{"object.get of some path", `deny contains "m" if { rc := input.resource_changes[_]; path := ["change", "after", "arn"]; object.get(rc, path, "x") == "x" }`, strings.ReplaceAll(all, "output.url: ; ", "")},
		{"object.get of what data says", `deny contains "m" if { rc := input.resource_changes[_]; rc.type == "x_database"; object.get(rc.change.after, data.settings.attribute, "x") == "x" }`, database + ": arn"},
		{"a variable", `deny contains "m" if { rc := input.resource_changes[_]; change := rc.change; values := change.after; arn = values.arn; arn == "x" }`, arns},
		{"a function", `arn(rc) := rc.change.after.arn
deny contains "m" if { rc := input.resource_changes[_]; rc.type == "x_bucket"; arn(rc) == "x" }`, "x_bucket.a: arn"},
		{"functions of functions", `deny contains "m" if { rc := input.resource_changes[_]; bucket(rc); bad(rc.change.after) }
bucket(r) if is(r, "x_bucket")
is(r, type) if r.type == type
bad(values) if worse(values)
worse(v) if v.logging == "x"`, "x_bucket.a: logging"},
		{"a function with an output", `deny contains "m" if { rc := input.resource_changes[_]; after(rc, values); values.logging == "x" }
after(rc) := rc.change.after`, "x_bucket.a: logging"},
		{"a function that may not look at the type", `deny contains "m" if { rc := input.resource_changes[_]; meant(rc); rc.change.after.arn == "x" }
meant(rc) if rc.type == "x_bucket"
meant(rc) if rc.change.after.acl`, arns},
		{"a function of types", `deny contains "m" if { rc := input.resource_changes[_]; meant(rc); rc.change.after.arn == "x" }
meant(rc) if rc.type == "x_bucket"
meant(rc) if rc.type == "x_group"`, "x_bucket.a: arn; x_group.c: arn"},
		{"a function that says false", `deny contains "m" if { rc := input.resource_changes[_]; meant(rc.type); rc.change.after.arn == "x" }
meant("x_bucket") := true
default meant(_) := false`, "x_bucket.a: arn"},
		{"a function asked for false", `deny contains "m" if { rc := input.resource_changes[_]; meant(rc.type) == false; rc.change.after.arn == "x" }
meant(type) if type == "x_bucket" else := false`, arns},
		{"an exemption by a function", `deny contains "m" if { rc := input.resource_changes[_]; not exempt(rc); rc.change.after.arn == "x" }
exempt(rc) if rc.type == "x_bucket"`, arns},
		{"an exemption by a list", `deny contains "m" if {
	exempt := {r.address | some r in input.resource_changes; r.type == "x_bucket"}
	some rc in input.resource_changes
	not rc.address in exempt
	rc.change.after.arn == "x"
}`, arns},
		{"a rule of resources", `resources contains rc if some rc in input.resource_changes
deny contains "m" if { some rc in resources; rc.type == "x_bucket"; rc.change.after.arn == "x" }`, "x_bucket.a: arn"},
		{"a rule used twice", `resources contains rc if some rc in input.resource_changes
deny contains "m" if {
	some a in resources
	a.type == "x_bucket"
	some b in resources
	b.change.after.arn == "x"
}`, arns},
		{"a rule of a type", `buckets := [rc | rc := input.resource_changes[_]; rc.type == "x_bucket"]
deny contains "m" if { buckets[_].change.after.arn == "x" }`, "x_bucket.a: arn"},
		{"a rule by type", `by_type[rc.type] contains rc if some rc in input.resource_changes
deny contains "m" if { some rc in by_type.x_bucket; rc.change.after.arn == "x" }`, "x_bucket.a: arn"},
		{"a rule by address", `by_address[rc.address] := rc if some rc in input.resource_changes
deny contains "m" if { by_address["x_bucket.a"].change.after.arn == "x" }`, arns},
		{"types from a function's argument", `of(type) := {rc | some rc in input.resource_changes; rc.type == type}
deny contains "m" if { some type in ["x_bucket", "x_group"]; some rc in of(type); rc.change.after.arn == "x" }`, "x_bucket.a: arn; x_group.c: arn"},
		{"types with their attributes", `attributes := {"x_bucket": "logging", "x_database": "arn"}
deny contains "m" if { some rc in input.resource_changes; attribute := attributes[rc.type]; not rc.change.after[attribute] }`, "x_bucket.a: arn logging; " + database + ": arn"},
		{"types that data says", `deny contains "m" if { some rc in input.resource_changes; rc.type in data.settings.types; rc.change.after.arn == "x" }`, arns},
		{"types of a beginning", `deny contains "m" if { some rc in input.resource_changes; startswith(rc.type, "x_b"); rc.change.after.arn == "x" }`, arns},
		{"parts of objects", `parts contains {"address": rc.address, "values": rc.change.after} if some rc in input.resource_changes
deny contains "m" if { some part in parts; part.values.logging == "x" }`, "x_bucket.a: logging"},
		{"lists put together", `a := [rc | some rc in input.resource_changes; rc.type == "x_bucket"]
b := [rc | some rc in input.resource_changes; rc.type == "x_group"]
deny contains "m" if { some rc in array.concat(a, b); rc.change.after.arn == "x" }`, "x_bucket.a: arn; x_group.c: arn"},
		{"sets put together", `a contains rc if { some rc in input.resource_changes; rc.type == "x_bucket" }
b contains rc if { some rc in input.resource_changes; rc.type == "x_group" }
deny contains "m" if { some rc in union({a, b}); rc.change.after.arn == "x" }`, "x_bucket.a: arn; x_group.c: arn"},
		{"all of a resource", `deny contains "m" if { some rc in input.resource_changes; rc.type == "x_group"; contains(json.marshal(rc), "0.0.0.0/0") }`, "x_group.c: arn ingress[0].groups"},
		{"a message of an unknown value", `deny contains sprintf("%s of %s", [rc.change.after.arn, rc.address]) if some rc in input.resource_changes`, arns},
		{"a message of a resource", `deny contains sprintf("%v", [rc]) if { some rc in input.resource_changes; rc.change.after.acl == "public" }`, ""},
		{"an interpolated message", `deny contains $"{rc.change.after.logging} it is" if some rc in input.resource_changes`, "x_bucket.a: logging"},
		{"a rule of another name", `helper contains "m" if { some rc in input.resource_changes; rc.change.after.arn == "x" }
deny contains "m" if input.x`, ""},
		{"a rule that collects", `helper contains "m" if { some rc in input.resource_changes; rc.change.after.logging == "x" }
deny contains m if some m in helper`, "x_bucket.a: logging"},
		{"in place of the input", `check if input.after.arn == "x"
deny contains "m" if { some rc in input.resource_changes; check with input as rc.change }`, strings.ReplaceAll(all, "output.url: ; ", "")},
		{"else", `bad(rc) if { rc.change.after.acl == "public" } else if { rc.change.after.logging == "x" }
deny contains "m" if { some rc in input.resource_changes; bad(rc) }`, "x_bucket.a: logging"},
		{"a complete rule", `deny := "m" if { some rc in input.resource_changes; rc.change.after.logging == "x" }`, "x_bucket.a: logging"},
		{"an object of rules", `deny.logging contains "m" if { some rc in input.resource_changes; rc.change.after.logging == "x" }`, "x_bucket.a: logging"},
		{"what was", `deny contains "m" if { some rc in input.resource_changes; rc.change.before.arn == "x" }`, ""},
		{"the environment", `deny contains "m" if data.strata.environment == "x"`, ""},
	}
}

// trees are the syntax trees of the readings, each with the file of an import.
func trees(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	if *update {
		all := make(map[string]json.RawMessage)
		for _, r := range readings() {
			all[r.name] = tree(t, "package terraform\n\n"+r.rule+"\n")
		}
		data, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.ReplaceAll(data, []byte(`},"`), []byte("},\n\""))
		if err := os.WriteFile(filepath.Join("testdata", "trees.json"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(recorded(t, "trees.json"), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// tree is what OPA prints of a policy, with the locations of its rules only.
func tree(t *testing.T, text string) json.RawMessage {
	t.Helper()
	out := run(t, policies(t, map[string]string{"a.rego": text}), ParseArgs(V1, "a.rego")...)
	if out.code != 0 {
		t.Fatalf("%s: %s%s", text, out.stdout, out.stderr)
	}
	var tree any
	if err := json.Unmarshal(out.stdout, &tree); err != nil {
		t.Fatal(err)
	}
	for _, r := range list(at(tree, "rules")) {
		row := at(r, "location", "row")
		strip(r)
		r.(map[string]any)["location"] = map[string]any{"row": row}
	}
	strip(at(tree, "package"))
	data, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func strip(tree any) {
	switch t := tree.(type) {
	case map[string]any:
		delete(t, "location")
		for _, inner := range t {
			strip(inner)
		}
	case []any:
		for _, inner := range t {
			strip(inner)
		}
	}
}

func undetermined(list []Undetermined) string {
	var words []string
	for _, u := range list {
		words = append(words, fmt.Sprintf("%s: %s", u.Address, strings.Join(u.Attributes, " ")))
	}
	return strings.Join(words, "; ")
}

func TestUndetermined(t *testing.T) {
	plan := readPlan(t, []byte(judged))
	trees := trees(t)
	for _, r := range readings() {
		t.Run(r.name, func(t *testing.T) {
			m, err := ReadModule("a.rego", trees[r.name])
			if err != nil {
				t.Fatal(err)
			}
			got := Analyse(query(t, "data.terraform.deny"), []Module{m}).Undetermined(plan, nil)
			if diff := cmp.Diff(sorted(r.want), sorted(undetermined(got))); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", r.rule, diff)
			}
		})
	}
}

func sorted(text string) string {
	parts := strings.Split(text, "; ")
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}
