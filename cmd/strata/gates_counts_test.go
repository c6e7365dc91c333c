//go:build unix

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

// vulnerableVar names a folder with a public repository that is vulnerable on
// purpose, such as bridgecrewio/terragoat.
const vulnerableVar = "STRATA_TEST_VULNERABLE"

// place is what a tool and Strata must say alike of a finding.
type place struct {
	Rule, File string
	Line, End  int
	Title      string
}

func comparePlaces(a, b place) int {
	return cmp.Or(
		strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.End, b.End),
		strings.Compare(a.Rule, b.Rule), strings.Compare(a.Title, b.Title),
	)
}

// distinct sorts places, and leaves out what is there again: a module's finding
// for each of its callers. Words that differ in their spaces are the same.
func distinct(list []place) []place {
	for i := range list {
		list[i].Title = strings.Join(strings.Fields(list[i].Title), " ")
	}
	slices.SortFunc(list, comparePlaces)
	return slices.Compact(list)
}

// ownScan is how a person runs a tool in a repository, and what its report says:
// read here by itself, not by what is tested.
type ownScan struct {
	args  []string
	env   []string
	codes []int
	read  func(root string, report []byte) ([]place, error)
}

func ownScans(cache string) map[string]ownScan {
	return map[string]ownScan{
		stack.Checkov: {
			args: []string{"--directory", ".", "--framework", "terraform", "--output", "json", "--skip-download", "--download-external-modules", "false"},
			env:  []string{"LOG_LEVEL=ERROR"}, codes: []int{0, 1}, read: readCheckov,
		},
		stack.Tfsec: {
			args:  []string{".", "--format", "json", "--no-color", "--force-all-dirs", "--no-module-downloads"},
			codes: []int{0, 1}, read: readTfsec,
		},
		stack.Trivy: {
			args: []string{
				"config", "--format", "json", "--misconfig-scanners", "terraform", "--skip-check-update", "--skip-version-check",
				"--disable-telemetry", "--quiet", "--cache-dir", cache, ".",
			},
			codes: []int{0}, read: readTrivy,
		},
	}
}

func readCheckov(_ string, data []byte) ([]place, error) {
	var printed struct {
		Results struct {
			Failed []struct {
				ID    string `json:"check_id"`
				Name  string `json:"check_name"`
				File  string `json:"file_path"`
				Lines [2]int `json:"file_line_range"`
			} `json:"failed_checks"`
			Unread []string `json:"parsing_errors"`
		} `json:"results"`
	}
	if err := json.Unmarshal(data, &printed); err != nil {
		return nil, err
	}
	if len(printed.Results.Unread) > 0 {
		return nil, fmt.Errorf("it cannot read %v", printed.Results.Unread)
	}
	var list []place
	for _, c := range printed.Results.Failed {
		list = append(list, place{c.ID, strings.TrimPrefix(c.File, "/"), c.Lines[0], c.Lines[1], c.Name})
	}
	return list, nil
}

func readTfsec(root string, data []byte) ([]place, error) {
	var printed struct {
		Results []struct {
			ID       string `json:"long_id"`
			Words    string `json:"description"`
			Location struct {
				File  string `json:"filename"`
				Start int    `json:"start_line"`
				End   int    `json:"end_line"`
			} `json:"location"`
		} `json:"results"`
	}
	if err := json.Unmarshal(data, &printed); err != nil {
		return nil, err
	}
	var list []place
	for _, r := range printed.Results {
		file, err := filepath.Rel(root, r.Location.File)
		if err != nil {
			return nil, err
		}
		list = append(list, place{r.ID, filepath.ToSlash(file), r.Location.Start, r.Location.End, r.Words})
	}
	return list, nil
}

func readTrivy(_ string, data []byte) ([]place, error) {
	var printed struct {
		Results []struct {
			Target            string
			Misconfigurations []struct {
				ID, Message, Status string
				CauseMetadata       struct{ StartLine, EndLine int }
			}
		}
	}
	if err := json.Unmarshal(data, &printed); err != nil {
		return nil, err
	}
	var list []place
	for _, r := range printed.Results {
		for _, m := range r.Misconfigurations {
			if m.Status == "FAIL" {
				list = append(list, place{m.ID, r.Target, m.CauseMetadata.StartLine, m.CauseMetadata.EndLine, m.Message})
			}
		}
	}
	return list, nil
}

// byHand runs a tool in a folder, with the variables besides those of the test,
// and returns what it prints. It is skipped where the tool is not there.
func byHand(t *testing.T, dir, tool string, env, args []string, codes ...int) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), needTool(t, tool), args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	printed, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || !slices.Contains(codes, cmd.ProcessState.ExitCode()) {
		t.Fatalf("%s %s: %v\n%s%s", tool, strings.Join(args, " "), err, printed, stderr.String())
	}
	return printed
}

func needTool(t *testing.T, tool string) string {
	t.Helper()
	binary, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("needs %s: it is not on PATH", tool)
	}
	return binary
}

// ends waits for a process that takes its time: scanners do.
func (p *process) ends(code int) *process {
	p.repo.t.Helper()
	select {
	case err := <-p.done:
		p.done <- err
	case <-time.After(10 * time.Minute):
	}
	return p.exits(code)
}

