//go:build engine

package enginetest

import (
	"strings"
	"testing"
)

// What is chained for the steps of units reaches neither policies nor scanners.
func TestEngineGatesGetNothingThatIsChained(t *testing.T) {
	needs(t, "opa", "checkov")
	r := newRepo(t, tree(unit(foundation, trivial), policed("policy: enforce, checkov: warn"),
		ownCheck(`"scanners see " + " ".join(n for n in sorted(os.environ) if not n.startswith("OTEL_")) + " a-secret-file" * os.path.exists("/run/strata-key")`), map[string]string{
			"policies/deny.rego": `package terraform

deny contains msg if {
	some name, _ in opa.runtime().env
	msg := sprintf("policies see %s", [name])
}
`,
		}))
	r.environ = append(r.environ, "A_VARIABLE_SECRET="+variableSecret, "A_FILE_SECRET="+fileSecret)
	r.chain = append(r.chain, "with-variable", "--name", "GREETING", "--value", "hello",
		"with-secret-variable", "--name", "A_TOKEN", "--value", "env:A_VARIABLE_SECRET",
		"with-secret-file", "--path", "/run/strata-key", "--content", "env:A_FILE_SECRET")
	a := r.call(t, "deploy", "--env", "staging", "--all", "--format", "json").ok(t, 3)
	clean(t, "the call", a.all())
	run := a.document(t)
	for tool, told := range map[string][]string{"opa": {"policies see STRATA_NONCE", "policies see GOGC"}, "checkov": {"scanners see ", "STRATA_NONCE"}} {
		var titles []string
		for _, f := range check(t, run, tool).Findings {
			titles = append(titles, f.Title)
		}
		seen := strings.Join(titles, "\n")
		for _, words := range told {
			if !strings.Contains(seen, words) {
				t.Errorf("%s does not tell %q:\n%s", tool, words, seen)
			}
		}
		for _, name := range []string{"AWS_", "A_TOKEN", "GREETING", "a-secret-file"} {
			if strings.Contains(seen, name) {
				t.Errorf("%s tells of %s:\n%s", tool, name, seen)
			}
		}
	}
}

// Plans are what gates read: none of it is in what the engine's client can show,
// and no planted secret is in what is told of the findings.
func TestEngineGatesKeepPlansToThemselves(t *testing.T) {
	needs(t, "opa", "terraform-compliance")
	marker := "m4rker-" + random()
	r := newRepo(t, tree(
		map[string]string{"strata.yaml": `version: 1
layers:
  - {name: foundation, path: "regions/{region}/layers/01-foundation/{env}", secrets: [careless]}
environments:
  staging: {branch: staging, gates: {policy: warn, terraform-compliance: warn}}
`, "compliance-rules/form.feature": narrowRule, "policies/deny.rego": `package terraform

deny contains msg if {
	some rc in input.resource_changes
	msg := sprintf("%s holds %v", [rc.address, rc.change.after.input.careless])
}

warn contains msg if {
	some rc in input.resource_changes
	startswith(rc.change.after.output.careless, "x")
	msg := sprintf("%s gives %v", [rc.address, rc.change.after.output.careless])
}
`},
		unit(foundation, `variable "careless" {
  type = string
}

resource "terraform_data" "this" {
  input = { careless = var.careless, marker = "`+marker+`" }
}
`),
	))
	r.environ = append(r.environ, "A_LAYER_SECRET="+layerSecret)
	r.chain = append(r.chain, "with-secret", "--name", "careless", "--value", "env:A_LAYER_SECRET")
	const asked = "terraform_data.this holds (secret)"
	for _, args := range [][]string{
		{"policy", "--env", "staging", "--all"},
		{"scan", "--env", "staging"},
		{"plan", "--env", "staging", "--all", "sarif"},
		{"plan", "--env", "staging", "--all", "junit"},
		{"deploy", "--env", "staging", "--all"},
	} {
		a := r.logged(t, args...).ok(t, 0)
		clean(t, strings.Join(args, " "), a.all())
		if strings.Contains(a.all(), marker) {
			i := strings.Index(a.all(), marker)
			t.Errorf("%s: the plan is in what is shown: …%s…", args[0], a.all()[max(0, i-300):i+100])
		}
		if !strings.Contains(a.stdout, "things are narrow") && args[0] != "policy" {
			t.Errorf("%s does not tell of the rule:\n%s", args[0], a.stdout)
		}
		if !strings.Contains(a.stdout, asked) && args[0] != "scan" {
			t.Errorf("%s does not tell %q:\n%s", args[0], asked, a.stdout)
		}
	}
	clean(t, "plan json", r.logged(t, "plan", "--env", "staging", "--all", "json").ok(t, 0).all())
	clean(t, "plan markdown", r.logged(t, "plan", "--env", "staging", "--all", "markdown").ok(t, 0).all())
}
