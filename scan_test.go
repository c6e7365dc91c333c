//go:build aliases

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/policy"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/scan"
	"github.com/strata-tf/strata/internal/terraform"
)

// scanned is a fixture whose scanners answer as they did when they scanned
// internal/scan/testdata/vulnerable.
type scanned struct {
	*fixture
	told map[string]outcome // by scanner
}

// lookedAt is the folder of the repository's code in scanners' containers.
const lookedAt = sourceDir + "/repository"

// enforced is what scanners are told of staging where nothing else is said.
const enforced = "scan: {}\nenvironments: {staging: {branch: staging, gates: {scan: enforce}}}\n"

func newScanned(t *testing.T, config string) *scanned {
	t.Helper()
	told := make(map[string]outcome)
	for _, s := range codeScanners() {
		told[s.Name] = recorded(t, s.Name) // before the fixture goes to another folder
	}
	f := &scanned{newFixture(t), told}
	f.repo["strata.yaml"] += config
	for _, s := range codeScanners() {
		f.commands[s.Name] = func(x *execution) outcome {
			if slices.Equal(x.Command[1:], s.VersionArgs) {
				return outcome{Stdout: "v" + s.Version + "\n"}
			}
			return f.told[s.Name]
		}
	}
	return f
}

func codeScanners() []scan.Scanner {
	return slices.DeleteFunc(scan.Scanners(), func(s scan.Scanner) bool { return s.Input != scan.Code })
}

// recorded is what a scanner left, with the module's folder as the repository's.
func recorded(t *testing.T, name string) outcome {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("internal", "scan", "testdata", name, "vulnerable.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var o outcome
	for _, f := range a.Files {
		text := strings.ReplaceAll(string(f.Data), "/repo", lookedAt)
		switch f.Name {
		case "code":
			if o.Code, err = strconv.Atoi(strings.TrimSpace(text)); err != nil {
				t.Fatal(err)
			}
		case "stdout":
			o.Stdout = text
		case "stderr":
			o.Stderr = text
		}
	}
	return o
}

// looks are the runs of a scanner in which it looked at code.
func (f *scanned) looks(s scan.Scanner) []*execution {
	return slices.DeleteFunc(f.ran(s.Name), func(x *execution) bool { return slices.Equal(x.Command[1:], s.VersionArgs) })
}

// document is a run as its function gave it: as its value, or as an error with
// an exit code.
func document(t *testing.T, code int, text string, err error) *report.Run {
	t.Helper()
	if got := exitCode(err); got != code {
		t.Fatalf("exit code %d, not %d: %s%v", got, code, text, err)
	}
	if err != nil {
		text = strings.TrimPrefix(err.Error(), "input: ")
	}
	var run report.Run
	if err := json.Unmarshal([]byte(text), &run); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return &run
}

func TestScanTellsWhatScannersFind(t *testing.T) {
	f := newScanned(t, enforced)
	text, err := call(t.Context(), f.chained().Scan, "Format", "json")
	run := document(t, 3, text, err)
	if run.Verb != "scan" || run.Environment != "staging" || run.Result != report.Refused || len(run.Units) > 0 || len(run.Checks) != 3 {
		t.Errorf("run: %+v", run)
	}
	for i, s := range codeScanners() {
		// All that there is to tell is told.
		o := scan.Options{Root: lookedAt, Cache: privateDir + "/checks"}
		want, err := s.Read(o, scan.Output{ExitCode: f.told[s.Name].Code, Stdout: []byte(f.told[s.Name].Stdout), Stderr: []byte(f.told[s.Name].Stderr)})
		if err != nil {
			t.Fatal(err)
		}
		c := run.Checks[i]
		if c.Tool != s.Name || c.Version != s.Version || c.Mode != "enforce" || len(c.Findings) == 0 || len(c.Findings)+len(c.Known)+c.Below != len(want.Findings) {
			t.Errorf("%s found %d; the check: %+v", s.Name, len(want.Findings), c)
		}

		// It runs as it does natively, and is given nothing that is chained.
		looks := f.looks(s)
		if len(looks) != 1 || len(f.ran(s.Name)) != 2 {
			t.Fatalf("%s ran %d times, and looked %d times", s.Name, len(f.ran(s.Name)), len(looks))
		}
		env := maps.Clone(s.Env)
		if env == nil {
			env = map[string]string{}
		}
		bare := found{Image: s.Tool.Image, User: "0", Env: env, SecretEnv: map[string]string{}, Secrets: map[string]string{}}
		for _, x := range f.ran(s.Name) {
			bare.Workdir = x.Workdir
			if diff := cmp.Diff(bare, foundBy(x)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", x.Command, diff)
			}
		}
		if diff := cmp.Diff(append([]string{s.Tool.Binary}, s.Args(o)...), looks[0].Command); diff != "" || !looks[0].Hushed || looks[0].Workdir != lookedAt {
			t.Errorf("%s in %s, hushed %t (-want +got):\n%s", s.Name, looks[0].Workdir, looks[0].Hushed, diff)
		}
		for _, name := range []string{"strata.yaml", platform + "/main.tf"} {
			if _, there := looks[0].Read(name); !there {
				t.Errorf("%s does not find %s", s.Name, name)
			}
		}
	}
	if n := len(f.ran("terraform")); n > 0 {
		t.Errorf("Terraform ran %d times", n)
	}
	wantNoText(t, "what the engine keeps", strings.Join(f.printed, "\n"), "CKV_AWS_", "aws-rds-", "AWS-0")
}

func TestScanReturnsTheResultInTheFormatAskedFor(t *testing.T) {
	f := newScanned(t, enforced)
	for format, words := range map[string][]string{
		"":         {"Findings that refuse: ", "aws-rds-no-public-db-access (tfsec)", platformID, "TOOL"},
		"markdown": {"aws-rds-no-public-db-access", "|"},
		"junit":    {"<testsuite", "aws-rds-no-public-db-access"},
		"sarif":    {`"version": "2.1.0"`, `"aws-rds-no-public-db-access"`},
	} {
		text, err := call(t.Context(), f.module().Scan, "FailOn", "never", "Format", format)
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, text, words...)
		text, err = call(t.Context(), f.module().Scan, "Format", format)
		wantError(t, err, 3, words...)
		if text != "" {
			t.Errorf("a value stands next to an error, which is lost: %s", text)
		}
	}
}

