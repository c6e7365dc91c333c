//go:build engine

package enginetest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/report"
)

var codeScanners = []string{"checkov", "tfsec", "trivy"}

// vulnerable is a repository with faults, unlike any other: what scanners told
// of another run is not of the same files.
func vulnerable(t *testing.T, config string) *repo {
	t.Helper()
	r := newRepo(t, files(t, filepath.Join(moduleDir, "internal", "scan", "testdata", "vulnerable")))
	r.write(t, "strata.yaml", config)
	r.write(t, "shared/modules/bucket/unlike.tf", "# "+random()+"\n")
	r.git(t, "add", "-A")
	r.commit(t)
	r.chain = withImages()
	return r
}

// cached says of each tool whether it did not have to look.
func cached(run *report.Run) map[string]bool {
	out := make(map[string]bool)
	for _, c := range run.Checks {
		out[c.Tool] = c.Cached
	}
	return out
}

// Scanners find in their containers what they find natively, byte for byte, and
// look only once at the same files.
func TestEngineGatesScanIsTheNative(t *testing.T) {
	needs(t, codeScanners...)
	r := vulnerable(t, "version: 1\nscan: {}\n")
	asked := func(format string) []string {
		return []string{"scan", "--env", "staging", "--fail-on", "never", "--format", format}
	}
	// One that was built from source may not know its version.
	native := r.native(t, asked("json")...).ok(t, 0).run(t)
	first := r.logged(t, asked("json")...).ok(t, 0)
	if !strings.Contains(first.stderr, "--soft-fail") {
		t.Fatalf("the log does not tell which commands run:\n%s", first.stderr)
	}
	agree(t, "scan", native, first.run(t))
	if diff := cmp.Diff(map[string]bool{"checkov": false, "tfsec": false, "trivy": false}, cached(first.run(t))); diff != "" {
		t.Errorf("cached (-want +got):\n%s", diff)
	}

	second := r.logged(t, asked("json")...).ok(t, 0)
	agree(t, "scan again", native, second.run(t))
	if diff := cmp.Diff(map[string]bool{"checkov": true, "tfsec": true, "trivy": true}, cached(second.run(t))); diff != "" {
		t.Errorf("cached again (-want +got):\n%s", diff)
	}
	for _, args := range []string{"--skip-download", "--soft-fail", "--misconfig-scanners"} {
		if !strings.Contains(first.stderr, args) || strings.Contains(second.stderr, args) {
			t.Errorf("the scanner with %s ran first: %t, and again: %t", args, strings.Contains(first.stderr, args), strings.Contains(second.stderr, args))
		}
	}
	t.Logf("first %.1fs, then %.1fs", first.took.Seconds(), second.took.Seconds())

	n, m := r.native(t, asked("sarif")...).ok(t, 0).stdout, r.call(t, asked("sarif")...).ok(t, 0).stdout
	if diff := cmp.Diff(n, sameVersions(native, m)); diff != "" {
		t.Errorf("SARIF: native (-) and module (+) differ:\n%s", diff)
	}

	r.write(t, platform+"/more.tf", "resource \"aws_sns_topic\" \"more\" {\n  name = \"more\"\n}\n")
	third := r.call(t, asked("json")...).ok(t, 0).run(t)
	agree(t, "scan after a change", r.native(t, asked("json")...).ok(t, 0).run(t), third)
	if diff := cmp.Diff(cached(first.run(t)), cached(third)); diff != "" {
		t.Errorf("cached after a change (-want +got):\n%s", diff)
	}
	for _, c := range third.Checks {
		if !slices.ContainsFunc(append(c.Findings, c.Known...), func(f finding.Finding) bool { return f.File == platform+"/more.tf" }) {
			t.Errorf("%s does not tell of the new file", c.Tool)
		}
	}
}

// sameVersions leaves the versions out of a SARIF log that native tools do not
// know: those that were built from source.
func sameVersions(native *report.Run, sarif string) string {
	for _, c := range native.Checks {
		name, _ := json.Marshal(c.Tool) // a string always can be
		head := `"name": ` + string(name) + ",\n"
		before, after, found := strings.Cut(sarif, head)
		if line, rest, _ := strings.Cut(after, "\n"); found && c.Version == "" && strings.Contains(line, `"version": `) {
			sarif = before + head + rest
		}
	}
	return sarif
}