// check is what a tool told, the one way in which it is gated.
func (p *process) check(tool string) report.Check {
	p.repo.t.Helper()
	run := p.run()
	i := slices.IndexFunc(run.Checks, func(c report.Check) bool { return c.Tool == tool })
	if i < 0 {
		p.repo.t.Fatalf("nothing is told of %s\n%s", tool, p)
	}
	if len(run.Checks[i].Errors) > 0 {
		p.repo.t.Fatalf("%s: %v", tool, run.Checks[i].Errors)
	}
	return run.Checks[i]
}

// The counts of each scanner are its own, on a repository of ours that is
// vulnerable on purpose, and on a public one.
func TestScanCounts(t *testing.T) {
	t.Parallel()
	roots := map[string]string{"ours": filepath.Join("..", "..", "internal", "scan", "testdata", "vulnerable"), "public": os.Getenv(vulnerableVar)}
	for name, root := range roots {
		for tool, own := range ownScans(filepath.Join(t.TempDir(), "none")) {
			t.Run(name+"/"+tool, func(t *testing.T) {
				t.Parallel()
				if root == "" {
					t.Skipf("needs a public repository: %s names no folder", vulnerableVar)
				}
				needTool(t, tool)
				r := newRepo(t, nil)
				if err := os.CopyFS(r.dir, os.DirFS(root)); err != nil {
					t.Fatal(err)
				}
				config := "environments:\n  staging: {branch: staging, gates: {severity: info}}\n"
				if name == "public" { // its folders are no units of anybody's
					config += "layers:\n  - {name: none, path: \"strata-none/{env}\"}\n"
					r.write("strata-none/staging/main.tf", "resource \"terraform_data\" \"none\" {\n}\n")
				}
				r.write("strata.yaml", config)
				told, err := own.read(r.dir, byHand(t, r.dir, tool, own.env, own.args, own.codes...))
				if err != nil {
					t.Fatal(err)
				}
				all, told := len(told), distinct(told)
				c := r.start("scan", "--env", "staging", "--tool", tool, "--format", "json").ends(0).check(tool)
				var got []place
				for _, f := range c.Findings {
					got = append(got, place{f.Rule, f.File, f.Line, f.End, f.Title})
					if both := strings.HasPrefix(f.File, "shared/"); name == "ours" && both != (len(f.Units) == 2) {
						t.Errorf("%s of %s concerns %v", f.Rule, f.File, f.Units)
					}
				}
				slices.SortFunc(got, comparePlaces)
				if diff := gocmp.Diff(told, got); diff != "" || all == 0 {
					t.Errorf("%s tells %d: -own +Strata's\n%s", tool, all, diff)
				}
				if len(c.Known) > 0 || c.Below > 0 {
					t.Errorf("%d are known, %d below the threshold", len(c.Known), c.Below)
				}
				t.Logf("%d by its own count, in %d places; Strata tells %d", all, len(told), len(got))
			})
		}
	}
}

// The units of TestPlanCounts are one that every policy lets pass, and what one
// change makes of it.
func planUnits() map[string][2]string {
	return map[string][2]string{
		"passing":     {},
		"open":        {`cidr_blocks       = ["10.99.0.0/16"]`, `cidr_blocks       = ["0.0.0.0/0"]`},
		"unencrypted": {`encrypted         = true`, `encrypted         = false`},
		"weak":        {`deletion_protection         = true`, `deletion_protection         = false`},
	}
}