func TestNothingThatHasNotChangedIsScannedTwice(t *testing.T) {
	f := newScanned(t, enforced)
	scans := func(cached bool) {
		t.Helper()
		before := make(map[string]int)
		for _, s := range codeScanners() {
			before[s.Name] = len(f.looks(s))
		}
		text, err := call(t.Context(), f.module().Scan, "FailOn", "never", "Format", "json")
		for i, c := range document(t, 0, text, err).Checks {
			if looked := len(f.looks(codeScanners()[i])) - before[c.Tool]; c.Cached != cached || (looked == 1) == cached || len(c.Findings) == 0 {
				t.Errorf("%s looked %d times; cached: %t, with %d findings", c.Tool, looked, c.Cached, len(c.Findings))
			}
		}
	}
	scans(false)
	scans(true)
	f.repo["README.md"] = "# Infrastructure\n"
	scans(false)
	scans(true)
	// A gate of a plan has looked then, too.
	before := len(f.looks(codeScanners()[0]))
	_, err := call(t.Context(), f.module().Plan, "Only", []string{"foundation"})
	wantError(t, err, 3, foundationID, "refused")
	if n := len(f.looks(codeScanners()[0])) - before; n != 0 {
		t.Errorf("for the plan it looked %d times", n)
	}
}

// Another image is another scanner, whatever version it says.
func TestAnotherImageLooksAgain(t *testing.T) {
	f := newScanned(t, enforced)
	tfsec := codeScanners()[1]
	for i, s := range []*Strata{f.module(), f.module().WithImage("tfsec", "mine/tfsec:1"), f.module(), f.module().WithImage("checkov", "mine/checkov:1").WithImage("tfsec", "mine/tfsec:1")} {
		if _, err := call(t.Context(), s.Scan, "Tool", []string{tfsec.Name}, "FailOn", "never"); err != nil {
			t.Fatal(err)
		}
		if n := len(f.looks(tfsec)); n != i+1 {
			t.Errorf("after %d scans, each in another image than the one before, it looked %d times", i+1, n)
		}
	}
}