// A baseline accepts what is found today, so that only what is new counts. It is
// the one that the native command writes.
func TestEngineGatesAcceptFindings(t *testing.T) {
	needs(t, "tfsec", "trivy")
	const config = "version: 1\nscan: {baseline: accepted.json, checkov: {mode: off}}\nenvironments:\n  staging: {branch: staging, gates: {tfsec: enforce, trivy: enforce}}\n"
	r := vulnerable(t, strings.Replace(config, "baseline: accepted.json, ", "", 1))
	scan := []string{"scan", "--env", "staging"}
	r.call(t, scan...).ok(t, 3).says(t, "findings refuse")
	r.call(t, "accept-findings", "--env", "staging", "export", "--path", "accepted.json").ok(t, 0)
	r.native(t, append(slices.Clone(scan), "--write-baseline", "native.json")...).ok(t, 0)
	accepted := r.read(t, "accepted.json")
	if diff := cmp.Diff(r.read(t, "native.json"), accepted); diff != "" {
		t.Errorf("native (-) and module's (+) baseline differ:\n%s", diff)
	}
	if err := os.Remove(filepath.Join(r.dir, "native.json")); err != nil {
		t.Fatal(err)
	}
	r.call(t, scan...).ok(t, 3) // nothing names it yet
	r.write(t, "strata.yaml", config)
	r.git(t, "add", "-A")
	r.commit(t)
	passed := r.call(t, append(slices.Clone(scan), "--format", "json")...).ok(t, 0).run(t)
	agree(t, "scan with the baseline", r.native(t, append(slices.Clone(scan), "--format", "json")...).ok(t, 0).run(t), passed)
	for _, c := range passed.Checks {
		if len(c.Findings) > 0 || len(c.Known) == 0 {
			t.Errorf("%s with the baseline: %+v", c.Tool, c)
		}
	}

	r.write(t, platform+"/more.tf", "resource \"aws_sns_topic\" \"more\" {\n  name = \"more\"\n}\n")
	r.call(t, scan...).ok(t, 3).says(t, platform+"/more.tf")
	// What an older one accepts of other tools stays.
	r.write(t, "accepted.json", `{"schema": "strata.baseline/v1", "findings": [{"fingerprint": "of-another", "tool": "another", "rule": "r"}]}`)
	again := r.call(t, "accept-findings", "--env", "staging", "--baseline", "accepted.json", "contents").ok(t, 0).stdout
	b, err := finding.ReadBaseline([]byte(again))
	if err != nil || !slices.ContainsFunc(b.Findings, func(e finding.BaselineEntry) bool { return e.Tool == "another" }) || len(b.Findings) < strings.Count(accepted, "fingerprint") {
		t.Errorf("the older one's are not in it: %v\n%s", err, again)
	}
}

const narrowRule = `Feature: form

  Scenario: things are narrow
    Given I have terraform_data defined
    Then it must have input
    And its value must be narrow
`

