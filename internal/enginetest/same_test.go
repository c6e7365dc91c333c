//go:build engine

package enginetest

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/report"
)

// The repository looks the same to the module as to the native command.
func TestEngineUnitsAndGraphAreTheNativeOnes(t *testing.T) {
	r := live(t)
	for _, args := range [][]string{
		{"units"},
		{"units", "--env", "staging", "--region", "eu-west-1", "--format", "json"},
		{"graph", "--env", "staging"},
		{"graph", "--env", "staging", "--only", "platform", "--format", "json"},
		{"graph", "--env", "production", "--format", "mermaid"},
		{"graph", "--env", "production", "--format", "dot"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			native, module := r.native(t, args...).ok(t, 0), r.call(t, args...).ok(t, 0)
			if diff := cmp.Diff(native.stdout, module.stdout); diff != "" {
				t.Errorf("native (-) and module (+) differ:\n%s", diff)
			}
		})
	}
}

// Every verb comes to the same results, unit by unit, as the native command: the
// same ids, results, reasons, counts, resources, attributes and outputs.
func TestEnginePlanDeployAndDestroyComeToTheNativeResults(t *testing.T) {
	native, module := live(t), live(t)
	both := func(change func(r *repo)) { change(native); change(module) }
	compare := func(name string, args ...string) (n, m *report.Run) {
		t.Helper()
		args = append(args, "--env", "staging", "--region", "us-east-1", "--all", "--format", "json")
		n, m = native.native(t, args...).ok(t, 0).run(t), module.call(t, args...).ok(t, 0).run(t)
		if diff := cmp.Diff(canonical(t, n), canonical(t, m)); diff != "" {
			t.Errorf("%s: native (-) and module (+) differ:\n%s", name, diff)
		}
		if want := module.git(t, "rev-parse", "HEAD"); m.Commit != want {
			t.Errorf("%s: commit %q, not %s", name, m.Commit, want)
		}
		return n, m
	}

	bundles(t, native, module)
	_, m := compare("first deploy", "deploy")
	for id, result := range results(m) {
		if result != report.Applied {
			t.Errorf("first deploy: %s %s", id, result)
		}
	}
	compare("second deploy", "deploy")

	both(func(r *repo) {
		r.write(t, foundation+"/change.auto.tfvars", "flow_log_retention_days = 7\n")
		r.write(t, client("ezra")+"/change.auto.tfvars", `hostnames = ["new.example.com"]`+"\n")
		r.git(t, "add", "-A")
		r.commit(t)
	})
	texts(t, native, module, bundles(t, native, module))
	n, _ := compare("deploy of a change", "deploy")
	if n.Units[0].Result != report.Applied {
		t.Fatalf("the change is none: %+v", n.Units[0])
	}
	_, m = compare("destroy", "destroy", "--confirm", "staging")
	for id, result := range results(m) {
		if result != report.Destroyed {
			t.Errorf("destroy: %s %s", id, result)
		}
	}
	for _, dir := range []string{foundation, platform, databases, client("ezra")} {
		if left := s3.resources(t, module.bucket, stateKey(dir)); len(left) > 0 {
			t.Errorf("after destroy %s still holds %v", dir, left)
		}
	}
}

var planning = []string{"plan", "--env", "staging", "--region", "us-east-1", "--all"}

// bundles compares the files that a plan gives, and returns the module's.
func bundles(t *testing.T, native, module *repo) map[string]string {
	t.Helper()
	// The native command keeps data folders, and then needs no init.
	native.git(t, "clean", "-fdxq")
	nativeOut, moduleOut := t.TempDir(), filepath.Join(t.TempDir(), "bundle")
	native.native(t, append(slices.Clone(planning), "--out", nativeOut, "--format", "markdown")...).ok(t, 0)
	module.call(t, append(slices.Clone(planning), "bundle", "export", "--path", moduleOut)...).ok(t, 0)
	n, m := files(t, nativeOut), files(t, moduleOut)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(n)), slices.Sorted(maps.Keys(m))); diff != "" {
		t.Errorf("files of the bundle: native (-) and module (+) differ:\n%s", diff)
	}
	for name := range n {
		var a, b any = normal(n[name]), normal(m[name])
		switch filepath.Base(name) {
		case "plan.tfplan":
			continue // binary; what is in it is in plan.json
		case "log.txt":
			a, b = sorted(n[name]), sorted(m[name])
		case "run.json":
			a, b = canonical(t, answer{stdout: n[name]}.run(t)), canonical(t, answer{stdout: m[name]}.run(t))
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s of the bundle: native (-) and module (+) differ:\n%s", name, diff)
		}
	}
	return m
}

// texts compares the texts that a plan gives.
func texts(t *testing.T, native, module *repo, bundle map[string]string) {
	t.Helper()
	for function, format := range map[string]string{"markdown": "markdown", "summary": "table"} {
		n := native.native(t, append(slices.Clone(planning), "--format", format)...).ok(t, 0)
		m := module.call(t, append(slices.Clone(planning), function)...).ok(t, 0)
		if diff := cmp.Diff(normal(n.stdout), normal(m.stdout)); diff != "" {
			t.Errorf("%s of the plan: native (-) and module (+) differ:\n%s", function, diff)
		}
	}
	document := module.call(t, append(slices.Clone(planning), "json")...).ok(t, 0).run(t)
	if diff := cmp.Diff(canonical(t, answer{stdout: bundle["run.json"]}.run(t)), canonical(t, document)); diff != "" {
		t.Errorf("json of the plan: the bundle's (-) and the returned (+) differ:\n%s", diff)
	}
}

// files reads a folder.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		out[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// canonical is a run without what differs from one run to the next.
func canonical(t testing.TB, run *report.Run) *report.Run {
	t.Helper()
	c := *run
	c.ID, c.Started, c.Seconds, c.Commit, c.Logs = "", time.Time{}, 0, "", ""
	c.Units = slices.Clone(run.Units)
	for i := range c.Units {
		// A log is named where there is one to look into.
		c.Units[i].Seconds, c.Units[i].Log, c.Units[i].Diff = 0, "", normal(c.Units[i].Diff)
	}
	c.Checks = slices.Clone(run.Checks)
	for i := range c.Checks {
		c.Checks[i].Seconds, c.Checks[i].Cached = 0, false
	}
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	text := ids.ReplaceAllString(string(data), "ID")
	if run.ID != "" { // that policies may tell
		text = strings.ReplaceAll(text, run.ID, "RUN")
	}
	var clean report.Run
	if err := json.Unmarshal([]byte(text), &clean); err != nil {
		t.Fatal(err)
	}
	return &clean
}

var (
	// ids are what the example's stand-ins for cloud resources are called by.
	ids     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{12,}\b`)
	varying = regexp.MustCompile(`(?m)\b\d{2}:\d{2}:\d{2}\.\d{3}\b|\b(\d+m)?\d+(\.\d+)?s\b|\b\d{8}T\d{6}Z-[0-9a-f]{6}\b|\b[0-9a-f]{7,12}\b|^Logs: .*\n\n?`)
	spaces  = regexp.MustCompile(`[ -]+`)
)

// normal is text without what differs from one run to the next: ids, times,
// commits, and the widths of columns that hold them.
func normal(text string) string {
	text = varying.ReplaceAllString(ids.ReplaceAllString(text, "ID"), "…")
	return strings.TrimRight(spaces.ReplaceAllString(text, " "), "\n…")
}

// sorted are the lines of a text: those of a log stand in no certain order.
func sorted(text string) []string { return slices.Sorted(strings.Lines(normal(text))) }