// The tools of a scan run side by side, and each has what it kept itself.
func TestEachScannerFindsWhatItKept(t *testing.T) {
	f := newScanned(t, "")
	e := newEngine(f.module(), t.TempDir())
	v := &volume{engine: e}
	var want []string
	got := make(chan string, 40)
	for i := range cap(got) {
		text := fmt.Sprint("kept ", i)
		want = append(want, text)
		if err := v.Put(t.Context(), fmt.Sprint("scans/", i), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range cap(got) {
		go func() {
			data, err := v.Get(context.WithoutCancel(t.Context()), fmt.Sprint("scans/", i))
			got <- fmt.Sprintf("%s%s", data, strings.TrimPrefix(fmt.Sprint(err), "<nil>"))
		}()
	}
	var all []string
	for range cap(got) {
		all = append(all, <-got)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(all))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What an enforced scanner does not tell is a failure, also where findings are
// none.
func TestAScannerThatTellsNothingFailsWhereItIsEnforced(t *testing.T) {
	for name, spoil := range map[string]func(*scanned){
		"tfsec: its image aquasec/tfsec:v1.28.14 cannot be had": func(f *scanned) { f.noImages = []string{"aquasec/tfsec:v1.28.14"} },
		"tfsec failed with exit code 1: it crashed":             func(f *scanned) { f.told["tfsec"] = outcome{Code: 1, Stderr: "it crashed"} },
		"tfsec printed nothing":                                 func(f *scanned) { f.told["tfsec"] = outcome{} },
	} {
		t.Run(name, func(t *testing.T) {
			f := newScanned(t, enforced)
			spoil(f)
			for _, failOn := range []string{"", "never"} {
				_, err := call(t.Context(), f.module().Scan, "Tool", []string{"tfsec"}, "FailOn", failOn)
				wantError(t, err, 1, "tfsec told nothing: "+name)
			}
			_, err := call(t.Context(), f.module().Deploy, "All", true)
			wantError(t, err, 1, name, "1 tool failed")
			if n := len(f.tf.began("apply")); n > 0 {
				t.Errorf("%d units were applied", n)
			}
			_, err = f.module().AcceptFindings(t.Context(), "", nil, false)
			wantError(t, err, 1, "no baseline was written, since tfsec did not tell all", name)

			f.repo["strata.yaml"] = strings.Replace(f.repo["strata.yaml"], "enforce", "warn", 1)
			text, err := call(t.Context(), f.module().Scan, "Tool", []string{"tfsec"})
			if err != nil {
				t.Fatal(err)
			}
			wantText(t, text, "Warning: tfsec told nothing: "+name)
		})
	}
}

func TestArgumentsOfGatesWithoutAMeaningAreRefused(t *testing.T) {
	f := newScanned(t, enforced)
	f.opa()
	s := f.module()
	for words, args := range map[string][]any{
		`--fail-on "warnings": it is findings or never`:               {"FailOn", "warnings"},
		`--format "xml": it is table, json, markdown, junit or sarif`: {"Format", "xml"},
	} {
		_, err := call(t.Context(), s.Scan, args...)
		wantError(t, err, 1, words)
		_, err = call(t.Context(), s.Policy, args...)
		wantError(t, err, 1, words)
		_, err = call(t.Context(), s.Validate, args...)
		wantError(t, err, 1, words)
	}
	if n := len(f.ran("")); n > 0 {
		t.Errorf("%d commands ran", n)
	}
	_, err := call(t.Context(), s.Scan, "Tool", []string{"tfsec", "nessus"})
	wantError(t, err, 1, "--tool nessus: it is checkov, tfsec, trivy, terraform-compliance")
	for words, args := range map[string][]any{
		"nothing":                  {"Only", []string{"nothing"}},
		"eu-west-1":                {"Region", []string{"eu-west-1"}},
		"--env and --ref: say one": {"Env", "staging", "Ref", "staging"},
		"nowhere":                  {"Env", "nowhere"},
		"no git repository":        {"Base", "main"},
		"--parallelism -1":         {"Parallelism", -1},
	} {
		_, err := call(t.Context(), s.Scan, args...)
		wantError(t, err, 1, words)
		_, err = call(t.Context(), s.Policy, args...)
		wantError(t, err, 1, words)
		_, err = call(t.Context(), s.Validate, args...)
		wantError(t, err, 1, words)
	}
	_, err = call(t.Context(), s.Scan, "GatesFrom", "main")
	wantError(t, err, 1, "--gates-from", "no git repository")
	if n := len(f.tf.began("plan")) + len(f.served); n > 0 {
		t.Errorf("%d plans or servers", n)
	}
	for _, s := range codeScanners() {
		if n := len(f.looks(s)); n > 0 {
			t.Errorf("%s looked %d times", s.Name, n)
		}
	}
}

func TestArgumentsOfScanReachThePipeline(t *testing.T) {
	f := newScanned(t, "scan: {}\nenvironments: {staging: {branch: staging, gates: {scan: enforce}}, production: {branch: main, gates: {scan: off}}}\n")
	scans := func(s *Strata, code int, args ...any) *report.Run {
		t.Helper()
		text, err := call(t.Context(), s.Scan, append(args, "Format", "json")...)
		return document(t, code, text, err)
	}
	asked := func(run *report.Run) (tools []string) {
		for _, c := range run.Checks {
			if tools = append(tools, c.Tool); len(c.Findings) == 0 {
				t.Errorf("%s found nothing", c.Tool)
			}
		}
		return tools
	}
	told := func(run *report.Run) (files []string) {
		for _, c := range run.Checks {
			for _, f := range c.Findings {
				files = append(files, f.File)
			}
		}
		slices.Sort(files)
		return slices.Compact(files)
	}
	const shared = "shared/modules/bucket/main.tf"
	f.repo[shared] = "# what the recorded findings are in\n"
	s := f.module()
	if diff := cmp.Diff([]string{foundation + "/main.tf", platform + "/main.tf", shared}, told(scans(s, 3))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got := asked(scans(s, 3, "Tool", []string{"trivy", "checkov"})); !slices.Equal(got, []string{"checkov", "trivy"}) {
		t.Errorf("--tool asks %q", got)
	}
	for name, args := range map[string][]any{
		"--only":   {"Only", []string{"foundation"}},
		"--region": {"Region", []string{"us-east-1"}, "Only", []string{"foundation", "clients"}},
	} {
		if got := told(scans(s, 3, args...)); !slices.Equal(got, []string{foundation + "/main.tf"}) {
			t.Errorf("%s tells of %q", name, got)
		}
	}

	// What is changed since a base, and whose rules hold.
	c := f.branched()
	s = f.here(c)
	if got := told(scans(s, 3, "Base", "main")); !slices.Equal(got, []string{foundation + "/main.tf"}) {
		t.Errorf("--base tells of %q", got)
	}
	f.repo["strata.yaml"] = strings.Replace(f.repo["strata.yaml"], "scan: enforce", "scan: off", 1)
	c.commit(f.repo)
	s = f.here(c)
	_, err := call(t.Context(), s.Scan)
	wantError(t, err, 3, "no scanner is on for staging")
	run := scans(s, 3, "GatesFrom", "main")
	if run.Checks[0].Tool != "strata" || run.Checks[0].Findings[0].File != "strata.yaml" || len(run.Checks) != 4 {
		t.Errorf("--gates-from: %+v", run.Checks)
	}
	_, err = call(t.Context(), s.Scan, "Env", "", "Ref", "refs/heads/main")
	wantError(t, err, 1, "production")
}

func TestAScannerOfPlansReadsEachUnitsPlan(t *testing.T) {
	f := newFixture(t)
	f.repo["strata.yaml"] += "environments: {staging: {branch: staging, gates: {terraform-compliance: enforce}}}\n"
	f.repo["compliance-rules/form.feature"] = "Feature: form\n"
	f.repo["common.tfvars"] = ""
	f.commands["terraform-compliance"] = func(x *execution) outcome {
		plan, there := x.Read(privateDir + "/compliance-plan.json")
		if _, rules := x.Read("compliance-rules/form.feature"); !rules || !there || !json.Valid([]byte(plan)) {
			return outcome{Code: 1, Stderr: "no rules, or no plan"}
		}
		status, code := "passed", 0
		if strings.Contains(plan, "terraform_data.02-platform") {
			status, code = "failed", 1
		}
		return outcome{Code: code, Stdout: "terraform-compliance v1.16.0 initiated\n" + plan, Files: map[string]string{privateDir + "/compliance-report.json": encode([]any{map[string]any{
			"uri": sourceDir + "/compliance-rules/form.feature", "name": "form", "elements": []any{map[string]any{
				"name": "things are narrow", "steps": []any{map[string]any{"name": "Then it must be", "result": map[string]any{"status": status, "error_message": "Failure: " + vpcID}}},
			}},
		}})}}
	}
	f.deployFoundation("VarFile", []string{"common.tfvars"})
	f.execs = nil
	s := f.chained()
	text, err := call(t.Context(), s.Scan, "Format", "json", "VarFile", []string{"common.tfvars"}, "Parallelism", 1)
	run := document(t, 3, text, err)
	if c := run.Checks[0]; len(run.Checks) != 1 || len(c.Findings) != 1 || c.Findings[0].Rule != "form/things are narrow" || c.Findings[0].Unit != platformID || c.Version != "1.16.0" {
		t.Errorf("checks: %+v", run.Checks)
	}
	want := map[string]report.Result{foundationID: report.Unchanged, platformID: report.Refused, clientID: report.Provisional}
	got := make(map[string]report.Result)
	for _, u := range run.Units {
		got[u.ID] = u.Result
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	for _, x := range f.ran("terraform-compliance") {
		bare := foundBy(x)
		if len(bare.SecretEnv)+len(bare.Services) > 0 || len(bare.Secrets) != 1 || bare.Env["LOG"] != "" || !x.Hushed {
			t.Errorf("it is given %+v, hushed %t", bare, x.Hushed)
		}
	}
	for _, x := range f.terraformSteps() {
		if x.Command[1] == "plan" && !slices.Contains(x.Command, "-var-file=/src/common.tfvars") {
			t.Errorf("%q", x.Command)
		}
	}
	wantNoText(t, "a query", f.sent(), vpcID)
	wantNoText(t, "what the engine keeps", strings.Join(f.printed, "\n"), vpcID, "terraform_data.02-platform")
	if n := len(f.tf.began("apply")); n != 1 {
		t.Errorf("%d units were applied", n-1)
	}
	s = s.WithImage("tofu", "tofu:1")
	if _, err := call(t.Context(), s.Scan, "Only", []string{"foundation"}, "Binary", "tofu"); err != nil || len(f.ran("tofu")) == 0 {
		t.Errorf("with --binary tofu: %v, %d steps of it", err, len(f.ran("tofu")))
	}
}

// deployFoundation deploys the foundation alone: what needs it can be planned.
func (f *fixture) deployFoundation(args ...any) {
	f.t.Helper()
	if _, err := call(f.t.Context(), f.module().Deploy, append(args, "Only", []string{"foundation"})...); err != nil {
		f.t.Fatal(err)
	}
}

// One server answers for all units of a run. It has the policies, and nothing
// that is chained; it is gone with the run.
func TestPolicyAsksAServerThatHasNothingElse(t *testing.T) {
	f := newFixture(t)
	o := f.opa()
	f.repo["strata.yaml"] += "environments: {staging: {branch: staging, gates: {policy: enforce}}}\n"
	o.denies(platformID)
	f.deployFoundation()
	o.asked, f.served = nil, nil
	text, err := call(t.Context(), f.chained().WithVariable("GITHUB_ACTIONS", "true").WithVariable("GITHUB_ACTOR", "octocat").Policy, "All", true, "Format", "json")
	run := document(t, 3, text, err)
	c := run.Checks[0]
	if want := []finding.Finding{{
		Tool: "opa", Rule: "terraform.deny/no", Aliases: []string{"terraform.deny", "no"}, Severity: finding.High, Title: "no platform today", Unit: platformID, Dir: platform, File: policyFile, Line: 3,
	}}; len(run.Checks) != 1 || !cmp.Equal(want, c.Findings) || c.Version != "1.22.2" || c.Looked != 3 {
		t.Errorf("checks: %+v\n%s", run.Checks, cmp.Diff(want, c.Findings))
	}
	if len(f.served) != 1 || f.killed != 2 || len(f.running) > 0 {
		t.Errorf("%d servers, %d killed in all, %d left", len(f.served), f.killed, len(f.running))
	}
	bare := found{Image: policy.Tool().Image, User: "0", Workdir: sourceDir, Env: map[string]string{}, SecretEnv: map[string]string{}, Secrets: map[string]string{}}
	for _, x := range f.ran("opa") {
		if diff := cmp.Diff(bare, foundBy(x)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", x.Command, diff)
		}
	}
	bare.Env = policy.ServeEnv()
	x := f.served[0]
	if diff := cmp.Diff(bare, foundBy(x)); diff != "" {
		t.Errorf("the server (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(append([]string{"opa"}, policy.ServeArgs(policy.Serve{Address: "0.0.0.0:8181", Paths: []string{"policies"}})...), x.Command); diff != "" || !x.Hushed {
		t.Errorf("the server, hushed %t (-want +got):\n%s", x.Hushed, diff)
	}
	var files []string
	for name := range x.Below(sourceDir) {
		files = append(files, name)
	}
	if !slices.Equal(files, []string{policyFile}) {
		t.Errorf("the server has %q", files)
	}
	slices.SortFunc(o.asked, func(a, b asked) int { return strings.Compare(a.Strata["unit"], b.Strata["unit"]) })
	if len(o.asked) != 3 || !strings.Contains(string(o.asked[1].Plan), vpcID) {
		t.Fatalf("asked %d times: %s", len(o.asked), o.asked)
	}
	about := map[string]string{
		"unit": platformID, "layer": "platform", "instance": "", "region": "us-east-1", "environment": "staging", "path": platform,
		"commit": "", "run": run.ID, "verb": "policy", "who": "octocat",
	}
	if diff := cmp.Diff(about, o.asked[2].Strata); diff != "" {
		t.Errorf("data.strata (-want +got):\n%s", diff)
	}
	// What policies are asked about goes to the server alone.
	wantNoText(t, "a query", f.sent(), vpcID)
	wantNoText(t, "what the engine keeps", strings.Join(f.printed, "\n"), vpcID)
}

func TestAServerIsGoneHoweverTheRunEnds(t *testing.T) {
	f := newFixture(t)
	o := f.opa()
	f.repo["strata.yaml"] += "environments: {staging: {branch: staging, gates: {policy: enforce}}}\n"
	o.broken = "out of memory"
	_, err := call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 1, foundationID, "policy of "+foundationID+": out of memory")
	if n := len(f.tf.began("apply")); n > 0 {
		t.Errorf("%d units were applied", n)
	}
	o.broken = ""
	ctx, cancel := context.WithCancel(t.Context())
	o.deny = func(asked) []string { cancel(); return []string{} }
	if _, err = call(ctx, f.module().Deploy, "All", true); err == nil {
		t.Error("no error although it was cancelled")
	}
	o.deny = func(asked) []string { return []string{} }
	f.tf.unit(foundation).planError = "Error: no credentials"
	_, err = call(t.Context(), f.module().Plan, "All", true)
	wantError(t, err, 1, "no credentials")
	if len(f.served) != 3 || f.killed != 3 || len(f.running) > 0 {
		t.Errorf("%d servers, %d killed, %d left", len(f.served), f.killed, len(f.running))
	}

	// Where policies are no good, none is started.
	o.fault = `{"errors":[{"message":"unexpected eof","code":"rego_parse_error","location":{"file":"policies/deny.rego","row":4}}]}`
	_, err = call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 1, "the policies do not compile: policies/deny.rego:4: unexpected eof")
	delete(f.repo, policyFile)
	_, err = call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 3, "policy is enforced in staging, and there is no policy in policies")
	if len(f.served) != 3 {
		t.Errorf("%d servers", len(f.served)-3)
	}
}

func TestDeployAppliesNothingThatAPolicyDenies(t *testing.T) {
	f := newFixture(t)
	o := f.opa()
	f.repo["strata.yaml"] += "environments: {staging: {branch: staging, gates: {policy: enforce}}}\n"
	o.denies(platformID)
	_, err := call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 3, foundationID+"    applied", platformID+"      refused", "opa refuses it (1 finding)", clientID+"  not run", "no platform today")
	if got := f.tf.began("apply"); !slices.Equal(got, []string{"apply " + foundation}) {
		t.Errorf("%q", got)
	}
	_, err = call(t.Context(), f.module().Plan, "All", true)
	wantError(t, err, 3, platformID, "refused", "no platform today")
	o.denies()
	p, err := call(t.Context(), f.module().Plan, "All", true)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, p.Sarif, `"name": "opa"`)
	wantText(t, p.Junit, "<testsuite", platformID)
	wantText(t, f.deploy(f.module()), "2 applied, 1 unchanged")
}

func TestPolicyTestsThePolicies(t *testing.T) {
	f := newFixture(t)
	o := f.opa()
	f.repo["strata.yaml"] += "environments: {staging: {branch: staging, gates: {policy: enforce}}}\n"
	o.ugly, o.failed = []string{policyFile}, []string{"test_wrong"}
	_, err := call(t.Context(), f.module().Policy, "Only", []string{"foundation"})
	wantError(t, err, 3, "the test terraform_test.test_wrong fails", "policies/deny_test.rego:7", "the file is not formatted")
	text, err := call(t.Context(), f.module().Policy, "Only", []string{"foundation"}, "FailOn", "never")
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, text, "test_wrong")
	o.ugly, o.failed = nil, nil
	if _, err := call(t.Context(), f.module().Policy, "Only", []string{"foundation"}); err != nil {
		t.Error(err)
	}
	c := f.branched()
	s := f.here(c)
	before := len(f.tf.began("plan"))
	if _, err := call(t.Context(), s.Policy, "Base", "main"); err != nil {
		t.Error(err)
	}
	if got := f.tf.began("plan")[before:]; !slices.Equal(got, []string{"plan " + foundation}) {
		t.Errorf("--base plans %q", got)
	}
}

