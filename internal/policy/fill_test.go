package policy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func same(t *testing.T, want, got string) {
	t.Helper()
	var w, g any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFillUnknowns(t *testing.T) {
	const state = `{"format_version": "1.0", "values": {
"outputs": {"url": {"value": "https://a", "type": "string", "sensitive": false}, "gone": {"value": 1}},
"root_module": {
 "resources": [
  {"address": "x.a", "values": {"id": "i-1", "name": "a", "n": 12345678901234567890, "tags": {"Name": "a", "Owner": "o"}, "rules": [{"p": 2, "g": ["y"]}, {"p": 1, "g": ["x"]}], "ids": ["1", "2"], "<b>": "&"}},
  {"address": "x.a", "deposed_key": "beef", "values": {"id": "i-0"}},
  {"address": "x.lost", "values": {}}
 ],
 "child_modules": [{"address": "module.m[\"k\"]", "resources": [{"address": "module.m[\"k\"].x.b[0]", "values": {"id": "i-2"}}]}]
}}}`
	for name, test := range map[string]struct{ plan, want string }{
		"attributes": {
			`{"a": 1, "resource_changes": [{"address": "x.a", "type": "x", "change": {"actions": ["create"], "before": null, "after": {"name": "a", "tags": {"Name": "a"}, "ids": ["1", null]},
				"after_unknown": {"id": true, "n": true, "tags": {"Owner": true}, "ids": [false, true], "<b>": true, "other": []}, "after_sensitive": {"id": true}}}]}`,
			`{"a": 1, "resource_changes": [{"address": "x.a", "type": "x", "change": {"actions": ["create"], "before": null, "after": {"name": "a", "id": "i-1", "n": 12345678901234567890, "tags": {"Name": "a", "Owner": "o"}, "ids": ["1", "2"], "<b>": "&"},
				"after_unknown": {"tags": {}, "ids": [false, false], "other": []}, "after_sensitive": {"id": true}}}]}`,
		},
		"a set in another order": {
			`{"resource_changes": [{"address": "x.a", "change": {"after": {"rules": [{"p": 1}, {"p": 2, "g": ["y"]}]}, "after_unknown": {"rules": [{"g": true}, {"g": [false]}]}}}]}`,
			`{"resource_changes": [{"address": "x.a", "change": {"after": {"rules": [{"p": 2, "g": ["y"]}, {"p": 1, "g": ["x"]}]}, "after_unknown": {"rules": [{}, {}]}}}]}`,
		},
		"all of it": {
			`{"resource_changes": [{"address": "module.m[\"k\"].x.b[0]", "change": {"actions": ["read"], "after_unknown": true}}]}`,
			`{"resource_changes": [{"address": "module.m[\"k\"].x.b[0]", "change": {"actions": ["read"], "after": {"id": "i-2"}, "after_unknown": {}}}]}`,
		},
		"what was not applied": {
			`{"resource_changes": [{"address": "x.none", "change": {"after": {}, "after_unknown": {"id": true}}}, {"address": "x.lost", "change": {"after": {}, "after_unknown": {"id": true}}}]}`,
			`{"resource_changes": [{"address": "x.none", "change": {"after": {}, "after_unknown": {"id": true}}}, {"address": "x.lost", "change": {"after": {}, "after_unknown": {"id": true}}}]}`,
		},
		"deposed": {
			`{"resource_changes": [{"address": "x.a", "deposed": "beef", "change": {"after": null, "after_unknown": {"id": true}}}]}`,
			`{"resource_changes": [{"address": "x.a", "deposed": "beef", "change": {"after": null, "after_unknown": {"id": true}}}]}`,
		},
		"values to come": {
			`{"planned_values": {"outputs": {"url": {"sensitive": false}, "x": {"sensitive": true}}, "root_module": {"resources": [{"address": "x.a", "values": {"name": "a"}}, {"address": "x.c", "values": {}}],
				"child_modules": [{"address": "module.m[\"k\"]", "resources": [{"address": "module.m[\"k\"].x.b[0]", "values": {}}]}]}},
			 "resource_changes": [{"address": "x.a", "change": {"after": {"name": "a"}, "after_unknown": {"id": true}}}, {"address": "module.m[\"k\"].x.b[0]", "change": {"after": {}, "after_unknown": {"id": true}}}],
			 "output_changes": {"url": {"actions": ["create"], "before": null, "after_unknown": true}, "x": {"actions": ["create"], "after_unknown": true}, "gone": {"after": 2, "after_unknown": false}}}`,
			`{"planned_values": {"outputs": {"url": {"sensitive": false, "value": "https://a", "type": "string"}, "x": {"sensitive": true}}, "root_module": {"resources": [{"address": "x.a", "values": {"name": "a", "id": "i-1"}}, {"address": "x.c", "values": {}}],
				"child_modules": [{"address": "module.m[\"k\"]", "resources": [{"address": "module.m[\"k\"].x.b[0]", "values": {"id": "i-2"}}]}]}},
			 "resource_changes": [{"address": "x.a", "change": {"after": {"name": "a", "id": "i-1"}, "after_unknown": {}}}, {"address": "module.m[\"k\"].x.b[0]", "change": {"after": {"id": "i-2"}, "after_unknown": {}}}],
			 "output_changes": {"url": {"actions": ["create"], "before": null, "after": "https://a", "after_unknown": false}, "x": {"actions": ["create"], "after_unknown": true}, "gone": {"after": 2, "after_unknown": false}}}`,
		},
		"nothing": {`{}`, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := FillUnknowns([]byte(test.plan), []byte(state))
			if err != nil {
				t.Fatal(err)
			}
			same(t, test.want, string(got))
			if strings.Contains(test.plan, "1234567890") && !strings.Contains(string(got), "12345678901234567890") {
				t.Error("a number is another one")
			}
		})
	}
	for _, broken := range []string{"", "[]", "{", `{"resource_changes": {}}`, `{"resource_changes": [`} {
		if got, err := FillUnknowns([]byte(broken), []byte(state)); err == nil {
			t.Errorf("plan %s: got %s", broken, got)
		}
		if broken == `{"resource_changes": {}}` {
			continue
		}
		if got, err := FillUnknowns([]byte(`{}`), []byte(broken+"x")); err == nil {
			t.Errorf("state %s: got %s", broken, got)
		}
	}
	// A state without anything.
	same(t, `{"resource_changes": [{"address": "x.a", "change": {"after_unknown": {"id": true}}}]}`, func() string {
		got, err := FillUnknowns([]byte(`{"resource_changes": [{"address": "x.a", "change": {"after_unknown": {"id": true}}}]}`), []byte(`{"format_version": "1.0"}`))
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}())
}

