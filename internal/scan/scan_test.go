package scan

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/finding"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestScanners makes sure that each scanner says all that is asked of it.
func TestScanners(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range Scanners() {
		if s.Name == "" || seen[s.Name] {
			t.Errorf("the name %q is missing or there twice", s.Name)
		}
		seen[s.Name] = true
		if s.Args == nil || s.Parse == nil || s.VersionArgs == nil {
			t.Errorf("%s: a function is missing", s.Name)
		}
		if s.Tool.Name != s.Name || s.Tool.Binary == "" {
			t.Errorf("%s: its tool is %+v", s.Name, s.Tool)
		}
		if _, tag, ok := strings.Cut(s.Tool.Image, ":"); !ok || strings.TrimPrefix(tag, "v") != s.Version {
			t.Errorf("%s: image %s is not of version %s", s.Name, s.Tool.Image, s.Version)
		}
		if !strings.Contains(s.Install, s.Version) {
			t.Errorf("%s: %q does not install version %s", s.Name, s.Install, s.Version)
		}
		page, err := os.ReadFile(filepath.Join("..", "..", "docs", "scanners", s.Name+".md"))
		if err != nil {
			t.Errorf("%s has no page: %v", s.Name, err)
		} else if !strings.Contains(string(page), s.Install) {
			t.Errorf("the page of %s does not say how to install it: %s", s.Name, s.Install)
		}
	}
}

// TestRecordings reads what the real tools printed.
func TestRecordings(t *testing.T) {
	type counts struct{ Findings, Told, Suppressed, Files int }
	for _, test := range []struct {
		tool, name string
		want       counts
		says       string // of the error
	}{
		{"checkov", "vulnerable", counts{30, 38, 1, 3}, ""},
		{"checkov", "clean", counts{0, 0, 0, 1}, ""},
		{"checkov", "plain", counts{}, ""},
		{"checkov", "broken", counts{2, 1, 0, 2}, ""},
		{"checkov", "empty", counts{}, ""},
		{"checkov", "missing", counts{}, `checkov printed nothing \(exit code 0\): \[ERROR\] Directory /repo does not exist; skipping it; run it by hand`},
		{"tfsec", "vulnerable", counts{20, 40, 1, 3}, ""},
		{"tfsec", "clean", counts{0, 0, 0, 1}, ""},
		{"tfsec", "plain", counts{}, ""},
		{"tfsec", "broken", counts{}, "tfsec failed with exit code 1: Error: scan failed: repo/sub/main.tf:2,11-3,1: Invalid expression"},
		{"tfsec", "empty", counts{}, ""},
		{"tfsec", "missing", counts{}, "tfsec failed with exit code 1: Error: failed to access provided path: stat /repo"},
		{"trivy", "vulnerable", counts{16, 25, 0, 5}, ""},
		{"trivy", "clean", counts{0, 0, 0, 1}, ""},
		{"trivy", "plain", counts{0, 0, 0, 1}, ""},
		{"trivy", "broken", counts{2, 1, 0, 3}, ""},
		{"trivy", "empty", counts{}, ""},
		{"trivy", "missing", counts{}, "trivy failed with exit code 1: FATAL Fatal error .*lstat /repo: no such file or directory"},
		{"terraform-compliance", "platform", counts{3, 3, 1, 6}, ""},
		{"terraform-compliance", "foundation", counts{3, 3, 0, 6}, ""},
		{"terraform-compliance", "norules", counts{}, `terraform-compliance wrote no report \(exit code 1\): Error: No feature or no scenario`},
		{"terraform-compliance", "nonsense", counts{}, `terraform-compliance wrote no report \(exit code 1\): Cannot find step definition for step 'Given I have a thing that no step knows' in /repo/nonsense/a.feature:4; mend`},
		{"terraform-compliance", "noplan", counts{}, "terraform-compliance wrote no report .*none.json is not a file"},
	} {
		t.Run(test.tool+"/"+test.name, func(t *testing.T) {
			s := scanner(t, test.tool)
			o, out := sample{tool: test.tool, name: test.name, features: "features"}.load(t)
			got, err := s.Read(o, out)
			if test.says != "" {
				mustSay(t, err, test.says)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, counts{len(got.Findings), got.Told, got.Suppressed, got.Files}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if test.tool != "tfsec" && got.Version != s.Version { // tfsec does not say
				t.Errorf("got version %q, want %s", got.Version, s.Version)
			}
			golden(t, filepath.Join("testdata", test.tool, test.name+".golden.json"), got.Findings)
		})
	}
}

func golden(t *testing.T, file string, list []finding.Finding) {
	t.Helper()
	if len(list) == 0 {
		return
	}
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(list); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s: -want +got:\n%s", file, diff)
	}
}

