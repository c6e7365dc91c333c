package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/finding"
)

const (
	broken = "package terraform\n\ndeny contains msg if {\n\tinput.x ==\n}\n"
	unsafe = "package terraform\n\ndeny contains msg if {\n\tinput.x == y\n\tmsg := \"m\"\n}\n"
	ugly   = "package terraform\n\nx if {input.x}\n"
	neat   = "package terraform\n\ny if input.y\n"
)

// TestBroken has every command say where the fault is.
func TestBroken(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want Fault
	}{
		"syntax": {broken, Fault{"policies/a.rego", 5, "rego_parse_error", "unexpected } token"}},
		"unsafe": {unsafe, Fault{"policies/a.rego", 4, "rego_unsafe_var_error", "var y is unsafe"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := policies(t, map[string]string{"policies/a.rego": test.text})
			for command, args := range map[string][]string{
				"check": CheckArgs(V1, "policies"), "test": TestArgs(V1, "policies"), "fmt": FormatArgs(V1, "policies"), "parse": ParseArgs(V1, "policies/a.rego"),
				"serve": ServeArgs(Serve{Address: "127.0.0.1:0", Paths: []string{"policies"}}),
			} {
				if name == "unsafe" && (command == "fmt" || command == "parse") {
					continue // they do not compile
				}
				out := run(t, dir, args...)
				if out.code == 0 {
					t.Errorf("%s passes", command)
				}
				faults := ReadFaults(out.stderr)
				if len(faults) == 0 {
					faults = ReadFaults(out.stdout)
				}
				if diff := cmp.Diff([]Fault{test.want}, faults); diff != "" {
					t.Errorf("%s: -want +got:\n%s", command, diff)
				}
				if command == "test" {
					if _, err := ReadTests(out.code, out.stdout, out.stderr); err == nil || !strings.HasPrefix(err.Error(), "opa test: "+test.want.String()) {
						t.Errorf("test: got %v", err)
					}
				}
			}
		})
	}
}

func TestFormat(t *testing.T) {
	read := func(files map[string]string) ([]finding.Finding, error) {
		out := run(t, policies(t, files), FormatArgs(V1, "policies")...)
		return ReadFormat(out.code, out.stdout, out.stderr)
	}
	got, err := read(map[string]string{"policies/a.rego": ugly, "policies/sub/b.rego": ugly, "policies/c.rego": neat})
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range got {
		files = append(files, f.File)
	}
	if diff := cmp.Diff([]string{"policies/a.rego", "policies/sub/b.rego"}, files); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got, err := read(map[string]string{"policies/c.rego": neat}); err != nil || len(got) > 0 {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := read(map[string]string{"policies/a.rego": ugly, "policies/b.rego": broken}); err == nil || !strings.Contains(err.Error(), "policies/b.rego:5: unexpected } token") {
		t.Errorf("a broken one beside: got %v, %v", got, err)
	}
	if got, err := read(map[string]string{"other/a.rego": ugly}); err == nil {
		t.Errorf("no folder: got %v", got)
	}
}

func TestTests(t *testing.T) {
	read := func(files map[string]string) (Tests, error) {
		out := run(t, policies(t, files), TestArgs(V1, "policies")...)
		return ReadTests(out.code, out.stdout, out.stderr)
	}
	got, err := read(map[string]string{
		"policies/a.rego": "package a\n\nf(x) := 1 if x\n\nf(_) := 2\n",
		"policies/a_test.rego": `package a_test

import data.a

test_ok if true

test_no if false

test_error if a.f(true) == 1

todo_test_later if false
`})
	if err != nil {
		t.Fatal(err)
	}
	want := Tests{Passed: 1, Failed: 2, Skipped: 1, Findings: []finding.Finding{
		{Tool: "opa", Rule: RuleTest, Severity: finding.High, Title: "the test a_test.test_no fails", File: "policies/a_test.rego", Line: 7, Resource: "test_no"},
		{
			Tool: "opa", Rule: RuleTest, Severity: finding.High, File: "policies/a_test.rego", Line: 9, Resource: "test_error",
			Title: "the test a_test.test_error fails: policies/a.rego:5: function data.a.f produced conflicting values for the same inputs: 1 at policies/a.rego:3 2 at policies/a.rego:5",
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got, err := read(map[string]string{"policies/a.rego": neat}); err != nil || got.Passed+got.Failed+got.Skipped > 0 {
		t.Errorf("no tests: got %v, %v", got, err)
	}
	if got, err := read(nil); err == nil {
		t.Errorf("no folder: got %v", got)
	}
}

// TestCrash makes sure that a command that did not do its work is never without
// findings.
func TestCrash(t *testing.T) {
	for _, code := range []int{1, 2, 137, -1} {
		for _, stdout := range []string{"", "[", `[{"name":"test_a"}]`} {
			if got, err := ReadTests(code, []byte(stdout), []byte("panic: x")); err == nil {
				t.Errorf("test, %d, %q: got %v", code, stdout, got)
			}
		}
		if got, err := ReadFormat(code, nil, []byte("panic: x")); err == nil {
			t.Errorf("fmt, %d: got %v", code, got)
		}
	}
	for _, stdout := range []string{"", "[{", "no JSON"} {
		if got, err := ReadTests(0, []byte(stdout), nil); err == nil {
			t.Errorf("test, %q: got %v", stdout, got)
		}
	}
	if got := FaultError(nil).Error(); got != "opa failed and said nothing" {
		t.Error(got)
	}
	if got := FaultError([]byte("panic: out of memory\n")).Error(); got != "panic: out of memory" {
		t.Error(got)
	}
	for _, tree := range []string{"", "{}", `{"package":{"path":[]}}`, "[", "null"} {
		if m, err := ReadModule("a.rego", []byte(tree)); err == nil {
			t.Errorf("tree %q: got %v", tree, m)
		}
	}
}

// TestLibrary runs what Strata runs over the policies that others can use.
func TestLibrary(t *testing.T) {
	out := run(t, library, FormatArgs(V1, ".")...)
	if got, err := ReadFormat(out.code, out.stdout, out.stderr); err != nil || len(got) > 0 {
		t.Errorf("fmt: %v, %v", got, err)
	}
	out = run(t, library, "check", "--strict", ".")
	if out.code != 0 {
		t.Errorf("check: %s", out.stderr)
	}
	out = run(t, library, TestArgs(V1, ".")...)
	if got, err := ReadTests(out.code, out.stdout, out.stderr); err != nil || got.Passed < 20 || got.Failed+got.Skipped > 0 {
		t.Errorf("test: %+v, %v", got, err)
	}
}

func TestReadVersion(t *testing.T) {
	if got := ReadVersion([]byte("Version: 1.22.2\nBuild Commit: \nGo Version: go1.26.8\n")); got != "1.22.2" {
		t.Errorf("got %q", got)
	}
	out := run(t, t.TempDir(), VersionArgs()...)
	if ReadVersion(out.stdout) == "" {
		t.Errorf("no version in %s", out.stdout)
	}
}
