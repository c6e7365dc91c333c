package finding

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sarifSchemaOf reads the schema of SARIF 2.1.0, errata 01, of the OASIS
// committee's repository sarif-spec. It is of draft 4, of which it uses nothing
// that is not in later drafts but the name of its id.
func sarifSchemaOf(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "sarif-schema-2.1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "$schema")
	delete(fields, "id")
	if text, err = json.Marshal(fields); err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

func someRuns() []Run {
	return []Run{
		{Tool: "trivy", Version: "0.74.0", Findings: Number([]Finding{
			{Tool: "trivy", Rule: "AWS-0107", Severity: High, Title: "Open to <everybody>", File: "regions/eu/a.tf", Line: 22, End: 23, Resource: "aws_security_group.open", Help: "https://example.com/aws-0107", Units: []string{"a", "b"}},
			{Tool: "trivy", Rule: "AWS-0107", Severity: Critical, Title: "Open to nobody", File: "clients/c d#1%/a:b.tf", Line: 1, Known: `suppressed until 2027-03-31 by ops: "because"`},
			{Tool: "trivy", Rule: "AWS-0001", Severity: Low, Title: "Same", File: "x.tf", Line: 1, Help: "Do it otherwise"},
			{Tool: "trivy", Rule: "AWS-0001", Severity: Info, Title: "Same", File: "x:y.tf"},
		})},
		{Tool: "terraform-compliance", Findings: Number([]Finding{
			{Tool: "terraform-compliance", Rule: "tags/Name", Severity: Medium, Title: "It must contain Name", File: "regions/eu/unit", Unit: "unit@eu:staging", Resource: `module.a["b"].aws_x.y`},
			{Tool: "terraform-compliance", Rule: "tags/Owner", Severity: "odd"},
		})},
		{Tool: "tfsec", Version: "1.28.14"},
		{
			Tool: "opa", Version: "1.7.1", Folders: map[string]string{"unit@eu:staging": "regions/eu/unit"},
			Findings:     []Finding{{Tool: "opa", Rule: "limit", Severity: High, Title: "Too many", Unit: "unit@eu:staging"}},
			Undetermined: []Finding{{Tool: "opa", Rule: "limit", Severity: High, Title: "Perhaps too many", Unit: "other@eu:staging", Resource: "a.b", Help: "https://example.com/no page"}},
			Errors:       []string{"other@eu:staging: the policies took more than 60 s", ""},
		},
		{Tool: "checkov", Errors: []string{"it is not installed"}},
	}
}

func TestSARIF(t *testing.T) {
	schema := sarifSchemaOf(t)
	for name, runs := range map[string][]Run{"some": someRuns(), "none": nil} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := SARIF(&got, runs); err != nil {
				t.Fatal(err)
			}
			var log any
			if err := json.Unmarshal(got.Bytes(), &log); err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(log); err != nil {
				t.Errorf("not valid: %v", err)
			}
			file := filepath.Join("testdata", name+".sarif")
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
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestSARIFSchema makes sure that TestSARIF can fail.
func TestSARIFSchema(t *testing.T) {
	var text bytes.Buffer
	if err := SARIF(&text, someRuns()); err != nil {
		t.Fatal(err)
	}
	schema := sarifSchemaOf(t)
	for _, change := range [][2]string{
		{`"level": "error"`, `"level": "grave"`},
		{`"startLine": 22`, `"startLine": 0`},
		{`"ruleId"`, `"rule"`},
		{`"kind": "external"`, `"kind": "outside"`},
		{`"version": "2.1.0"`, `"version": "2.2.0"`},
		{`"kind": "open"`, `"kind": "unknown"`},
		{`"executionSuccessful"`, `"successful"`},
		{`"level": "error",
              "message": {
                "text": "it is not installed"`, `"level": "fatal",
              "message": {
                "text": "it is not installed"`},
	} {
		broken := bytes.Replace(text.Bytes(), []byte(change[0]), []byte(change[1]), 1)
		var log any
		if err := json.Unmarshal(broken, &log); err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(broken, text.Bytes()) || schema.Validate(log) == nil {
			t.Errorf("%s is taken for valid", change[1])
		}
	}
}

func TestSARIFOrder(t *testing.T) {
	var want, got bytes.Buffer
	if err := SARIF(&want, someRuns()); err != nil {
		t.Fatal(err)
	}
	runs := someRuns()
	for _, run := range runs {
		slices.Reverse(run.Findings)
	}
	if err := SARIF(&got, runs); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		t.Errorf("the order of findings matters:\n%s", diff)
	}
}

// A tool that told nothing does not look like one that found nothing.
func TestSARIFOfATool(t *testing.T) {
	for _, test := range []struct {
		run        Run
		successful bool
		said       []string
	}{
		{Run{Tool: "trivy"}, true, nil},
		{Run{Tool: "trivy", Errors: []string{"not installed", "\x1b[31mno\x1b[0m \x1b]0;x\x07"}}, false, []string{"not installed", "no \ufffd]0;x\ufffd"}},
		{Run{Tool: "trivy", Findings: []Finding{{Rule: "a"}}, Errors: []string{""}}, false, []string{"it failed"}},
	} {
		var text bytes.Buffer
		if err := SARIF(&text, []Run{test.run}); err != nil {
			t.Fatal(err)
		}
		var log sarifLog
		if err := json.Unmarshal(text.Bytes(), &log); err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, n := range log.Runs[0].Invocations[0].Notifications {
			said = append(said, n.Message.Text)
		}
		if got := log.Runs[0].Invocations[0].Successful; got != test.successful || !slices.Equal(said, test.said) {
			t.Errorf("%+v: successful is %v, it says %q", test.run, got, said)
		}
	}
}

// Nothing in a log commands a terminal or makes text read differently, and it
// stays valid.
func TestSARIFIsSafe(t *testing.T) {
	const evil = "\x1b[2J \u009b31m \u202eabc\u202c \x7f \xff\r\nhttps://x"
	f := Finding{
		Tool: evil, Rule: evil, Aliases: []string{evil}, Severity: evil, Title: evil, Unit: evil, Units: []string{evil}, File: evil, Line: 1,
		Resource: evil, Help: "https://" + evil, Known: evil,
	}
	var text bytes.Buffer
	run := Run{Tool: evil, Version: evil, Findings: []Finding{f}, Undetermined: []Finding{f}, Errors: []string{evil}}
	if err := SARIF(&text, []Run{run}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(text.String(), "\x1b\x7f\r\u009b\u202e\u202c") || !utf8.Valid(text.Bytes()) || strings.Contains(text.String(), `\u001b`) {
		t.Errorf("control characters came through: %q", text.String())
	}
	var log any
	if err := json.Unmarshal(text.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if err := sarifSchemaOf(t).Validate(log); err != nil {
		t.Errorf("not valid: %v", err)
	}
}