func TestValidateAsksTerraformAlone(t *testing.T) {
	f := newFixture(t)
	f.repo["strata.yaml"] += "environments: {staging: {branch: staging, gates: {validate: enforce}}}\n"
	f.repo[platform+"/size.tftest.hcl"] = "run \"it\" {}\n"
	invalid := ""
	f.commands["terraform"] = func(x *execution) outcome {
		switch dir := strings.TrimPrefix(x.Workdir, sourceDir+"/"); x.Command[1] {
		case "fmt":
			return outcome{Code: terraform.FmtUnformatted, Stdout: client + "/main.tf\n"}
		case "validate":
			if dir == invalid {
				return outcome{Code: 1, Stdout: `{"valid":false,"diagnostics":[{"severity":"error","summary":"No such variable","range":{"filename":"main.tf","start":{"line":7}}}]}`}
			}
			return outcome{Stdout: `{"valid":true,"diagnostics":[]}`}
		case "test":
			return outcome{Stdout: stream(map[string]any{"type": "test_summary", "test_summary": map[string]any{"status": "pass", "passed": 1, "failed": 0, "errored": 0, "skipped": 0}})}
		}
		return f.tf.run(t.Context(), x)
	}
	invalid = foundation
	text, err := call(t.Context(), f.chained().Validate, "Format", "json", "Parallelism", 1)
	run := document(t, 3, text, err)
	want := map[string]report.Result{foundationID: report.Refused, platformID: report.Unchanged, clientID: report.Refused}
	got := make(map[string]report.Result)
	for _, u := range run.Units {
		got[u.ID] = u.Result
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	steps := make(map[string][]string)
	for _, x := range f.terraformSteps() {
		dir := strings.TrimPrefix(x.Workdir, sourceDir+"/")
		steps[dir] = append(steps[dir], strings.Join(x.Command[1:], " "))
		if given := foundBy(x); (x.Command[1] == "fmt") != (len(given.SecretEnv) == 0) || (x.Command[1] == "fmt") == (given.Env["LOG"] == "debug") {
			t.Errorf("%s is given %+v", x.Command[1], given)
		}
	}
	unit := []string{strings.Join(terraform.InitWithoutBackendArgs(), " "), strings.Join(terraform.ValidateArgs(), " ")}
	for dir, want := range map[string][]string{"repository": {strings.Join(terraform.FmtArgs(), " ")}, foundation: unit, client: unit, platform: append(slices.Clone(unit), strings.Join(terraform.TestArgs(), " "))} {
		if !slices.Equal(steps[dir], want) {
			t.Errorf("steps in %s: %q, not %q", dir, steps[dir], want)
		}
	}

	if _, err := call(t.Context(), f.module().Validate, "Only", []string{"platform"}); err != nil {
		t.Error(err)
	}
	_, err = call(t.Context(), f.module().Validate, "Only", []string{"clients/acme"})
	wantError(t, err, 3, "the file is not formatted", client+"/main.tf")
	_, err = call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 3, foundationID+"    refused", "No such variable", foundation+"/main.tf:7")
	if n := len(f.tf.began("plan")); n > 0 {
		t.Errorf("%d units were planned", n)
	}
}