// Scanners hold back what their findings concern: of the code, the units that
// use it; of a plan, its unit. The others go on.
func TestEngineGatesHoldBackWhatScannersFind(t *testing.T) {
	needs(t, "checkov", "terraform-compliance")
	narrow := strings.Replace(wide, "wide", "narrow", 1)
	repository := tree(unit(foundation, narrow), unit(platform, narrow), unit(databases, wide), unit(applications, narrow), map[string]string{
		"strata.yaml": `version: 1
layers:
  - {name: foundation, path: "regions/{region}/layers/01-foundation/{env}", watch: ["shared/sg/**"]}
  - {name: platform, path: "regions/{region}/layers/02-platform/{env}", needs: [foundation]}
  - {name: databases, path: "regions/{region}/layers/03-databases/{env}"}
  - {name: applications, path: "regions/{region}/layers/04-applications/{env}"}
environments:
  staging: {branch: staging, gates: {checkov: enforce, terraform-compliance: enforce}}
  development: {branch: "*"}
`,
		"compliance-rules/form.feature": narrowRule,
		"shared/sg/main.tf":             "resource \"aws_security_group_rule\" \"ssh\" {\n  type        = \"ingress\"\n  description = \"ssh\"\n  from_port   = 22\n  to_port     = 22\n  protocol    = \"tcp\"\n  cidr_blocks = [\"0.0.0.0/0\"]\n}\n",
	})
	repository[strings.Replace(platform, "staging", "development", 1)+"/main.tf"] = narrow
	native, module := newRepo(t, repository), newRepo(t, repository)
	asked := []string{"scan", "--env", "staging", "--format", "json"}
	n, m := native.native(t, asked...).ok(t, 3).document(t), module.call(t, asked...).ok(t, 3).document(t)
	agree(t, "scan", n, m)
	if got := rules(check(t, m, "terraform-compliance").Findings); !slices.Equal(got, []string{"form/things are narrow"}) {
		t.Errorf("terraform-compliance told %q", got)
	}
	if got := rules(check(t, m, "checkov").Findings); !slices.Contains(got, "CKV_AWS_24") {
		t.Errorf("checkov told %q", got)
	}
	deploy := []string{"deploy", "--env", "staging", "--all", "--format", "json"}
	n, m = native.native(t, deploy...).ok(t, 3).document(t), module.call(t, deploy...).ok(t, 3).document(t)
	agree(t, "deploy", n, m)
	want(t, "deploy", results(m), map[string]report.Result{
		"foundation@us-east-1": report.Refused, "platform@us-east-1": report.NotRun, "databases@us-east-1": report.Refused, "applications@us-east-1": report.Applied,
	})
	for _, dir := range []string{foundation, platform, databases} {
		if _, there := s3.object(t, module.bucket, stateKey(dir)); there {
			t.Errorf("%s has a state", dir)
		}
	}
	module.call(t, "scan", "--env", "staging", "--only", "applications").ok(t, 0)
	module.call(t, "scan", "--env", "staging", "--tool", "nessus").ok(t, 1).says(t, "--tool nessus: it is checkov, tfsec, trivy, terraform-compliance")
	module.call(t, "scan", "--env", "development").ok(t, 3).says(t, "no scanner is on for development")
}

// A scanner that is enforced and tells nothing lets nothing pass.
func TestEngineGatesScannersThatTellNothing(t *testing.T) {
	needs(t, "tfsec", "terraform-compliance")
	alpine, err := image("alpine")
	if err != nil {
		t.Fatal(err)
	}
	instead := func(tool, image string, args ...string) []string {
		return append([]string{"with-image", "--tool", tool, "--image", image}, args...)
	}
	r := newRepo(t, tree(unit(foundation, trivial), unit(strings.Replace(foundation, "staging", "development", 1), trivial), policed("tfsec: enforce")))
	deploy := []string{"deploy", "--env", "staging", "--all"}
	scan := []string{"scan", "--env", "staging"}
	for _, args := range [][]string{deploy, scan} {
		r.call(t, instead("tfsec", alpine, args...)...).ok(t, 1).says(t, "tfsec", "told nothing", `"tfsec": executable file not found`)
		r.call(t, instead("tfsec", "127.0.0.1:1/nope:1", args...)...).ok(t, 1).says(t, "its image 127.0.0.1:1/nope:1 cannot be had", "with-image --tool tfsec --image …")
	}
	r.call(t, instead("tfsec", alpine, "scan", "--env", "development", "--tool", "tfsec")...).ok(t, 0)
	if _, there := s3.object(t, r.bucket, stateKey(foundation)); there {
		t.Error("something was applied")
	}

	config := r.read(t, "strata.yaml")
	r.write(t, "strata.yaml", config+"tools: {tfsec: {binary: /bin/echo, image: \""+alpine+"\"}}\n")
	r.call(t, scan...).ok(t, 1).says(t, "tfsec printed something that is not JSON: /src/repository")

	r.write(t, "strata.yaml", strings.Replace(config, "tfsec: enforce", "terraform-compliance: enforce", 1))
	r.call(t, deploy...).ok(t, 3).says(t, "terraform-compliance is enforced in staging, and there is no rule (*.feature) in compliance-rules")
	r.write(t, "compliance-rules/form.feature", narrowRule)
	r.call(t, instead("terraform-compliance", alpine, deploy...)...).ok(t, 1).says(t, "terraform-compliance failed with exit code 127")
	if _, there := s3.object(t, r.bucket, stateKey(foundation)); there {
		t.Error("something was applied")
	}
}
