package terraform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/zclconf/go-cty/cty"

	"github.com/strata-tf/strata/internal/finding"
)

// The rules of what Terraform itself finds in code.
const (
	RuleFmt      = "terraform/fmt"
	RuleValidate = "terraform/validate"
	RuleTest     = "terraform/test"
)

// FmtUnformatted is the exit code of FmtArgs where files are not formatted.
const FmtUnformatted = 3

// FmtArgs lists the files below the folder that are not formatted.
func FmtArgs() []string {
	return []string{"fmt", "-check", "-list=true", "-write=false", "-recursive", "-no-color", "."}
}

// ReadFmt reads what FmtArgs made Terraform (tool: its name) print.
func ReadFmt(tool string, code int, stdout, stderr []byte) ([]finding.Finding, error) {
	var list []finding.Finding
	if code != 0 && code != FmtUnformatted {
		if list = unparsed(tool, stderr); len(list) == 0 {
			return nil, fmt.Errorf("%s fmt: %s", tool, plain(stderr))
		}
	}
	for _, name := range strings.Split(strings.TrimSpace(string(stdout)), "\n") {
		if name = strings.ReplaceAll(name, `\`, "/"); name == "" {
			continue
		}
		list = append(list, finding.Finding{
			Tool: tool, Rule: RuleFmt, Severity: finding.Medium, Title: "the file is not formatted",
			File: path.Clean(name), Help: tool + " fmt " + path.Clean(name),
		})
	}
	if code == FmtUnformatted && len(list) == 0 {
		return nil, fmt.Errorf("%s fmt: exit code %d, and no file is listed: %s", tool, code, plain(stderr))
	}
	return finding.Number(list), nil
}

// errorPlace is where Terraform says that an error is.
var errorPlace = regexp.MustCompile(`(?m)^\s*on (.+?) line (\d+)`)

// unparsed are the files that could not be read: templates of code, for one.
func unparsed(tool string, stderr []byte) []finding.Finding {
	var list []finding.Finding
	for _, words := range strings.Split(box.ReplaceAllString(string(stderr), ""), "Error: ")[1:] {
		at := errorPlace.FindStringSubmatch(words)
		if at == nil {
			return nil // of what it is of, nothing would be told
		}
		summary, _, _ := strings.Cut(words, "\n")
		line, _ := strconv.Atoi(at[2])
		list = append(list, finding.Finding{
			Tool: tool, Rule: RuleFmt, Severity: finding.High, Title: "the file cannot be read: " + strings.TrimSpace(summary),
			File: path.Clean(strings.ReplaceAll(at[1], `\`, "/")), Line: line, Help: "mend it, or leave it out (scan.skip)",
		})
	}
	return list
}

// box is what Terraform draws around its errors.
var box = regexp.MustCompile(`(?m)^[│╷╵] ?`)

// plain is an error of Terraform in one line.
func plain(stderr []byte) string {
	words := strings.Join(strings.Fields(box.ReplaceAllString(string(stderr), "")), " ")
	if words = strings.TrimPrefix(words, "Error: "); words == "" {
		return "it failed, and said nothing"
	}
	return words
}

// InitWithoutBackendArgs makes a unit ready for validate and test: what its state
// is kept in is not asked.
func InitWithoutBackendArgs() []string {
	return []string{"init", "-backend=false", "-input=false", "-no-color"}
}

// ValidateArgs checks a folder's code. The exit code 1 is one of its results.
func ValidateArgs() []string { return []string{"validate", "-json", "-no-color"} }

// ReadValidate reads what ValidateArgs made Terraform print, of a unit and its
// folder.
func ReadValidate(tool, unit, dir string, stdout, stderr []byte) ([]finding.Finding, error) {
	var answer struct {
		Valid       *bool        `json:"valid"`
		Diagnostics []Diagnostic `json:"diagnostics"`
	}
	if err := json.Unmarshal(stdout, &answer); err != nil || answer.Valid == nil {
		return nil, fmt.Errorf("%s validate: %s", tool, plain(append(bytes.Clone(stderr), stdout...)))
	}
	var list []finding.Finding
	for _, d := range answer.Diagnostics {
		list = append(list, d.finding(tool, RuleValidate, unit, dir))
	}
	if !*answer.Valid && len(list) == 0 {
		return nil, errors.New(tool + " validate: it says that the code is not valid, and not why")
	}
	return finding.Number(list), nil
}

func (d Diagnostic) finding(tool, rule, unit, dir string) finding.Finding {
	f := finding.Finding{Tool: tool, Rule: rule, Severity: finding.High, Unit: unit, Title: d.Summary, Resource: d.Address}
	if d.Detail != "" {
		f.Title += ": " + strings.Join(strings.Fields(d.Detail), " ")
	}
	if d.Severity == "warning" {
		f.Severity = finding.Low
	}
	if d.Range != nil {
		f.File, f.Line = path.Join(dir, strings.ReplaceAll(d.Range.Filename, `\`, "/")), d.Range.Start.Line
	}
	return f
}

// TestArgs runs the tests of a folder. The exit code 1 is one of its results.
func TestArgs(varFiles ...string) []string {
	args := []string{"test", "-json", "-no-color"}
	for _, file := range varFiles {
		args = append(args, "-var-file="+file)
	}
	return args
}

// IsTest says whether Terraform takes a file for a test, by its name.
func IsTest(name string) bool {
	for _, ending := range []string{".tftest.hcl", ".tftest.json", ".tofutest.hcl", ".tofutest.json"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// TestsOnlyPlan says whether all runs of the test files, by name, only plan: the
// default is to apply, which makes real resources.
func TestsOnlyPlan(files map[string][]byte) bool {
	parser := hclparse.NewParser()
	for name, text := range files {
		parse := parser.ParseHCL
		if strings.HasSuffix(name, ".json") {
			parse = parser.ParseJSON
		}
		file, diags := parse(text, name)
		if diags.HasErrors() {
			return false
		}
		content, _, diags := file.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "run", LabelNames: []string{"name"}}}})
		if diags.HasErrors() || text == nil {
			return false
		}
		for _, run := range content.Blocks {
			if !onlyPlans(run) {
				return false
			}
		}
	}
	return true
}

func onlyPlans(run *hcl.Block) bool {
	content, _, diags := run.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "command"}}})
	command := content.Attributes["command"]
	if diags.HasErrors() || command == nil {
		return false
	}
	word := hcl.ExprAsKeyword(command.Expr)
	if value, diags := command.Expr.Value(nil); word == "" && !diags.HasErrors() && value.Type() == cty.String && !value.IsNull() {
		word = value.AsString() // of a file in JSON
	}
	return word == "plan"
}

// Tests are the results of a folder's tests.
type Tests struct {
	Passed, Failed, Skipped int
	Findings                []finding.Finding // what kept a test from passing
}

// ReadTests reads what TestArgs made Terraform print, of a unit and its folder.
func ReadTests(tool, unit, dir string, code int, stdout, stderr []byte) (Tests, error) {
	var t Tests
	ended := false
	for line := range bytes.Lines(stdout) {
		var m struct {
			Message
			File    string `json:"@testfile"`
			Run     string `json:"@testrun"`
			Summary *struct {
				Passed, Failed, Errored, Skipped int
			} `json:"test_summary"`
		}
		if json.Unmarshal(line, &m) != nil {
			continue // a line of a provider
		}
		if m.Summary != nil {
			ended = true
			t.Passed, t.Failed, t.Skipped = m.Summary.Passed, m.Summary.Failed+m.Summary.Errored, m.Summary.Skipped
		}
		if m.Diagnostic == nil || m.Diagnostic.Severity == "warning" {
			continue
		}
		f := m.Diagnostic.finding(tool, RuleTest, unit, dir)
		if m.Run != "" {
			f.Title, f.Resource = fmt.Sprintf("the test %s of %s: %s", m.Run, m.File, f.Title), m.Run
		}
		t.Findings = append(t.Findings, f)
	}
	switch {
	case !ended && len(t.Findings) == 0:
		return Tests{}, fmt.Errorf("%s test: exit code %d: %s", tool, code, plain(stderr))
	case (code != 0 || t.Failed > 0) && len(t.Findings) == 0:
		return Tests{}, fmt.Errorf("%s test: exit code %d, and it does not say what failed: %s", tool, code, plain(stderr))
	}
	t.Findings = finding.Number(t.Findings)
	return t, nil
}