// TestFillLeavesRealPlans compares plans of which nothing is filled.
func TestFillLeavesRealPlans(t *testing.T) {
	files, err := filepath.Glob("../terraform/testdata/plans/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d plans, %v", len(files), err)
	}
	for _, name := range append(files, "testdata/plans/unit00.json") {
		plan, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := FillUnknowns(plan, []byte(`{"values": {"root_module": {}}}`))
		if err != nil {
			t.Fatal(err)
		}
		same(t, string(plan), string(got))
		readPlan(t, plan)
	}
}

func TestFillLarge(t *testing.T) {
	plan := large(t, recorded(t, "plans/unit00.json"), 10<<20)
	started := time.Now()
	got, err := FillUnknowns(plan, []byte(`{"values": {"root_module": {"resources": [{"address": "aws_vpc.main", "values": {"arn": "a", "id": "v"}}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MB in %s", len(plan)>>20, time.Since(started))
	if !strings.Contains(string(got), `"arn":"a"`) {
		t.Error("nothing is filled")
	}
}

const applied = `
variable "guess" {
  type = string
}

resource "terraform_data" "source" {
  input = "10.0.0.0/8"
}

resource "terraform_data" "rule" {
  for_each         = toset(["web"])
  input            = { cidr = "${terraform_data.source.id == "" ? "" : var.guess}", port = 22 }
  triggers_replace = [terraform_data.source.id, "x"]
}

output "cidr" {
  value = terraform_data.rule["web"].output.cidr
}
`

// TestAfterApply has a rule that cannot tell before the apply and can after it,
// with real plans and states.
func TestAfterApply(t *testing.T) {
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("needs terraform on PATH")
	}
	dir := policies(t, map[string]string{"unit/main.tf": applied, "policies/open.rego": `package terraform

deny contains msg if {
	some rc in input.resource_changes
	rc.type == "terraform_data"
	rc.change.after.input.cidr == "0.0.0.0/0"
	msg := sprintf("%s is open in %s", [rc.address, data.strata.unit])
}
`})
	tf := func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command(terraform, args...)
		cmd.Dir = filepath.Join(dir, "unit")
		cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("terraform %s: %v: %s", args[0], err, out)
		}
		return out
	}
	q := query(t, "data.terraform.deny")
	a := Analyse(q, parse(t, V1, dir))
	s := serve(t, V1, filepath.Join(dir, "policies"))
	s.load(t, q)
	evaluate := func(plan []byte) []Message {
		t.Helper()
		results, err := s.Evaluate(t.Context(), Input{Unit: "u", Plan: plan, Strata: map[string]string{"unit": "u"}})
		if err != nil {
			t.Fatal(err)
		}
		return results[0].Messages
	}
	tf("init", "-input=false")
	tf("plan", "-input=false", "-var=guess=0.0.0.0/0", "-out=p")
	plan := tf("show", "-json", "p")
	before := evaluate(plan)
	if len(before) > 0 {
		t.Errorf("before the apply: %v", texts(before))
	}
	if got := undetermined(a.Undetermined(readPlan(t, plan), before)); got != `terraform_data.rule["web"]: input.cidr` {
		t.Errorf("before the apply, undetermined: %s", got)
	}
	tf("apply", "-input=false", "p")
	filled, err := FillUnknowns(plan, tf("show", "-json"))
	if err != nil {
		t.Fatal(err)
	}
	after := evaluate(filled)
	if diff := cmp.Diff([]string{`terraform_data.rule["web"] is open in u`}, texts(after)); diff != "" {
		t.Errorf("after the apply: -want +got:\n%s", diff)
	}
	p := readPlan(t, filled)
	if p.Unknown() {
		t.Error("something is still unknown")
	}
	if got := a.Undetermined(p, after); got != nil {
		t.Errorf("after the apply, undetermined: %v", got)
	}
	if got := a.Findings("u", p, after); len(got) != 1 || got[0].Resource != `terraform_data.rule["web"]` || got[0].File != "policies/open.rego" || got[0].Line != 3 {
		t.Errorf("got %+v", got)
	}
}