func mustSay(t *testing.T, err error, pattern string) {
	t.Helper()
	var fault *Error
	if !errors.As(err, &fault) {
		t.Fatalf("got error %v, want an *Error", err)
	}
	if !regexp.MustCompile(pattern).MatchString(err.Error()) {
		t.Errorf("got %q, want %q", err, pattern)
	}
	if !strings.HasSuffix(err.Error(), fmt.Sprintf(", or switch %s off under scan in strata.yaml", fault.Tool)) {
		t.Errorf("%q does not say what to do", err)
	}
}

// TestFailures makes of a good run what must never pass as one.
func TestFailures(t *testing.T) {
	good := map[string]string{"checkov": "vulnerable", "tfsec": "vulnerable", "trivy": "vulnerable", "terraform-compliance": "platform"}
	for name, test := range map[string]struct {
		change func(code *int, text *[]byte, stderr *[]byte)
		says   string
	}{
		"killed":                     {func(code *int, text, _ *[]byte) { *code, *text = 137, (*text)[:100] }, `was killed \(exit code 137\), most often for want of memory; give it more`},
		"killed with a whole report": {func(code *int, _, _ *[]byte) { *code = 137 }, `was killed \(exit code 137\)`},
		"ended":                      {func(code *int, _, _ *[]byte) { *code = 143 }, `was ended by signal 15 \(exit code 143\); run it again`},
		"another code":               {func(code *int, _, _ *[]byte) { *code = 2 }, `failed with exit code 2.*; mend what it says`},
		"signal":                     {func(code *int, _, _ *[]byte) { *code = -1 }, `failed with exit code -1`},
		"half a report":              {func(_ *int, text, _ *[]byte) { *text = (*text)[:len(*text)/2] }, `was cut off: its JSON ends in the middle, after \d+ bytes; run it again`},
		"all but the end":            {func(_ *int, text, _ *[]byte) { *text = bytes.TrimRight(*text, "}]\n") }, `was cut off`},
		"nothing":                    {func(_ *int, text, _ *[]byte) { *text = []byte{} }, `printed nothing \(exit code \d\)`},
		"spaces":                     {func(_ *int, text, _ *[]byte) { *text = []byte(" \n") }, `printed nothing`},
		"not JSON":                   {func(_ *int, text, _ *[]byte) { *text = []byte("Usage:\x1b[31m of it") }, `printed something that is not JSON: Usage: of it`},
		"other JSON":                 {func(_ *int, text, _ *[]byte) { *text = []byte(`"text"`) }, `printed JSON that is not its report`},
		"an empty object":            {func(_ *int, text, _ *[]byte) { *text = []byte(`{}`) }, `printed JSON that is not its report`},
		"something behind":           {func(_ *int, text, _ *[]byte) { *text = append(slices.Clone(*text), "{}"...) }, `printed more than its JSON`},
		"a traceback": {func(_ *int, _, stderr *[]byte) {
			*stderr = []byte("Traceback (most recent call last):\n  File \"x\"\nImportError: cannot import name 'y'\n")
		}, `crashed \(exit code \d\): ImportError: cannot import name 'y'; install version`},
	} {
		for _, s := range Scanners() {
			t.Run(name+"/"+s.Name, func(t *testing.T) {
				o, out := sample{tool: s.Name, name: good[s.Name], features: "features"}.load(t)
				text := &out.Stdout
				if s.Input == Plan {
					text = &out.File
				}
				test.change(&out.ExitCode, text, &out.Stderr)
				report, err := s.Read(o, out)
				mustSay(t, err, "^"+s.Name+" "+test.says)
				if report.Findings != nil || report.Files != 0 {
					t.Errorf("got a report: %+v", report)
				}
			})
		}
	}
}

