package ciexamples

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/strata-tf/strata/internal/policy"
	"github.com/strata-tf/strata/internal/scan"
)

// What becomes of the reports that a line of Strata writes: each vendor shows
// them, also where gates refuse. These need no tool.

var (
	reportFlag = regexp.MustCompile(`--report "?(\w+)=([^ "]+)`)
	verb       = regexp.MustCompile(`\b(affected|plan|deploy|destroy|drift|scan|policy|validate)( |$)`)
)

// verbOf is the verb of a line of Strata.
func verbOf(line string) string {
	found := verb.FindStringSubmatch(line)
	if found == nil {
		return ""
	}
	return found[1]
}

// reportsOf are the files that a line of Strata writes reports to, by format.
func reportsOf(line string) map[string]string {
	files := map[string]string{}
	for _, found := range reportFlag.FindAllStringSubmatch(line, -1) {
		files[found[1]] = found[2]
	}
	return files
}

// wantReports checks which formats a line writes reports in.
func wantReports(t *testing.T, where, line string, formats ...string) (files map[string]string) {
	t.Helper()
	files = reportsOf(line)
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, formats) {
		t.Errorf("%s: reports %v, want %v: %s", where, got, formats, line)
	}
	return files
}

// nativeGates says whether a line is one of the native command that holds
// something to gates.
func nativeGates(line string) bool {
	return strings.Contains(line, "strata ") && !strings.Contains(line, "dagger ") &&
		slices.Contains([]string{"plan", "scan", "policy", "validate"}, verbOf(line))
}

// githubUpload checks that the SARIF file of a job is uploaded: also where gates
// refuse, not where there is none, and with no harm where it may not be. It says
// whether there is such a step.
func githubUpload(t *testing.T, name string, job node, line string) bool {
	t.Helper()
	var uploads []node
	for _, step := range job.get("steps").list() {
		if uses, _, _ := strings.Cut(step.get("uses").text(), "@"); uses == "github/codeql-action/upload-sarif" {
			uploads = append(uploads, step)
		}
	}
	if !nativeGates(line) || job.get("strategy").there() { // hundreds of uploads are none
		if wantReports(t, name, line); len(uploads) > 0 {
			t.Errorf("%s: uploads what nobody wrote", name)
		}
		return false
	}
	file := wantReports(t, name, line, "sarif")["sarif"]
	if len(uploads) != 1 {
		t.Fatalf("%s: %d uploads, want one", name, len(uploads))
	}
	upload := uploads[0]
	if want := "${{ !cancelled() && hashFiles('" + file + "') != '' }}"; upload.get("if").text() != want {
		t.Errorf("%s: uploads if %s, want %s", name, upload.get("if").text(), want)
	}
	if upload.get("continue-on-error").text() != "true" {
		t.Errorf("%s: fails where it may not upload", name)
	}
	if got := upload.get("with", "sarif_file").text(); got != file {
		t.Errorf("%s: uploads %s, and %s is written", name, got, file)
	}
	if got, want := upload.get("with", "category").text(), "strata-"+name; got != want {
		t.Errorf("%s: the category is %s, want %s: of two uploads with one the later stays", name, got, want)
	}
	return true
}

// gitlabReports checks that the JUnit file of a job is in the merge request, and
// any other one in its artifacts.
func gitlabReports(t *testing.T, name string, job node, line string) {
	t.Helper()
	artifacts := job.get("artifacts")
	if !nativeGates(line) {
		wantReports(t, name, line)
		return
	}
	formats := []string{"junit"}
	if verbOf(line) == "scan" {
		formats = append(formats, "sarif")
	}
	files := wantReports(t, name, line, formats...)
	if got := artifacts.get("reports", "junit").text(); got != files["junit"] {
		t.Errorf("%s: shows %s, and %s is written", name, got, files["junit"])
	}
	if file := files["sarif"]; file != "" && !slices.Contains(artifacts.get("paths").texts(), file) {
		t.Errorf("%s: %s is no artifact", name, file)
	}
	if when := artifacts.get("when").text(); when != "always" {
		t.Errorf("%s: keeps its reports %s, want always", name, when)
	}
}

