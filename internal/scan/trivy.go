package scan

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/runner"
)

// trivy scans code. Its exit code says only whether it ran. Its checks are part
// of it.
func trivy() Scanner {
	const version = "0.74.0"
	// It would fetch the modules that code names: there is no option against
	// it. No proxy is at port 9, and git knows no protocol of that name.
	const nowhere = "http://127.0.0.1:9"
	return Scanner{
		Name:    "trivy",
		Tool:    runner.Tool{Name: "trivy", Binary: "trivy", Image: "aquasec/trivy:" + version},
		Version: version,
		Install: "GOEXPERIMENT=jsonv2 go install github.com/aquasecurity/trivy/cmd/trivy@v" + version,
		Input:   Code,
		Env: map[string]string{
			"HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "http_proxy": nowhere, "https_proxy": nowhere,
			"NO_PROXY": "", "no_proxy": "", "GIT_ALLOW_PROTOCOL": "none",
		},
		Config:      []string{"trivy.yaml", ".trivyignore", ".trivyignore.yaml"},
		Reads:       endings(".tf", ".tf.json", ".tofu", ".tofu.json"),
		Args:        trivyArgs,
		VersionArgs: []string{"--version"},
		Parse:       trivyParse,
	}
}

// trivyArgs never says --quiet: that a file could not be read is told nowhere
// but in the log.
func trivyArgs(o Options) []string {
	args := []string{
		"config", "--format", "json", "--exit-code", "0", "--misconfig-scanners", "terraform",
		"--skip-check-update", "--skip-version-check", "--disable-telemetry", "--tf-exclude-downloaded-modules",
	}
	if o.Cache != "" {
		args = append(args, "--cache-dir", o.Cache)
	}
	for _, dir := range o.Skip {
		args = append(args, "--skip-dirs", globQuote(dir))
	}
	return append(args, cmp.Or(o.Above, o.Root))
}

// trivyFile is a file that trivy names as it is in the repository.
func trivyFile(o Options, file string) string {
	if o.Above == "" {
		return within(o.Root, file)
	}
	return within(path.Base(filepath.ToSlash(o.Root)), within(o.Above, file))
}

// TrivyLeavesOut says whether trivy leaves a file out because it is in a folder of
// a name that it takes for the system's, right below what it looks at: it must
// look from above then.
func TrivyLeavesOut(name string) bool {
	first, _, below := strings.Cut(name, "/")
	return below && (first == "dev" || first == "proc" || first == "sys")
}

var globSigns = regexp.MustCompile(`[\\*?\[\]{}!]`)

func globQuote(path string) string { return globSigns.ReplaceAllString(path, `\$0`) }

type (
	trivyReport struct {
		Schema int `json:"SchemaVersion"`
		Trivy  struct {
			Version string
		}
		Results []struct {
			Target            string
			Class             string
			Summary           *struct{ Successes, Failures int } `json:"MisconfSummary"`
			Misconfigurations []trivyFault
		}
	}
	trivyFault struct {
		ID, AVDID, Title, Message, Severity, Status string
		URL                                         string `json:"PrimaryURL"`
		Cause                                       struct {
			Resource           string
			StartLine, EndLine int
			Code               struct{ Lines []struct{ Content string } }
			Occurrences        []struct{ Resource, Filename string }
		} `json:"CauseMetadata"`
	}
)

func trivyParse(o Options, out Output) (Report, error) {
	var printed trivyReport
	if err := decode("trivy", out, out.Stdout, &printed); err != nil {
		return Report{}, err
	}
	if out.Cut {
		return Report{}, &Error{"trivy", "logged more than is read, so that files which it could not read would be missed", "mend what it logs, or leave such files out (scan.skip)"}
	}
	if printed.Schema == 0 {
		return Report{}, &Error{"trivy", "printed JSON that is not its report: it has no SchemaVersion", "install the version that is tested"}
	}
	report := Report{Version: printed.Trivy.Version}
	for _, result := range printed.Results {
		if result.Class != "config" {
			continue
		}
		report.Files++
		failed := 0
		for _, fault := range result.Misconfigurations {
			if fault.Status != "" && fault.Status != "FAIL" {
				continue
			}
			failed++
			report.Findings = append(report.Findings, fault.finding(trivyFile(o, result.Target)))
		}
		if result.Summary != nil && result.Summary.Failures > failed {
			return Report{}, &Error{"trivy", fmt.Sprintf("counts %d findings in %s and lists %d", result.Summary.Failures, result.Target, failed), "run it again"}
		}
		report.Told += failed
	}
	report.Findings = append(report.Findings, trivyUnread(o, out.Stderr)...)
	return report, nil
}

var blockHead = regexp.MustCompile(`^\s*(resource|data|module)\s+"([^"]+)"(?:\s+"([^"]+)")?`)

func (t trivyFault) finding(file string) finding.Finding {
	id := strings.TrimPrefix(t.ID, "AVD-")
	f := finding.Finding{
		Tool: "trivy", Rule: id, Severity: finding.SeverityOf(t.Severity),
		Title: line(cmp.Or(t.Message, t.Title)), File: file, Line: t.Cause.StartLine, End: t.Cause.EndLine,
		Resource: inFile(t.Cause.Resource), Help: line(t.URL),
	}
	f.Aliases = append(f.Aliases, "AVD-"+id)
	if f.Resource == "" { // of a fault in a module it names the module alone
		for _, o := range t.Cause.Occurrences {
			if strings.HasSuffix("/"+within("", o.Filename), "/"+file) && f.Resource == "" {
				f.Resource = inFile(o.Resource)
			}
		}
	}
	if f.Resource == "" && len(t.Cause.Code.Lines) > 0 {
		if m := blockHead.FindStringSubmatch(t.Cause.Code.Lines[0].Content); m != nil {
			f.Resource = strings.Trim(strings.TrimPrefix(m[1], "resource")+"."+m[2]+"."+m[3], ".")
		}
	}
	return f
}

// trivyUnread finds the files that could not be read in the log, of which the
// runner keeps the end.
func trivyUnread(o Options, log []byte) []finding.Finding {
	var found []finding.Finding
	for l := range bytes.Lines(log) {
		if !bytes.Contains(l, []byte("[terraform parser]")) || !bytes.Contains(l, []byte("Error parsing file")) {
			continue
		}
		text := escapes.ReplaceAllString(string(l), "")
		file := logValue(text, "file_path")
		if file == "" {
			continue
		}
		found = append(found, unread("trivy", trivyFile(o, file), logValue(text, "err")))
	}
	return found
}

// logValue reads one quoted value of a line of key="value" pairs.
func logValue(text, key string) string {
	_, rest, ok := strings.Cut(text, key+"=")
	if !ok {
		return ""
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return ""
	}
	value, err := strconv.Unquote(quoted)
	if err != nil {
		return ""
	}
	return value
}
