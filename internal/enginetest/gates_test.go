//go:build engine

package enginetest

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/policy"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/scan"
)

// needs skips a test of gates where one of their tools cannot be had: on PATH,
// for the native runs to compare with, or its image in the engine.
func needs(t *testing.T, tools ...string) {
	t.Helper()
	known := map[string]string{policy.Tool().Name: policy.Tool().Image}
	for _, s := range scan.Scanners() {
		known[s.Name] = s.Tool.Image
	}
	for _, name := range tools {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("needs %s on PATH, for the native runs to compare with: make tools, or make %[1]s", name)
		}
		if images[name] != "" {
			continue // it must be there
		}
		if out, err := exec.Command("dagger", "-s", "core", "container", "from", "--address", known[name], "sync").CombinedOutput(); err != nil {
			t.Skipf("needs the image %s: %s", known[name], out)
		}
	}
}

// document parses the document that --format json gave. Of a run that did not go
// well, the module's is in its error.
func (a answer) document(t testing.TB) *report.Run {
	t.Helper()
	if begin, end := strings.Index(a.stderr, "{"), strings.LastIndex(a.stderr, "}"); a.stdout == "" && begin >= 0 && end > begin {
		a.stdout = a.stderr[begin : end+1]
	}
	return a.run(t)
}

// agree fails the test where the native run and the module's come to different
// results.
func agree(t *testing.T, name string, native, module *report.Run) {
	t.Helper()
	n, m := canonical(t, native), canonical(t, module)
	for i := range n.Checks {
		if n.Checks[i].Version == "" && i < len(m.Checks) { // one that was built from source may not know it
			m.Checks[i].Version = ""
		}
	}
	if diff := cmp.Diff(n, m); diff != "" {
		t.Errorf("%s: native (-) and module (+) differ:\n%s", name, diff)
	}
}

// ownCheck is a check of the repository's own for checkov, which tells of every
// terraform_data what a Python expression makes.
func ownCheck(expression string) map[string]string {
	return map[string]string{".checkov.yaml": "external-checks-dir: [checks]\n", "checks/__init__.py": "", "checks/tells.py": `import os
from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck


class Tells(BaseResourceCheck):
    def __init__(self):
        super().__init__(name=` + expression + `, id="CKV_OWN_1", categories=[CheckCategories.GENERAL_SECURITY], supported_resources=["terraform_data"])

    def scan_resource_conf(self, conf):
        return CheckResult.FAILED


check = Tells()
`}
}

// check is what one tool told in a run.
func check(t *testing.T, run *report.Run, tool string) *report.Check {
	t.Helper()
	i := slices.IndexFunc(run.Checks, func(c report.Check) bool { return c.Tool == tool })
	if i < 0 {
		t.Fatalf("%s was not asked: %+v", tool, run.Checks)
	}
	return &run.Checks[i]
}

// rules are those of findings, in their order.
func rules(list []finding.Finding) []string {
	out := []string{}
	for _, f := range list {
		out = append(out, f.Rule)
	}
	return out
}

// policed is a strata.yaml with the gates of staging.
func policed(gates string) map[string]string {
	return map[string]string{"strata.yaml": "version: 1\nenvironments:\n  staging: {branch: staging, gates: {" + gates + "}}\n  development: {branch: \"*\"}\n"}
}

// wide is a unit that the policy deniesWide denies. It tells all that policies are
// told of a unit.
const (
	wide = `resource "terraform_data" "this" {
  input = "wide"
}

output "name" {
  value = terraform_data.this.id
}
`
	deniesWide = `package terraform

# METADATA
# title: too wide
deny contains msg if {
	some rc in input.resource_changes
	rc.change.after.input == "wide"
	s := data.strata
	what := [s.unit, s.layer, s.region, s.environment, s.path, s.verb, s.who, s.commit, s.run]
	msg := sprintf("%s is too wide: %s", [rc.address, concat(" ", what)])
}
`
)