// What policies and rules in sentences say of real plans of the AWS provider is
// what their tools say of the same plans by hand, and one change of a unit that
// passes flips the gate of that unit alone.
func TestPlanCounts(t *testing.T) {
	t.Parallel()
	mirror := needMirror(t)
	needTool(t, "opa")
	needTool(t, stack.Compliance)
	r := newRepo(t, map[string]string{
		"strata.yaml": `
layers:
  - {name: unit, path: "units/{instance}/{env}"}
environments:
  production: {branch: main, gates: {policy: enforce, terraform-compliance: enforce}}
`,
		// By hand, policies see nothing of what Strata knows but this.
		"../strata.json": `{"strata": {"environment": "production"}}`,
	})
	for _, folder := range []string{"policies", "compliance-rules"} {
		if err := os.CopyFS(r.path(folder), os.DirFS(filepath.Join("..", "..", "testdata", folder))); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range planUnits() {
		r.writeUnit("units/"+name+"/production", change)
	}
	p := r.start("plan", "--env", "production", "--all", "--provider-mirror", mirror, "--out", r.path("../out"), "--format", "json").ends(3)
	for name := range planUnits() {
		t.Run(name, func(t *testing.T) {
			id, want := "unit/"+name+"@global:production", report.Refused
			if name == "passing" {
				want = report.Planned
			}
			p.result(id, want)
			plan := r.showPlan(t, id, "units/"+name+"/production")
			denied := r.ownDenials(t, plan)
			if diff := gocmp.Diff(denied, titles(p.check("opa").Findings, id)); diff != "" {
				t.Errorf("opa: -own +Strata's\n%s", diff)
			}
			broken := r.ownBroken(t, plan)
			if diff := gocmp.Diff(broken, rulesOf(p.check(stack.Compliance).Findings, id)); diff != "" {
				t.Errorf("terraform-compliance: -own +Strata's\n%s", diff)
			}
			if passes := name == "passing"; passes != (len(denied) == 0) || passes != (len(broken) == 0) {
				t.Errorf("denied: %q, broken: %q", denied, broken)
			}
			t.Logf("%d KB: policies deny %q, broken are %q", len(plan)>>10, denied, broken)
		})
	}
}

// writeUnit writes the unit whose plans are recorded for the policies' tests,
// with one text replaced.
func (r *repo) writeUnit(dir string, change [2]string) {
	r.t.Helper()
	from := filepath.Join("..", "..", "internal", "policy", "testdata", "record", "unit")
	if err := os.CopyFS(r.path(dir), os.DirFS(from)); err != nil {
		r.t.Fatal(err)
	}
	text, err := os.ReadFile(r.path(dir + "/main.tf"))
	if err != nil {
		r.t.Fatal(err)
	}
	if change[0] != "" {
		if strings.Count(string(text), change[0]) != 1 {
			r.t.Fatalf("it does not hold %q once", change[0])
		}
		r.write(dir+"/main.tf", strings.Replace(string(text), change[0], change[1], 1))
	}
	r.write(dir+"/terraform.tfvars", "name = \"unit00\"\nsize = 2\n")
}

// showPlan is the saved plan of a unit as JSON, as Terraform itself tells it.
func (r *repo) showPlan(t *testing.T, id, dir string) []byte {
	t.Helper()
	saved, err := filepath.Glob(r.path("../out/*/plan.tfplan"))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(saved, func(name string) bool {
		return filepath.Base(filepath.Dir(name)) == strings.NewReplacer("/", "+", ":", "@").Replace(id)
	})
	if i < 0 {
		t.Fatalf("no plan of %s among %q", id, saved)
	}
	return bytes.TrimSpace(byHand(t, r.path(dir), terraformBinary(), nil, []string{"show", "-json", saved[i]}, 0))
}

// ownDenials are the messages of `opa eval`, sorted.
func (r *repo) ownDenials(t *testing.T, plan []byte) []string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(name, plan, 0o600); err != nil {
		t.Fatal(err)
	}
	printed := byHand(t, r.dir, "opa", nil, []string{
		"eval", "--format", "json", "--data", "policies", "--data", r.path("../strata.json"), "--input", name, "data.terraform.deny",
	}, 0)
	var answer struct {
		Result []struct {
			Expressions []struct {
				Value []string `json:"value"`
			} `json:"expressions"`
		} `json:"result"`
	}
	if err := json.Unmarshal(printed, &answer); err != nil || len(answer.Result) != 1 {
		t.Fatalf("%v: %s", err, printed)
	}
	denied := answer.Result[0].Expressions[0].Value
	slices.Sort(denied)
	return slices.Clip(denied)
}

// ownBroken are the scenarios that break by terraform-compliance's own report:
// the rule's file, its name and the line that is broken, sorted.
func (r *repo) ownBroken(t *testing.T, plan []byte) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "plan.json"), plan, 0o600); err != nil {
		t.Fatal(err)
	}
	byHand(t, dir, stack.Compliance, []string{"PYTHONWARNINGS=ignore"}, []string{
		"--features", r.path("compliance-rules"), "--planfile", "plan.json", "--silent", "--no-ansi", "--cucumber-json=out.json",
	}, 0, 1)
	data, err := os.ReadFile(filepath.Join(dir, "out.json"))
	if err != nil {
		t.Fatal(err)
	}
	var features []struct {
		URI      string `json:"uri"`
		Elements []struct {
			Name  string `json:"name"`
			Steps []struct {
				Line   int `json:"line"`
				Result struct {
					Status string `json:"status"`
				} `json:"result"`
			} `json:"steps"`
		} `json:"elements"`
	}
	if err := json.Unmarshal(data, &features); err != nil {
		t.Fatal(err)
	}
	broken := []string{}
	for _, f := range features {
		for _, e := range f.Elements {
			name, _, _ := strings.Cut(e.Name, " - row ") // of an outline's examples
			for _, s := range e.Steps {
				if s.Result.Status == "failed" {
					broken = append(broken, fmt.Sprintf("%s: %s:%d", name, path.Base(f.URI), s.Line))
				}
			}
		}
	}
	slices.Sort(broken)
	return slices.Compact(broken)
}

// titles are those of a unit's findings, sorted.
func titles(list []finding.Finding, unit string) []string {
	all := []string{}
	for _, f := range list {
		if f.Unit == unit {
			all = append(all, f.Title)
		}
	}
	slices.Sort(all)
	return all
}

// rulesOf are the rules that a unit's plan breaks, in the form of ownBroken.
func rulesOf(list []finding.Finding, unit string) []string {
	all := []string{}
	for _, f := range list {
		if f.Unit == unit {
			all = append(all, fmt.Sprintf("%s: %s", path.Base(f.Rule), path.Base(f.Help)))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