// TestOdd has what single tools may print.
func TestOdd(t *testing.T) {
	const summary = `"summary":{"failed":%d,"skipped":0,"parsing_errors":%d,"checkov_version":"3.0.0"}`
	for name, test := range map[string]struct {
		tool string
		out  Output
		want []finding.Finding
		says string
	}{
		"checkov, a crash at its start": {tool: "checkov", out: Output{ExitCode: 1}, says: `printed nothing \(exit code 1\)`},
		"checkov, a code without findings": {
			tool: "checkov", out: Output{ExitCode: 1, Stdout: []byte(`{"results":{"failed_checks":[]},` + fmt.Sprintf(summary, 0, 0) + `}`)},
			says: "says with exit code 1 that it found something, and lists nothing",
		},
		"checkov, fewer than it counts": {
			tool: "checkov", out: Output{ExitCode: 1, Stdout: []byte(`{"results":{"failed_checks":[]},` + fmt.Sprintf(summary, 3, 0) + `}`)},
			says: "counts 3 findings and lists 0",
		},
		"checkov, a summary alone that counts": {
			tool: "checkov", out: Output{ExitCode: 1, Stdout: []byte(`{"failed":3,"checkov_version":"3.0.0"}`)},
			says: "counts 3 findings and lists 0",
		},
		"checkov, files unread and not listed": {
			tool: "checkov", out: Output{Stdout: []byte(`{"results":{"failed_checks":[]},` + fmt.Sprintf(summary, 0, 2) + `}`)},
			want: []finding.Finding{{Tool: "checkov", Rule: Unread, Severity: finding.High, Title: "checkov could not read 2 files: nothing in them was looked at"}},
		},
		"checkov, soft and rated": {
			tool: "checkov", out: Output{Stdout: []byte(`[{"results":{"failed_checks":[
				{"check_id":"CKV_1","bc_check_id":"BC_1","check_name":"n","file_path":"/a.tf","file_line_range":[1,2],"resource":"a_b.c[\"x\"]","severity":"CRITICAL","guideline":"https://example.com"},
				{"check_id":"CKV_1","bc_check_id":"BC_1","check_name":"n","file_path":"/a.tf","file_line_range":[1,2],"resource":"a_b.c[\"y\"]","severity":"LOW"}]},` + fmt.Sprintf(summary, 2, 0) + `}]`)},
			want: []finding.Finding{{
				Tool: "checkov", Rule: "CKV_1", Aliases: []string{"BC_1"}, Severity: finding.Critical, Title: "n",
				File: "a.tf", Line: 1, End: 2, Resource: "a_b.c", Help: "https://example.com",
			}},
		},
		"tfsec, in a downloaded module": {
			tool: "tfsec", out: Output{Stdout: []byte(`{"results":[{"long_id":"a","status":0,"location":{"filename":"/repo/u/.terraform/modules/m/a.tf","start_line":1}}]}`)},
		},
		"tfsec, no list": {tool: "tfsec", out: Output{Stdout: []byte(`{"results":null}`)}, says: "printed JSON that is not its report: it has no results"},
		"tfsec, a rule of one's own": {
			tool: "tfsec", out: Output{Stdout: []byte(`{"results":[{"rule_id":"own-1","long_id":"custom-custom-own-1","rule_description":"Own","severity":"ODD","status":0,"resource":"module.x","location":{"filename":"/repo/m/a.tf","start_line":1,"end_line":1}}]}`)},
			want: []finding.Finding{{Tool: "tfsec", Rule: "custom-custom-own-1", Severity: finding.Medium, Title: "Own", File: "m/a.tf", Line: 1, End: 1}},
		},
		"trivy, fewer than it counts": {
			tool: "trivy", out: Output{Stdout: []byte(`{"SchemaVersion":2,"Results":[{"Target":"a.tf","Class":"config","MisconfSummary":{"Failures":2}}]}`)},
			says: "counts 2 findings in a.tf and lists 0",
		},
		"trivy, a log that was cut": {
			tool: "trivy", out: Output{Stdout: []byte(`{"SchemaVersion":2,"Results":[]}`), Cut: true}, says: "logged more than is read",
		},
		"trivy, of an old version": {
			tool: "trivy", out: Output{Stdout: []byte(`{"SchemaVersion":2,"Results":[{"Target":"a.tf","Class":"config","Misconfigurations":[
				{"ID":"AVD-AWS-0107","Title":"T","Severity":"UNKNOWN","Status":"FAIL","CauseMetadata":{"StartLine":3,"EndLine":4,"Code":{"Lines":[{"Content":"data \"aws_x\" \"y\" {"}]}}},
				{"ID":"AVD-AWS-0108","Status":"PASS"}]},{"Target":"x","Class":"secret"}]}`)},
			want: []finding.Finding{{Tool: "trivy", Rule: "AWS-0107", Aliases: []string{"AVD-AWS-0107"}, Severity: finding.Medium, Title: "T", File: "a.tf", Line: 3, End: 4, Resource: "data.aws_x.y"}},
		},
		"trivy, a flag it does not know": {
			tool: "trivy", out: Output{ExitCode: 1, Stdout: []byte("Usage:\n  trivy config\n"), Stderr: []byte("FATAL\tFatal error\tunknown flag: --x\n")},
			says: `failed with exit code 1: FATAL Fatal error unknown flag: --x`,
		},
		"terraform-compliance, a code without a broken rule": {
			tool: "terraform-compliance", out: Output{ExitCode: 1, File: []byte(`[]`)}, says: `ended with exit code 1, and its report has 0 broken rules`,
		},
		"terraform-compliance, no report": {
			tool: "terraform-compliance", out: Output{Stdout: []byte("FATAL ERROR: It looks like there is a syntax error on your feature file.\n")},
			says: `wrote no report \(exit code 0\): FATAL ERROR: It looks like there is a syntax error`,
		},
		"terraform-compliance, no resource": {
			tool: "terraform-compliance", out: Output{ExitCode: 1, File: []byte(`[{"uri":"/repo/rules/sub/a.feature","tags":[{"name":"@LOW"}],"elements":[{"name":"S - row 0","steps":[{"name":"Then it must fail","line":9,"result":{"status":"failed","error_message":"secret-value"}}]}]}]`)},
			want: []finding.Finding{{
				Tool: "terraform-compliance", Rule: "sub/a/S", Severity: finding.Low, Title: "Then it must fail", Unit: "unit", File: "layers/unit", Help: "rules/sub/a.feature:9",
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := scanner(t, test.tool)
			got, err := s.Read(Options{Root: "/repo", Features: "/repo/rules/", Rules: "rules/", Unit: "unit", Dir: "layers/unit"}, test.out)
			if test.says != "" {
				mustSay(t, err, "^"+s.Name+" "+test.says)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Findings); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestSkip leaves out what is in folders that are not to be scanned, whether or
// not the tool has an option for it.
func TestSkip(t *testing.T) {
	for _, s := range Scanners() {
		if s.Input != Code {
			continue
		}
		o, out := sample{tool: s.Name, name: "vulnerable"}.load(t)
		o.Skip = []string{"shared", "regions/us-east-1/layers/02"}
		report, err := s.Read(o, out)
		if err != nil {
			t.Fatal(err)
		}
		var dirs []string
		for _, f := range report.Findings {
			dirs = append(dirs, strings.Split(f.File, "/")[0])
		}
		if !slices.Contains(dirs, "regions") || slices.Contains(dirs, "shared") {
			t.Errorf("%s: found in %v", s.Name, slices.Compact(dirs))
		}
	}
}

// TestTogether follows findings of both tools that know the same rules.
func TestTogether(t *testing.T) {
	var all []finding.Finding
	for _, name := range []string{"tfsec", "trivy"} {
		o, out := sample{tool: name, name: "vulnerable"}.load(t)
		report, err := scanner(t, name).Read(o, out)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, report.Findings...)
	}
	counted, known := finding.Duplicates(all, "trivy", "tfsec")
	// All that trivy found, tfsec found too, of which it has no name for four:
	// aws-rds-no-public-db-access, aws-s3-enable-bucket-encryption and the two
	// of aws-iam-no-policy-wildcards.
	if len(counted) != 20 || len(known) != 16 {
		t.Errorf("%d count and %d are known", len(counted), len(known))
	}
	all = finding.Scope(counted, func(file string) []string {
		if strings.HasPrefix(file, "shared/") {
			return []string{"platform", "foundation", "platform"}
		}
		return []string{strings.Split(file, "/")[3]}
	})
	for _, f := range all {
		if strings.HasPrefix(f.File, "shared/") && !slices.Equal(f.Units, []string{"foundation", "platform"}) {
			t.Errorf("%s concerns %v", f.File, f.Units)
		}
	}
}
