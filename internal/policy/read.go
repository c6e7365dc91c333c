package policy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/strata-tf/strata/internal/finding"
)

// Fault is something that is wrong with a policy file.
type Fault struct {
	File string // as OPA was given it; empty if OPA told none
	Line int
	Code string // OPA's: rego_parse_error
	Text string
}

func (f Fault) String() string {
	if f.File == "" {
		return f.Text
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
}

// fault is one as OPA's JSON has it.
type fault struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Location *struct {
		File string `json:"file"`
		Row  int    `json:"row"`
	} `json:"location"`
}

func (f fault) fault() Fault {
	out := Fault{Code: f.Code, Text: line(f.Message)}
	if f.Location != nil {
		out.File, out.Line = filepath.ToSlash(f.Location.File), f.Location.Row
	}
	return out
}

var faultPattern = regexp.MustCompile(`(?m)(?:^|[ \t])(\S[^\n:]*\.rego):(\d+): (?:(rego_\w+): )?(.*)$`)

// ReadFaults reads what a command of OPA, or a server that did not start, says is
// wrong: as JSON, or as text. It is empty where nothing of it names a fault.
func ReadFaults(output []byte) []Fault {
	var answer struct {
		Errors []fault `json:"errors"`
	}
	var all []Fault
	if json.Unmarshal(output, &answer) == nil {
		for _, f := range answer.Errors {
			all = append(all, f.fault())
		}
		return all
	}
	for _, m := range faultPattern.FindAllStringSubmatch(string(output), -1) {
		row, _ := strconv.Atoi(m[2])
		file := m[1]
		if i := strings.LastIndex(file, ": "); i >= 0 {
			file = file[i+2:] // "1 error occurred: FILE"
		}
		all = append(all, Fault{File: filepath.ToSlash(file), Line: row, Code: m[3], Text: line(m[4])})
	}
	return all
}

// FaultError is what is wrong with the policies as one error; what OPA printed,
// where nothing of it can be read.
func FaultError(output []byte) error {
	faults := ReadFaults(output)
	if len(faults) == 0 {
		return errors.New(cmp.Or(line(string(output)), "opa failed and said nothing"))
	}
	var all []error
	for _, f := range faults {
		all = append(all, errors.New(f.String()))
	}
	return errors.Join(all...)
}

// What OPA itself finds in policy files is named by these rules.
const (
	RuleFormat = "opa/fmt"
	RuleTest   = "opa/test"
)

// ReadFormat reads what FormatArgs made OPA print.
func ReadFormat(code int, stdout, stderr []byte) ([]finding.Finding, error) {
	if code != 0 {
		return nil, fmt.Errorf("opa fmt: %w", FaultError(stderr))
	}
	var list []finding.Finding
	for _, file := range strings.Split(strings.TrimSpace(string(stdout)), "\n") {
		if file == "" {
			continue
		}
		file = filepath.ToSlash(file)
		list = append(list, finding.Finding{
			Tool: finding.OPA, Rule: RuleFormat, Severity: finding.Medium, Title: "the file is not formatted", File: file, Help: "opa fmt --write " + file,
		})
	}
	return finding.Number(list), nil
}

// Tests are the results of the policies' own tests.
type Tests struct {
	Passed, Failed, Skipped int
	Findings                []finding.Finding // one for each that did not pass
}

// ReadTests reads what TestArgs made OPA print. Policies without tests have none
// that passed.
func ReadTests(code int, stdout, stderr []byte) (Tests, error) {
	var printed []struct {
		fault
		Package string `json:"package"`
		Name    string `json:"name"`
		Fail    bool   `json:"fail"`
		Skip    bool   `json:"skip"`
		Error   *fault `json:"error"`
	}
	if code != 0 && code != TestsFailed {
		return Tests{}, fmt.Errorf("opa test: %w", FaultError(append(bytes.Clone(stdout), stderr...)))
	}
	if err := json.Unmarshal(stdout, &printed); err != nil {
		return Tests{}, fmt.Errorf("opa test: read its report: %w", err)
	}
	var t Tests
	for _, test := range printed {
		at := test.fault.fault()
		f := finding.Finding{
			Tool: finding.OPA, Rule: RuleTest, Severity: finding.High, File: at.File, Line: at.Line,
			Title: "the test " + strings.TrimPrefix(test.Package, "data.") + "." + test.Name + " fails", Resource: test.Name,
		}
		switch {
		case test.Error != nil:
			f.Title = line(f.Title + ": " + test.Error.fault().String())
		case test.Skip:
			t.Skipped++
			continue
		case !test.Fail:
			t.Passed++
			continue
		}
		t.Failed++
		t.Findings = append(t.Findings, f)
	}
	if t.Failed == 0 && code != 0 {
		return Tests{}, fmt.Errorf("opa test: exit code %d, but no test failed: %s", code, line(string(stderr)))
	}
	t.Findings = finding.Number(t.Findings)
	return t, nil
}

var versionPattern = regexp.MustCompile(`(?m)^Version: (\S+)$`)

// ReadVersion reads what VersionArgs made OPA print; empty if it has no version.
func ReadVersion(stdout []byte) string {
	if m := versionPattern.FindSubmatch(stdout); m != nil {
		return string(m[1])
	}
	return ""
}