// A unit that a policy denies is refused before anything of it is applied, and
// what needs it is not run; the others go on. Policies know which unit it is.
func TestEngineGatesRefuseWhatAPolicyDenies(t *testing.T) {
	needs(t, "opa")
	repository := tree(
		unit(foundation, wide), unit(platform, needsName), unit(eu(foundation), trivial), unit(eu(platform), needsName),
		policed("policy: enforce"), map[string]string{"policies/deny.rego": deniesWide},
	)
	native, module := newRepo(t, repository), newRepo(t, repository)
	native.environ = append(native.environ, "USER=octocat")
	module.chain = append(module.chain, "with-variable", "--name", "USER", "--value", "octocat")
	deploy := []string{"deploy", "--env", "staging", "--all", "--format", "json"}
	n, m := native.native(t, deploy...).ok(t, 3).document(t), module.call(t, deploy...).ok(t, 3).document(t)
	agree(t, "deploy", n, m)
	want(t, "deploy", results(m), map[string]report.Result{
		"foundation@us-east-1": report.Refused, "platform@us-east-1": report.NotRun, "foundation@eu-west-1": report.Applied, "platform@eu-west-1": report.Applied,
	})
	told := fmt.Sprintf("terraform_data.this is too wide: foundation@us-east-1:staging foundation us-east-1 staging %s deploy octocat %s %s",
		foundation, module.git(t, "rev-parse", "HEAD"), m.ID)
	if c := check(t, m, "opa"); len(c.Findings) != 1 || c.Findings[0].Title != told {
		t.Errorf("the policy told %+v, not %q", c.Findings, told)
	}
	for _, dir := range []string{foundation, platform} {
		if _, there := s3.object(t, module.bucket, stateKey(dir)); there {
			t.Errorf("%s has a state", dir)
		}
	}

	// A plan is refused all the same, in each of its forms.
	plan := []string{"plan", "--env", "staging", "--all"}
	for _, function := range []string{"summary", "json", "sarif", "bundle"} {
		module.call(t, append(slices.Clone(plan), function)...).ok(t, 3).says(t, "foundation@us-east-1:staging", "refused", "terraform.deny/too-wide")
	}
	module.write(t, foundation+"/main.tf", strings.Replace(wide, "wide", "narrow", 1))
	document := module.call(t, append(slices.Clone(plan), "sarif")...).ok(t, 0).stdout
	if !strings.Contains(document, `"opa"`) {
		t.Errorf("the plan's SARIF does not name the tool:\n%s", document)
	}
	m = module.call(t, deploy...).ok(t, 0).run(t)
	want(t, "mended", results(m), map[string]report.Result{
		"foundation@us-east-1": report.Applied, "platform@us-east-1": report.Applied, "foundation@eu-west-1": report.Unchanged, "platform@eu-west-1": report.Unchanged,
	})
}

// What a policy cannot know before the apply it is asked again after it, about
// what was made.
func TestEngineGatesAskAgainAfterTheApply(t *testing.T) {
	needs(t, "opa")
	repository := tree(
		unit(foundation, `resource "terraform_data" "first" {
  input = "a forbidden thing"
}

resource "terraform_data" "this" {
  input = terraform_data.first.output
}

output "name" {
  value = terraform_data.this.output
}
`), unit(platform, needsName), unit(eu(foundation), trivial),
		policed("policy: enforce, unknown: warn"), map[string]string{"policies/deny.rego": `package terraform

deny contains msg if {
	some rc in input.resource_changes
	contains(rc.change.after.output, "forbidden")
	msg := sprintf("%s holds what is forbidden", [rc.address])
}
`},
	)
	native, module := newRepo(t, repository), newRepo(t, repository)
	deploy := []string{"deploy", "--env", "staging", "--all", "--format", "json"}
	planned := module.call(t, "plan", "--env", "staging", "--all", "json").ok(t, 0).run(t)
	if c := check(t, planned, "opa"); len(c.Undetermined) == 0 || len(c.Findings) > 0 || c.Unknown != "warn" {
		t.Errorf("the plan's check: %+v", c)
	}
	n, m := native.native(t, deploy...).ok(t, 1).document(t), module.call(t, deploy...).ok(t, 1).document(t)
	agree(t, "deploy", n, m)
	want(t, "deploy", results(m), map[string]report.Result{
		"foundation@us-east-1": report.Failed, "platform@us-east-1": report.NotRun, "foundation@eu-west-1": report.Applied,
	})
	if c := check(t, m, "opa"); len(c.Findings) != 2 || len(c.Undetermined) > 0 {
		t.Errorf("the deploy's check: %+v", c)
	}
	if made := s3.resources(t, module.bucket, stateKey(foundation)); len(made) != 2 {
		t.Errorf("the state holds %v", made)
	}
	// It is not forgotten: a plan that changes nothing is held to the rules too.
	n, m = native.native(t, deploy...).ok(t, 3).document(t), module.call(t, deploy...).ok(t, 3).document(t)
	agree(t, "deploy again", n, m)
	want(t, "deploy again", results(m), map[string]report.Result{
		"foundation@us-east-1": report.Refused, "platform@us-east-1": report.NotRun, "foundation@eu-west-1": report.Unchanged,
	})
}