// A baseline accepts what is found today.
func TestAcceptFindings(t *testing.T) {
	f := newScanned(t, strings.Replace(enforced, "scan: {}", "scan: {baseline: accepted.json}", 1))
	f.repo["accepted.json"] = `{"schema": "strata.baseline/v1", "findings": []}`
	_, err := call(t.Context(), f.module().Scan)
	wantError(t, err, 3)
	accepted := func(old string, policy bool) string {
		t.Helper()
		name := fmt.Sprintf("baseline-%d", len(f.host))
		f.host[name] = tree(map[string]string{"old.json": old})
		made, err := f.module().AcceptFindings(t.Context(), "", dag.Host().Directory(name).File("old.json"), policy)
		if err != nil {
			t.Fatal(err)
		}
		text, err := made.Contents(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := finding.ReadBaseline([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return text
	}
	made, err := f.module().AcceptFindings(t.Context(), "", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.Contents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.repo["accepted.json"] = text
	if _, err := call(t.Context(), f.module().Scan); err != nil {
		t.Error(err)
	}
	text = accepted(`{"schema": "strata.baseline/v1", "findings": [{"fingerprint": "kept", "tool": "opa", "rule": "r"}, {"fingerprint": "mended", "tool": "tfsec", "rule": "r"}]}`, false)
	wantText(t, text, "CKV_AWS_", `"kept"`)
	wantNoText(t, "the baseline", text, `"mended"`)

	// What policies say of all units' plans, instead.
	o := f.opa()
	o.denies(foundationID)
	text = accepted(`{"schema": "strata.baseline/v1", "findings": [{"fingerprint": "kept", "tool": "tfsec", "rule": "r"}]}`, true)
	wantText(t, text, `"terraform.deny/no"`, foundationID, `"kept"`)
	wantNoText(t, "the baseline", text, "CKV_AWS_")

	_, err = f.module().AcceptFindings(t.Context(), "nowhere", nil, false)
	wantError(t, err, 1, "nowhere")
	f.host["wrong"] = tree(map[string]string{"old.json": "{}"})
	_, err = f.module().AcceptFindings(t.Context(), "", dag.Host().Directory("wrong").File("old.json"), false)
	wantError(t, err, 1, "not a baseline")
}

// One session, the same calls: no step is a hit in the engine's cache.
func TestEveryStepOfGatesIsFresh(t *testing.T) {
	f := newScanned(t, "scan: {}\nenvironments: {staging: {branch: staging, gates: {scan: warn, policy: warn}}}\n")
	f.opa()
	f.deploy(f.module())
	s := f.module()
	seen := make(map[string]string)
	for range 2 {
		f.execs, f.served = nil, nil
		for _, ask := range []func() error{
			func() error { _, err := call(t.Context(), s.Scan); return err },
			func() error { _, err := call(t.Context(), s.Policy, "All", true); return err },
			func() error { _, err := call(t.Context(), s.Plan, "All", true); return err },
		} {
			if err := ask(); err != nil {
				t.Fatal(err)
			}
		}
		if len(f.ran("checkov")) != 2 || len(f.ran("opa")) == 0 || len(f.served) != 2 {
			t.Errorf("checkov ran %d times, opa %d times, %d servers", len(f.ran("checkov")), len(f.ran("opa")), len(f.served))
		}
		for _, x := range slices.Concat(f.ran(""), f.served) {
			if fetches(x) || x.Workdir == "/providers" || slices.Contains([]string{"cp", "mkdir"}, x.Name()) {
				continue
			}
			name, nonce := strings.Join(x.Command, " "), x.Env["STRATA_NONCE"]
			if other, twice := seen[nonce]; twice || nonce == "" {
				t.Errorf("%s has the nonce %q of %q", name, nonce, other)
			}
			seen[nonce] = name
		}
	}
}
