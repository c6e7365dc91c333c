package terraform

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/finding"
)

// ask runs the real Terraform in a folder.
func ask(t *testing.T, dir string, args ...string) (code int, stdout, stderr []byte) {
	t.Helper()
	name := os.Getenv("STRATA_BINARY")
	if name == "" {
		name = "terraform"
	}
	if _, err := exec.LookPath(name); err != nil {
		t.Skip("needs " + name)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.Bytes(), errs.Bytes()
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadFmt(t *testing.T) {
	dir := write(t, map[string]string{
		"a/ugly.tf": "resource \"terraform_data\"   \"a\" {\n}\n", "a/neat.tf": "locals {\n  a = 1\n}\n",
		"templates/with a long name/of a file that is not terraform yet.tf": "resource {{ x }}\n",
	})
	code, stdout, stderr := ask(t, dir, FmtArgs()...)
	got, err := ReadFmt("terraform", code, stdout, stderr)
	if err != nil {
		t.Fatal(err)
	}
	want := []finding.Finding{
		{Tool: "terraform", Rule: RuleFmt, Severity: finding.High, File: "templates/with a long name/of a file that is not terraform yet.tf", Line: 1, Help: "mend it, or leave it out (scan.skip)"},
	}
	for i := range got {
		if got[i].Severity == finding.High && strings.HasPrefix(got[i].Title, "the file cannot be read: ") {
			got[i].Title = ""
			got[i].Occurrence = 0
		}
	}
	got = got[:min(len(got), 1)] // it may tell several faults of one file
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s\n%s", diff, stderr)
	}
	// Beside a file that it cannot read it lists no others.
	dir = write(t, map[string]string{"a/ugly.tf": "resource \"terraform_data\"   \"a\" {\n}\n", "a/neat.tf": "locals {\n  a = 1\n}\n"})
	code, stdout, stderr = ask(t, dir, FmtArgs()...)
	want = []finding.Finding{{Tool: "terraform", Rule: RuleFmt, Severity: finding.Medium, Title: "the file is not formatted", File: "a/ugly.tf", Help: "terraform fmt a/ugly.tf"}}
	if got, err = ReadFmt("terraform", code, stdout, stderr); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := ReadFmt("terraform", 1, nil, []byte("panic")); err == nil || err.Error() != "terraform fmt: panic" {
		t.Errorf("got %v", err)
	}
	if _, err := ReadFmt("terraform", FmtUnformatted, nil, nil); err == nil {
		t.Error("no file is listed, and no error")
	}
}

func TestReadValidateAndTests(t *testing.T) {
	dir := write(t, map[string]string{
		"main.tf":             "variable \"name\" {\n  default = \"x\"\n}\n",
		"tests/a.tftest.hcl":  "run \"right\" {\n  command = plan\n}\n\nrun \"wrong\" {\n  command = plan\n  assert {\n    condition     = var.name == \"y\"\n    error_message = \"it must be y\"\n  }\n}\n",
		"broken/main.tf":      "output \"a\" {\n  value = var.nam\n}\n",
		"broken/a.tftest.hcl": "run \"a\" {\n}\n",
	})
	code, stdout, stderr := ask(t, dir, TestArgs()...)
	tests, err := ReadTests("terraform", "u@r:e", "u", code, stdout, stderr)
	if err != nil {
		t.Fatal(err)
	}
	want := Tests{Passed: 1, Failed: 1, Findings: []finding.Finding{{
		Tool: "terraform", Rule: RuleTest, Severity: finding.High, Unit: "u@r:e", File: "u/tests/a.tftest.hcl", Line: 8, Resource: "wrong",
		Title: "the test wrong of tests/a.tftest.hcl: Test assertion failed: it must be y",
	}}}
	if diff := cmp.Diff(want, tests); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	_, stdout, stderr = ask(t, filepath.Join(dir, "broken"), ValidateArgs()...)
	found, err := ReadValidate("terraform", "u@r:e", "u", stdout, stderr)
	if err != nil || len(found) != 1 || found[0].File != "u/main.tf" || found[0].Line != 2 || found[0].Severity != finding.High {
		t.Errorf("got %+v, %v", found, err)
	}
	if _, err := ReadValidate("terraform", "u", "u", []byte(`{"valid"`), nil); err == nil {
		t.Error("half a report is no error")
	}
	if _, err := ReadTests("terraform", "u", "u", 1, nil, []byte("no such command")); err == nil {
		t.Error("no report is no error")
	}
}

func TestTestsOnlyPlan(t *testing.T) {
	for text, want := range map[string]bool{
		"run \"a\" {\n  command = plan\n}\n":                        true,
		"run \"a\" {\n}\n":                                          false,
		"run \"a\" {\n  command = apply\n}\n":                       false,
		"run \"a\" {\n  command = plan\n}\nrun \"b\" {\n}\n":        false,
		"run \"a\" {\n":                                             false,
		"variables {\n  a = 1\n}\nrun \"a\" {\n  command = plan\n}": true,
	} {
		if got := TestsOnlyPlan(map[string][]byte{"a.tftest.hcl": []byte(text)}); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
	for text, want := range map[string]bool{`{"run": {"a": {"command": "plan"}}}`: true, `{"run": {"a": {}}}`: false} {
		if got := TestsOnlyPlan(map[string][]byte{"a.tftest.json": []byte(text)}); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