// A gate that is enforced and cannot be held lets nothing pass.
func TestEngineGatesThatCannotBeHeldLetNothingPass(t *testing.T) {
	needs(t, "opa")
	alpine, err := image("alpine")
	if err != nil {
		t.Fatal(err)
	}
	r := newRepo(t, tree(unit(foundation, trivial), policed("policy: enforce")))
	deploy := []string{"deploy", "--env", "staging", "--all"}
	instead := func(image string) []string {
		return append([]string{"with-image", "--tool", "opa", "--image", image}, deploy...)
	}
	r.call(t, deploy...).ok(t, 3).says(t, "policy is enforced in staging, and there is no policy in policies: that would let everything pass")
	r.write(t, "policies/deny.rego", "package other\n\ndeny contains \"x\" if input.never\n")
	r.call(t, deploy...).ok(t, 3).says(t, "no policy file defines data.terraform.deny in policies")
	r.write(t, "policies/deny.rego", "package terraform\n\ndeny contains msg if {\n\tmsg := nowhere(\n}\n")
	r.call(t, deploy...).ok(t, 1).says(t, "the policies do not compile", "policies/deny.rego:5: ")
	r.write(t, "policies/deny.rego", deniesWide)
	r.call(t, instead("127.0.0.1:1/nope:1")...).ok(t, 1).says(t, "opa: its image 127.0.0.1:1/nope:1 cannot be had", "with-image --tool opa --image …")
	r.call(t, instead(alpine)...).ok(t, 1).says(t, "opa version: ", `"opa"`, "not found")
	r.write(t, "policies/loops.rego", `package terraform

deny contains "x" if {
	some a in numbers.range(1, 20000)
	some b in numbers.range(1, 20000)
	a * b == 0
}
`)
	r.write(t, "strata.yaml", policed("policy: enforce")["strata.yaml"]+"policy: {timeout: 1s}\n")
	r.call(t, deploy...).ok(t, 1).says(t, "took longer than 1s: does a policy loop")
	if _, there := s3.object(t, r.bucket, stateKey(foundation)); there {
		t.Error("something was applied")
	}
}

// How much one plan may destroy or replace is limited.
func TestEngineGatesHoldPlansToLimits(t *testing.T) {
	r := newRepo(t, tree(unit(foundation, three), map[string]string{
		"strata.yaml": "version: 1\nenvironments:\n  staging: {branch: staging, limits: {destroy: 1}}\n",
	}))
	deploy := []string{"deploy", "--env", "staging", "--all", "--format", "json"}
	r.call(t, deploy...).ok(t, 0)
	r.write(t, foundation+"/main.tf", "")
	n, m := r.native(t, deploy...).ok(t, 3).document(t), r.call(t, deploy...).ok(t, 3).document(t)
	agree(t, "deploy", n, m)
	if got, want := m.Units[0].Reason, "the plan destroys 3 resources, and the limit is 1"; got != want {
		t.Errorf("reason %q, not %q", got, want)
	}
	if left := s3.resources(t, r.bucket, stateKey(foundation)); len(left) != 3 {
		t.Errorf("the state holds %v", left)
	}
}

// On a pull request the gates are those of the commit that it is to be merged
// into, and that it changes them is told.
func TestEngineGatesAreThoseOfTheTarget(t *testing.T) {
	needs(t, "opa", "checkov")
	r := newRepo(t, tree(unit(foundation, trivial), policed("policy: enforce, checkov: warn"), map[string]string{"policies/deny.rego": deniesWide}, ownCheck(`"of the target"`)))
	r.git(t, "checkout", "-q", "-b", "change")
	r.git(t, "update-ref", "refs/remotes/origin/main", "main")
	r.environ, r.chain = append(r.environ, "USER=octocat"), append(r.chain, "with-variable", "--name", "USER", "--value", "octocat")
	r.write(t, "strata.yaml", strings.Replace(r.read(t, "strata.yaml"), "policy: enforce", "policy: off", 1))
	for name, text := range ownCheck(`"of the change"`) {
		r.write(t, name, text)
	}
	r.write(t, foundation+"/main.tf", wide)
	r.git(t, "rm", "-q", "policies/deny.rego")
	r.git(t, "add", "-A")
	r.commit(t)

	own := r.call(t, "plan", "--env", "staging", "--all", "json").ok(t, 0).run(t)
	if got := check(t, own, "checkov").Findings; len(got) != 1 || got[0].Title != "of the change" {
		t.Errorf("without --gates-from the scanner told %+v", got)
	}
	deploy := []string{"deploy", "--env", "staging", "--all", "--gates-from", "main", "--format", "json"}
	n, m := r.native(t, deploy...).ok(t, 3).document(t), r.call(t, deploy...).ok(t, 3).document(t)
	agree(t, "with --gates-from", n, m)
	if got := check(t, m, "checkov").Findings; len(got) != 1 || got[0].Title != "of the target" {
		t.Errorf("with --gates-from the scanner told %+v", got)
	}
	var changed []string
	for _, f := range check(t, m, "strata").Findings {
		changed = append(changed, f.File)
	}
	if want := []string{"checks/tells.py", "policies/deny.rego", "strata.yaml"}; !slices.Equal(changed, want) {
		t.Errorf("told of changes to %q, not %q", changed, want)
	}

	// A CI vendor's variables, given to the call, say that it is a pull request.
	r.chain = append(r.chain, "with-variable", "--name", "GITHUB_ACTIONS", "--value", "true", "with-variable", "--name", "GITHUB_EVENT_NAME", "--value", "pull_request",
		"with-variable", "--name", "GITHUB_BASE_REF", "--value", "main")
	r.call(t, "plan", "--env", "staging", "--all", "summary").ok(t, 3).says(t, "opa refuses it", "gates, limits, policies and suppressions are those of ")
	r.call(t, "plan", "--env", "staging", "--all", "--gates-from", "nowhere", "summary").ok(t, 1).says(t, "gates come from nowhere (--gates-from): there is no commit, branch or tag nowhere")
}

