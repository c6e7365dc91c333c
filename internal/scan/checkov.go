package scan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/runner"
)

// checkov scans code. Its exit code is 1 for findings and 2 for a crash, but
// both can be changed by a file in the repository: the report alone decides.
func checkov() Scanner {
	const version = "3.3.30"
	return Scanner{
		Name:    "checkov",
		Tool:    runner.Tool{Name: "checkov", Binary: "checkov", Image: "bridgecrew/checkov:" + version},
		Version: version,
		Install: "pip install checkov==" + version,
		Input:   Code,
		Env: map[string]string{
			"BC_API_KEY": "", "PRISMA_API_URL": "", // no platform is asked, nothing is sent there
			"CKV_SKIP_PACKAGE_UPDATE_CHECK": "true",
			"CHECKOV_NO_OUTPUT":             "false",
			"LOG_LEVEL":                     "WARNING",
			"PYTHONWARNINGS":                "ignore",
		},
		Config:      []string{".checkov.yaml", ".checkov.yml"},
		Reads:       endings(".tf"),
		Args:        checkovArgs,
		VersionArgs: []string{"--version"},
		OKCodes:     []int{1},
		Parse:       checkovParse,
	}
}

// checkovArgs never says --quiet: it would leave out the files that could not
// be read.
func checkovArgs(o Options) []string {
	args := []string{
		"--directory", o.Root, "--framework", "terraform", "--output", "json", "--compact",
		"--skip-download", "--skip-results-upload", "--download-external-modules", "false",
	}
	for _, dir := range o.Skip {
		args = append(args, "--skip-path", "^"+regexp.QuoteMeta(path.Join(o.Root, dir))+"(/|$)")
	}
	return args
}

type (
	checkovReport struct {
		Results *struct {
			Failed  []checkovCheck `json:"failed_checks"`
			Passed  []checkovCheck `json:"passed_checks"`
			Skipped []checkovCheck `json:"skipped_checks"`
			Errors  []string       `json:"parsing_errors"`
		} `json:"results"`
		Summary *checkovSummary `json:"summary"`
	}
	checkovSummary struct {
		Failed  int    `json:"failed"`
		Skipped int    `json:"skipped"`
		Errors  int    `json:"parsing_errors"`
		Version string `json:"checkov_version"`
	}
	checkovCheck struct {
		ID        string  `json:"check_id"`
		PlatID    string  `json:"bc_check_id"`
		Name      string  `json:"check_name"`
		File      string  `json:"file_path"`
		Lines     []int   `json:"file_line_range"`
		Resource  string  `json:"resource"`
		Severity  *string `json:"severity"`
		Guideline string  `json:"guideline"`
	}
)

func checkovParse(o Options, out Output) (Report, error) {
	parts, err := checkovParts(out)
	if err != nil {
		return Report{}, err
	}
	var report Report
	files := make(map[string]bool)
	for _, part := range parts {
		report.Version = part.Summary.Version
		if part.Results == nil {
			continue // it looked at nothing
		}
		for _, check := range part.Results.Failed {
			report.Findings = append(report.Findings, check.finding())
		}
		for _, list := range [][]checkovCheck{part.Results.Failed, part.Results.Passed, part.Results.Skipped} {
			for _, check := range list {
				files[check.File] = true
			}
		}
		for _, file := range part.Results.Errors {
			files[file] = true
			report.Findings = append(report.Findings, unread("checkov", within(o.Root, file), ""))
		}
		if missing := part.Summary.Errors - len(part.Results.Errors); missing > 0 { // left out by --quiet in its own configuration
			f := unread("checkov", "", "")
			f.Title = fmt.Sprintf("checkov could not read %d files: nothing in them was looked at", missing)
			report.Findings = append(report.Findings, f)
		}
		report.Told += part.Summary.Failed
		report.Suppressed += part.Summary.Skipped
	}
	report.Files = len(files)
	if out.ExitCode != 0 && len(report.Findings) == 0 {
		return Report{}, &Error{"checkov", fmt.Sprintf("says with exit code %d that it found something, and lists nothing%s", out.ExitCode, lastWords(Output{Stderr: out.Stderr})), "run it by hand to see why"}
	}
	return report, nil
}

// checkovParts reads the three forms of the output: one report, a list of them,
// or a summary alone where there is no file.
func checkovParts(out Output) ([]checkovReport, error) {
	if bytes.HasPrefix(bytes.TrimSpace(out.Stdout), []byte("[")) {
		var parts []checkovReport
		if err := decode("checkov", out, out.Stdout, &parts); err != nil {
			return nil, err
		}
		for _, part := range parts {
			if err := part.check(); err != nil {
				return nil, err
			}
		}
		return parts, nil
	}
	var text json.RawMessage
	if err := decode("checkov", out, out.Stdout, &text); err != nil {
		return nil, err
	}
	var alone checkovSummary
	var part checkovReport
	if err := decode("checkov", out, text, &part); err != nil {
		return nil, err
	}
	if part.Results == nil && part.Summary == nil {
		if err := decode("checkov", out, text, &alone); err != nil {
			return nil, err
		}
		part.Summary = &alone
	}
	return []checkovReport{part}, part.check()
}

// check says whether a report is whole.
func (r checkovReport) check() error {
	switch {
	case r.Summary == nil || r.Summary.Version == "":
		return &Error{"checkov", "printed JSON that is not its report: it has no summary", "install the version that is tested"}
	case r.Results == nil && r.Summary.Failed+r.Summary.Errors > 0, r.Results != nil && r.Summary.Failed != len(r.Results.Failed):
		listed := 0
		if r.Results != nil {
			listed = len(r.Results.Failed)
		}
		return &Error{"checkov", fmt.Sprintf("counts %d findings and lists %d", r.Summary.Failed, listed), "run it again"}
	}
	return nil
}

func (c checkovCheck) finding() finding.Finding {
	f := finding.Finding{
		Tool: "checkov", Rule: c.ID, Severity: finding.Medium, Title: line(c.Name),
		File: within("", c.File), Resource: inFile(c.Resource), Help: line(c.Guideline),
	}
	if c.PlatID != "" {
		f.Aliases = []string{c.PlatID}
	}
	if c.Severity != nil { // only with a key of the platform, or in a check of one's own
		f.Severity = finding.SeverityOf(strings.ToLower(*c.Severity))
	}
	if len(c.Lines) == 2 {
		f.Line, f.End = max(c.Lines[0], 0), max(c.Lines[1], 0)
	}
	return f
}