// azureReports checks that the JUnit file of a job is published, and the SARIF
// file as the artifact that the tab of scans looks for.
func azureReports(t *testing.T, where string, j azureJob, script []string, line string) {
	t.Helper()
	if !nativeGates(line) {
		wantReports(t, where, line)
		return
	}
	const temp = "$AGENT_TEMPDIRECTORY/" // of the job alone: an older file is no report of this one
	formats := []string{"junit", "sarif"}
	if j.job.get("strategy", "matrix").there() { // whose legs would overwrite each other's
		formats = formats[:1]
	}
	files := wantReports(t, where, line, formats...)
	published := 0
	for _, step := range j.steps {
		if step.get("task").text() != "PublishTestResults@2" {
			continue
		}
		published++
		inputs := step.get("inputs")
		if got := inputs.get("testResultsFiles").text(); temp+got != files["junit"] || inputs.get("searchFolder").text() != "$(Agent.TempDirectory)" {
			t.Errorf("%s: publishes %s, and %s is written", where, got, files["junit"])
		}
		if got := step.get("condition").text(); got != "succeededOrFailed()" {
			t.Errorf("%s: publishes if %s", where, got)
		}
	}
	if published != 1 {
		t.Errorf("%s: publishes %d files, want one", where, published)
	}
	if file := files["sarif"]; file != "" {
		want := `test ! -e "` + file + `" || echo "##vso[artifact.upload containerfolder=CodeAnalysisLogs;artifactname=CodeAnalysisLogs]` + file + `"`
		if !strings.Contains(strings.Join(script, "\n"), want) {
			t.Errorf("%s: %s is no artifact for the tab of scans", where, file)
		}
	}
}

// wantNoCredentials checks a job that runs for pull requests of forks too: there
// is nothing in it that these could take.
func wantNoCredentials(t *testing.T, name string, job node) {
	t.Helper()
	for _, key := range []string{"extends", "id_tokens", "environment", "if"} {
		if job.get(key).there() {
			t.Errorf("%s: %s is %v", name, key, job.get(key).value)
		}
	}
	for _, variable := range slices.Concat(job.get("variables").keys(), job.get("env").keys()) {
		if variable != "GIT_DEPTH" {
			t.Errorf("%s: has the variable %s", name, variable)
		}
	}
	if len(job.get("variables").list()) > 0 {
		t.Errorf("%s: has variable groups: %v", name, job.get("variables").value)
	}
	for _, step := range job.get("steps").list() {
		if uses := step.get("uses").text(); step.get("env").there() || strings.HasPrefix(uses, "aws-actions/") {
			t.Errorf("%s: a step has variables or credentials: %v", name, step.value)
		}
	}
}

// Tools are installed in the version that Strata is tested with.
func TestToolsAreThoseTested(t *testing.T) {
	versions := map[string]string{}
	for _, scanner := range scan.Scanners() {
		versions[scanner.Name] = scanner.Version
	}
	_, versions["opa"], _ = strings.Cut(policy.Install(), "@v")
	installed := map[string]*regexp.Regexp{
		"opa":     regexp.MustCompile(`github\.com/open-policy-agent/opa@v(\S+)`),
		"trivy":   regexp.MustCompile(`trivy/releases/download/v([^/\s]+)`),
		"checkov": regexp.MustCompile(`checkov==(\S+)`),
	}
	files := map[string]string{"docs/ci.md": "../../docs/ci.md"}
	for _, file := range slices.Concat(githubFiles, gitlabFiles, azureFiles) {
		files[file] = examples + "/" + file
	}
	found := map[string]int{}
	for name, at := range files {
		text, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		for tool, line := range installed {
			for _, version := range line.FindAllStringSubmatch(string(text), -1) {
				found[tool]++
				if version[1] != versions[tool] {
					t.Errorf("%s: %s %s, and %s is tested", name, tool, version[1], versions[tool])
				}
			}
		}
	}
	for tool := range installed {
		if found[tool] == 0 {
			t.Errorf("no file installs %s", tool)
		}
	}
}