// The verb asks policies about plans, and is about the policies themselves too:
// their form and their tests.
func TestEngineGatesPolicyIsTheNative(t *testing.T) {
	needs(t, "opa")
	r := newRepo(t, tree(unit(foundation, wide), unit(eu(foundation), trivial), policed("policy: enforce"), map[string]string{
		"policies/deny.rego":   deniesWide,
		"policies/ugly.rego":   "package ugly\nx   :=   1\n",
		"policies/a_test.rego": "package terraform_test\n\nimport data.terraform\n\ntest_wrong if count(terraform.deny) > 0 with input as {\"resource_changes\": []}\n\ntest_right if count(terraform.deny) == 0 with input as {\"resource_changes\": []}\n",
	}))
	r.environ, r.chain = append(r.environ, "USER=octocat"), append(r.chain, "with-variable", "--name", "USER", "--value", "octocat")
	asked := []string{"policy", "--env", "staging", "--all", "--format", "json"}
	n, m := r.native(t, asked...).ok(t, 3).document(t), r.call(t, asked...).ok(t, 3).document(t)
	agree(t, "policy", n, m)
	if got, want := rules(check(t, m, "opa").Findings), []string{"opa/test", "terraform.deny/too-wide", "opa/fmt"}; !slices.Equal(got, want) {
		t.Errorf("rules %q, not %q", got, want)
	}
	want(t, "policy", results(m), map[string]report.Result{"foundation@us-east-1": report.Refused, "foundation@eu-west-1": report.Planned})
	r.call(t, append(slices.Clone(asked), "--fail-on", "never")...).ok(t, 0)
	r.call(t, append(slices.Clone(asked), "--fail-on", "sometimes")...).ok(t, 1).says(t, `--fail-on "sometimes": it is findings or never`)
}

// What Terraform itself says of the code is the same in its container. No
// backend is asked.
func TestEngineGatesValidateIsTheNative(t *testing.T) {
	r := newRepo(t, tree(
		unit(foundation, "module \"m\" {\n  source = \"../../../../../shared/modules/m\"\n}\n"),
		unit(platform, "resource \"terraform_data\" \"this\" {\n  input = var.nam\n}\n"),
		unit(databases, "variable \"size\" {\n  default = 1\n}\n"),
		unit(applications, trivial),
		policed("validate: enforce"),
		map[string]string{
			"shared/modules/m/main.tf": "resource \"terraform_data\"   \"m\" {\n}\n",
			databases + "/size.tftest.hcl": `run "is_large" {
  command = plan

  assert {
    condition     = var.size > 1
    error_message = "The size must be more than 1."
  }
}
`,
		},
	))
	asked := []string{"validate", "--env", "staging", "--format", "json"}
	n := r.native(t, asked...).ok(t, 3).document(t)
	before := s3.count(r.bucket, stateKey(foundation)) + s3.count(r.bucket, stateKey(applications))
	m := r.call(t, asked...).ok(t, 3).document(t)
	agree(t, "validate", n, m)
	if got, want := rules(check(t, m, "terraform").Findings), []string{"terraform/validate", "terraform/test", "terraform/fmt"}; !slices.Equal(got, want) {
		t.Errorf("rules %q, not %q", got, want)
	}
	want(t, "validate", results(m), map[string]report.Result{
		"foundation@us-east-1": report.Refused, "platform@us-east-1": report.Refused, "databases@us-east-1": report.Refused, "applications@us-east-1": report.Unchanged,
	})
	if s3.count(r.bucket, stateKey(foundation))+s3.count(r.bucket, stateKey(applications)) > before {
		t.Error("the backend was asked")
	}
	r.call(t, "validate", "--env", "staging", "--only", "applications").ok(t, 0)

	// As a gate, it holds a deploy.
	r.call(t, "deploy", "--env", "staging", "--only", "databases").ok(t, 3).says(t, "terraform refuses it (1 finding)", "The size must be more than 1.")
	if _, there := s3.object(t, r.bucket, stateKey(databases)); there {
		t.Error("something was applied")
	}
}
