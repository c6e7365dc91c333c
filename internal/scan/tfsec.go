package scan

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/runner"
)

// tfsec scans code. It ends with 1 both when it found something and when it
// failed, so it is told not to let findings matter: any exit code but 0 is a
// failure. One file that it cannot read makes it fail.
func tfsec() Scanner {
	const version = "1.28.14"
	return Scanner{
		Name:        "tfsec",
		Tool:        runner.Tool{Name: "tfsec", Binary: "tfsec", Image: "aquasec/tfsec:v" + version},
		Version:     version,
		Install:     "go install github.com/aquasecurity/tfsec/cmd/tfsec@v" + version,
		Input:       Code,
		Config:      []string{".tfsec/**"},
		Reads:       endings(".tf", ".tf.json"),
		Args:        tfsecArgs,
		VersionArgs: []string{"--version"},
		Parse:       tfsecParse,
	}
}

// tfsecArgs says --force-all-dirs: otherwise it looks only at the topmost
// folders that have Terraform files, and leaves out what is below them. Folders
// to skip are left out of what it found: its own option takes any path that only
// contains the name.
func tfsecArgs(o Options) []string {
	return []string{
		o.Root, "--format", "json", "--no-color", "--force-all-dirs", "--soft-fail",
		"--no-module-downloads", "--exclude-downloaded-modules", "--include-passed", "--include-ignored",
	}
}

type tfsecReport struct {
	Results *[]struct {
		ID          string   `json:"rule_id"`
		LongID      string   `json:"long_id"`
		Rule        string   `json:"rule_description"`
		Description string   `json:"description"`
		Severity    string   `json:"severity"`
		Links       []string `json:"links"`
		Status      int      `json:"status"`
		Resource    string   `json:"resource"`
		Location    struct {
			File  string `json:"filename"`
			Start int    `json:"start_line"`
			End   int    `json:"end_line"`
		} `json:"location"`
	} `json:"results"`
}

const (
	tfsecFailed = iota
	tfsecPassed
	tfsecIgnored
)

// versionedLink is in the links of a tfsec that knows its version. One that was
// built from source does not, and a finding is the same with either.
var versionedLink = regexp.MustCompile(`/tfsec/v[0-9][^/]*/`)

func tfsecParse(o Options, out Output) (Report, error) {
	var printed tfsecReport
	if err := decode("tfsec", out, out.Stdout, &printed); err != nil {
		return Report{}, err
	}
	if printed.Results == nil {
		return Report{}, &Error{"tfsec", "printed JSON that is not its report: it has no results", "install the version that is tested"}
	}
	var report Report
	files := make(map[string]bool)
	for _, r := range *printed.Results {
		file := within(o.Root, r.Location.File)
		files[file] = true
		switch r.Status {
		case tfsecIgnored:
			report.Suppressed++
		case tfsecFailed:
			report.Told++
			f := finding.Finding{
				Tool: "tfsec", Rule: cmp.Or(r.LongID, r.ID), Severity: finding.SeverityOf(r.Severity),
				Title: line(cmp.Or(r.Description, r.Rule)), File: file, Line: r.Location.Start, End: r.Location.End,
				Resource: inFile(r.Resource),
			}
			if strings.HasPrefix(r.ID, "AVD-") {
				f.Aliases = []string{r.ID, strings.TrimPrefix(r.ID, "AVD-")} // the latter is trivy's name of it
			}
			if len(r.Links) > 0 {
				f.Help = versionedLink.ReplaceAllString(line(r.Links[0]), "/tfsec/latest/")
			}
			report.Findings = append(report.Findings, f)
		}
	}
	report.Files = len(files)
	return report, nil
}
