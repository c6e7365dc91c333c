package ciexamples

import (
	"encoding/json"
	"encoding/xml"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What gates find in a pull request is shown by each vendor, also where they
// refuse, and the gates are those of the branch that it is merged into.

const (
	// The target's policy is newer than the feature.
	oldPolicy = `package terraform

deny contains "there are no resource changes" if not input.resource_changes
`
	newPolicy = `package terraform

# METADATA
# title: nothing is changed
deny contains msg if {
	input.output_changes.changed
	msg := "an output is changed"
}
`
	policed = `
environments:
  production: {branch: main, gates: {policy: enforce}}
  staging: {branch: staging, gates: {policy: enforce}}
  development: {branch: "*"}
`
	denied = "terraform.deny/nothing-is-changed"

	scanned = `
environments:
  production: {branch: main, gates: {trivy: enforce}}
  staging: {branch: staging, gates: {trivy: enforce}}
  development: {branch: "*"}
`
	open = `
resource "aws_security_group_rule" "open" {
  type        = "ingress"
  from_port   = 22
  to_port     = 22
  protocol    = "tcp"
  cidr_blocks = ["0.0.0.0/0"]
}
`
	tooOpen = "AWS-0107"
)

// newGatedWorld is a world whose policy denies what the feature does. The feature
// switches it off, too.
func newGatedWorld(t *testing.T) *world {
	t.Helper()
	need(t, "opa")
	w := newWorld(t, func(work string) {
		write(t, filepath.Join(work, "policies/deny.rego"), oldPolicy)
		change(t, filepath.Join(work, "strata.yaml"), policed)
	})
	work := filepath.Join(w.dir, "work")
	w.git(t, work, "checkout", "-q", "staging")
	write(t, filepath.Join(work, "policies/deny.rego"), newPolicy)
	w.commit(t, work, "deny what is changed")
	w.git(t, work, "push", "-q", "origin", "staging")
	if out, err := w.run(w.clone(t, "refs/heads/staging", 1), []string{"STRATA_SECRET_DB_PASSWORD=" + password}, w.strata, "deploy", "--env", "staging"); err != nil {
		t.Fatal(err)
	} else {
		wantText(t, out, "12 applied")
	}
	w.more(t, func(work string) { off(t, work, "policy") })
	return w
}

// newScannedWorld is a world whose scanner refuses what the feature does. The
// feature switches it off, too. Nothing is deployed, and there is no Terraform.
func newScannedWorld(t *testing.T) *world {
	t.Helper()
	need(t, "trivy")
	w := newWorld(t, func(work string) { change(t, filepath.Join(work, "strata.yaml"), scanned) })
	w.more(t, func(work string) {
		change(t, filepath.Join(work, "regions/us-east-1/clients/ezra/staging/main.tf"), open)
		off(t, work, "trivy")
	})
	return w
}

// off switches a gate off.
func off(t *testing.T, work, gate string) {
	t.Helper()
	at := filepath.Join(work, "strata.yaml")
	write(t, at, strings.ReplaceAll(read(t, at), gate+": enforce", gate+": off"))
}

// more adds a commit to the feature, and to its merge into staging.
func (w *world) more(t *testing.T, do func(work string)) {
	t.Helper()
	work := filepath.Join(w.dir, "work")
	w.git(t, work, "checkout", "-q", "feature")
	do(work)
	w.commit(t, work, "more of the feature")
	w.git(t, work, "checkout", "-q", "-B", "merge", "staging")
	w.git(t, work, "merge", "-q", "--no-ff", "-m", "merge", "feature")
	w.git(t, work, "push", "-qf", "origin", "feature", "merge:refs/pull/7/merge")
}

// wantSARIF checks a file for code scanning: there is a run in it, as GitHub wants
// it, and these are the rules that something breaks.
func wantSARIF(t *testing.T, text string, rules ...string) {
	t.Helper()
	var log struct {
		Runs []struct {
			Results []struct {
				RuleID string `json:"ruleId"`
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	found := map[string]bool{}
	for _, run := range log.Runs {
		for _, result := range run.Results {
			found[result.RuleID] = true
		}
	}
	slices.Sort(rules)
	if got := slices.Sorted(maps.Keys(found)); len(log.Runs) == 0 || !slices.Equal(got, rules) {
		t.Errorf("%d runs with the rules %v, want at least one with %v", len(log.Runs), got, rules)
	}
}

// wantTests checks a JUnit report: it names something, and so many of its tests
// fail.
func wantTests(t *testing.T, text, names string, failures int) {
	t.Helper()
	var report struct {
		Cases []struct {
			Failures []struct{} `xml:"failure"`
			Errors   []struct{} `xml:"error"`
		} `xml:"testsuite>testcase"`
	}
	if err := xml.Unmarshal([]byte(text), &report); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	got := 0
	for _, c := range report.Cases {
		got += len(c.Failures) + len(c.Errors)
	}
	if got != failures || !strings.Contains(text, names) {
		t.Errorf("%d of %d tests fail, want %d, and one of %s:\n%s", got, len(report.Cases), failures, names, text)
	}
}

// wantUploads checks the categories of what was uploaded.
func wantUploads(t *testing.T, uploaded map[string]string, categories ...string) {
	t.Helper()
	if got := slices.Sorted(maps.Keys(uploaded)); !slices.Equal(got, categories) {
		t.Errorf("uploaded for %v, want %v", got, categories)
	}
}

// wantRefused checks that a job failed because of what a gate said.
func wantRefused(t *testing.T, out string, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("the job passed:\n%s", out)
	}
	wantText(t, out, says...)
}

func TestGitHubGates(t *testing.T) {
	need(t, "act")
	w := newGatedWorld(t)
	for _, file := range []string{"github.yml", "github-dagger.yml"} {
		out, err := w.act(t, file, "pull_request", "refs/pull/7/merge", pullRequest("acme"))
		wantRefused(t, out, err, "opa refuses it", "gates-changed")
		uploaded := w.uploaded(t)
		if file == "github-dagger.yml" {
			wantUploads(t, uploaded)
			continue
		}
		wantUploads(t, uploaded, "strata-plan")
		wantSARIF(t, uploaded["strata-plan"], "gates-changed", denied)
	}

	// A run that does not start says so in its report too, which is no pass.
	w.more(t, func(work string) { write(t, filepath.Join(work, "strata.yaml"), "layers: none\n") })
	out, err := w.act(t, "github.yml", "pull_request", "refs/pull/7/merge", pullRequest("acme"))
	wantRefused(t, out, err, "strata.yaml:1")
	uploaded := w.uploaded(t)
	wantUploads(t, uploaded, "strata-plan")
	if text := uploaded["strata-plan"]; !strings.Contains(text, `"executionSuccessful": false`) {
		t.Errorf("uploaded %s", text)
	}

	// Where Strata did not run there is no file, and none is uploaded.
	out, err = w.act(t, "github.yml", "pull_request", "refs/pull/7/merge", pullRequest("acme"), "--var", "AWS_PLAN_ROLE=")
	wantRefused(t, out, err, "Job failed")
	wantUploads(t, w.uploaded(t))
	if strings.Contains(out, "Main Findings") {
		t.Errorf("an upload of no file was tried:\n%s", out)
	}
}

func TestGitLabGates(t *testing.T) {
	need(t, "gitlab-ci-local", "rsync")
	w := newGatedWorld(t)
	for _, file := range []string{"gitlab-ci.yml", "gitlab-ci-dagger.yml"} {
		dir := w.gitlabCheckout(t, "refs/heads/feature", gitDepth(t, file, "plan staging"),
			map[string]string{".gitlab-ci.yml": serviceLine.ReplaceAllString(example(t, file), "")})
		out, err := w.gitlab(dir, mergeRequest(w, t, "1"))
		wantRefused(t, out, err, "opa refuses it", "gates-changed")
		if file == "gitlab-ci.yml" {
			wantTests(t, read(t, filepath.Join(dir, "strata.xml")), denied, 2) // the unit and what is found
		}
	}
}

func TestAzureGates(t *testing.T) {
	need(t, "bash")
	w := newGatedWorld(t)
	for _, file := range []string{"azure-pipelines.yml", "azure-pipelines-dagger.yml"} {
		a := newAzure(w, t, file, "refs/pull/7/merge", azureRequest())
		err := a.job(t, azureJobs(azureStage(t, file, "plan"))[0], nil)
		wantRefused(t, a.out.String()+strings.Join(a.summaries, ""), err, "opa refuses it", "gates-changed")
		if file == "azure-pipelines.yml" {
			wantTests(t, strings.Join(a.published, ""), denied, 2)
			wantSARIF(t, a.artifacts["CodeAnalysisLogs/strata.sarif"], "gates-changed", denied)
		}
	}
}

func TestGitHubScan(t *testing.T) {
	need(t, "act")
	const file, call = "github-scan.yml", "strata scan --tool trivy --format markdown --report sarif=strata.sarif"
	w := newScannedWorld(t)
	out, err := w.act(t, file, "push", "refs/heads/staging", pushed("staging"))
	if err != nil {
		t.Fatal(err)
	}
	wantCalls(t, w, call)
	wantText(t, out, "Summary - ", "scan of staging: succeeded")
	uploaded := w.uploaded(t)
	wantUploads(t, uploaded, "strata-scan")
	wantSARIF(t, uploaded["strata-scan"])

	out, err = w.act(t, file, "pull_request", "refs/pull/7/merge", pullRequest("acme"))
	wantRefused(t, out, err, "scan of staging: refused", tooOpen)
	wantCalls(t, w, call)
	uploaded = w.uploaded(t)
	wantUploads(t, uploaded, "strata-scan")
	wantSARIF(t, uploaded["strata-scan"], "gates-changed", tooOpen)

	// A fork's is scanned too. That its token may not upload fails nothing.
	w.more(t, func(work string) { w.git(t, work, "revert", "-n", "HEAD") })
	write(t, filepath.Join(w.uploads, "not"), "allowed") // the folder cannot be made
	if out, err = w.act(t, file, "pull_request", "refs/pull/7/merge", pullRequest("stranger")); err != nil {
		t.Fatal(err)
	}
	wantCalls(t, w, call)
	wantText(t, out, "scan of staging: succeeded", "Failure - Main Findings")
	wantUploads(t, w.uploaded(t))
}

func TestGitLabScan(t *testing.T) {
	need(t, "gitlab-ci-local", "rsync")
	const file = "gitlab-ci-scan.yml"
	w := newScannedWorld(t)
	dir := w.gitlabCheckout(t, "refs/heads/feature", gitDepth(t, file, "scan"), map[string]string{
		".gitlab-ci.yml":          example(t, "gitlab-ci.yml") + "\ninclude: /.gitlab/strata-scan.yml\n",
		".gitlab/strata-scan.yml": example(t, file),
	})
	out, err := w.gitlab(dir, mergeRequest(w, t, "2")) // a fork's, for which nothing else runs
	wantRefused(t, out, err, "scan staging", tooOpen)
	wantCalls(t, w, "strata scan --tool trivy --report junit=strata.xml --report sarif=strata.sarif")
	wantTests(t, read(t, filepath.Join(dir, "strata.xml")), tooOpen, 1)
	wantSARIF(t, read(t, filepath.Join(dir, "strata.sarif")), "gates-changed", tooOpen)
}

func TestAzureScan(t *testing.T) {
	need(t, "bash")
	const file = "azure-pipelines-scan.yml"
	w := newScannedWorld(t)
	a := newAzure(w, t, file, "refs/pull/7/merge", azureRequest())
	err := a.job(t, azureJobs(parse(t, file))[0], nil)
	wantRefused(t, a.out.String()+strings.Join(a.summaries, ""), err, "scan of staging: refused", tooOpen)
	wantCalls(t, w, "strata scan --tool trivy --format markdown --report junit="+a.temp+"/strata.xml --report sarif="+a.temp+"/strata.sarif")
	wantTests(t, strings.Join(a.published, ""), tooOpen, 1)
	wantSARIF(t, a.artifacts["CodeAnalysisLogs/strata.sarif"], "gates-changed", tooOpen)
}
