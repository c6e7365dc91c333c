package scan

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/runner"
)

// compliance scans plans against rules that people write in sentences. Its exit
// code is 1 both for a rule that is broken and for a rule it does not
// understand: only the file it writes at the very end says which.
func compliance() Scanner {
	const version = "1.16.0"
	return Scanner{
		Name:        "terraform-compliance",
		Tool:        runner.Tool{Name: "terraform-compliance", Binary: "terraform-compliance", Image: "eerkunt/terraform-compliance:" + version},
		Version:     version,
		Install:     "pip install terraform-compliance==" + version,
		Input:       Plan,
		Env:         map[string]string{"PYTHONWARNINGS": "ignore", "GIT_ALLOW_PROTOCOL": "none"},
		Args:        complianceArgs,
		VersionArgs: []string{"--version"},
		OKCodes:     []int{1},
		Parse:       complianceParse,
	}
}

// complianceArgs says --silent: without it the file does not say which resource
// broke a rule.
func complianceArgs(o Options) []string {
	return []string{
		"--features", o.Features, "--planfile", o.Plan,
		"--silent", "--no-ansi", "--cucumber-json=" + o.Output,
	}
}

type (
	complianceFeature struct {
		URI      string               `json:"uri"`
		Name     string               `json:"name"`
		Tags     []complianceTag      `json:"tags"`
		Elements []complianceScenario `json:"elements"`
	}
	complianceScenario struct {
		Name  string           `json:"name"`
		Line  int              `json:"line"`
		Tags  []complianceTag  `json:"tags"`
		Steps []complianceStep `json:"steps"`
	}
	complianceStep struct {
		Name   string `json:"name"`
		Line   int    `json:"line"`
		Result struct {
			Status  string `json:"status"`
			Message string `json:"error_message"`
		} `json:"result"`
	}
	complianceTag struct {
		Name string `json:"name"`
	}
)

// unknownStep is how it says that a rule has a sentence nobody knows: the start
// of a list of lines.
var unknownStep = regexp.MustCompile(`ERROR: \["(Cannot find step definition[^"]*)"`)

func complianceParse(o Options, out Output) (Report, error) {
	if out.File == nil {
		words := lastWords(out)
		if m := unknownStep.FindSubmatch(out.Stdout); m != nil {
			words = ": " + line(string(m[1]))
		}
		return Report{}, &Error{"terraform-compliance", fmt.Sprintf("wrote no report (exit code %d)%s", out.ExitCode, words), "mend the rule or the plan it names"}
	}
	var features []complianceFeature
	if err := decode("terraform-compliance", out, out.File, &features); err != nil {
		return Report{}, err
	}
	report := Report{Version: ParseVersion(out.Stdout)}
	for _, feature := range features {
		for _, scenario := range feature.Elements {
			if len(scenario.Steps) > 0 {
				report.Files++ // one without steps is no rule
			}
			found := scenario.findings(o, feature)
			if len(found) > 0 {
				report.Told++
			} else if scenario.let() {
				report.Suppressed++
			}
			report.Findings = append(report.Findings, found...)
		}
	}
	if (out.ExitCode != 0) != (report.Told > 0) {
		return Report{}, &Error{"terraform-compliance", fmt.Sprintf("ended with exit code %d, and its report has %d broken rules", out.ExitCode, report.Told), "run it by hand to see why"}
	}
	return report, nil
}

// let says whether a scenario broke, and is marked not to matter: the step that
// says what must be was skipped then, though there was something it is about.
func (s complianceScenario) let() bool {
	if !slices.ContainsFunc(s.Tags, func(t complianceTag) bool { return slices.Contains(letTags, strings.ToLower(t.Name)) }) {
		return false
	}
	must := false
	for _, step := range s.Steps {
		switch word, _, _ := strings.Cut(strings.ToLower(step.Name), " "); word {
		case "given", "when":
			must = false
		case "then":
			must = true
		}
		if step.Result.Status == "skipped" {
			return must
		}
	}
	return false
}

// letTags are the tags by which a scenario that breaks does not fail.
var letTags = []string{"@warning", "@no-failure", "@no-fail", "@info", "@nofailure", "@nofail", "@dontfail"}

var exampleRow = regexp.MustCompile(` - row \d+$`)

// findings makes one finding of each resource that breaks the scenario.
func (s complianceScenario) findings(o Options, feature complianceFeature) []finding.Finding {
	i := slices.IndexFunc(s.Steps, func(step complianceStep) bool { return step.Result.Status == "failed" })
	if i < 0 {
		return nil
	}
	step := s.Steps[i]
	file := within(o.Features, feature.URI)
	name := exampleRow.ReplaceAllString(s.Name, "")
	f := finding.Finding{
		Tool: "terraform-compliance", Unit: o.Unit, File: o.Dir,
		Rule:     strings.TrimSuffix(file, ".feature") + "/" + line(name),
		Severity: s.severity(feature), Title: line(s.sentence(i)),
		Help: fmt.Sprintf("%s:%d", path.Join(o.Rules, file), step.Line),
	}
	var found []finding.Finding
	for _, address := range addresses(step.Result.Message) {
		at := f
		at.Resource = address
		found = append(found, at)
	}
	if len(found) == 0 {
		found = append(found, f)
	}
	return found
}

// sentence is the rule as it stands written. The tool's own words are not taken:
// they have values of the plan in them.
func (s complianceScenario) sentence(failed int) string {
	var steps []string
	for _, step := range s.Steps[:failed+1] {
		steps = append(steps, step.Name)
	}
	return strings.Join(steps, ", ")
}

// severity is the one that a tag of the scenario or of its feature names, such
// as @high.
func (s complianceScenario) severity(feature complianceFeature) finding.Severity {
	for _, tag := range slices.Concat(s.Tags, feature.Tags) {
		if severity, err := finding.ParseSeverity(strings.TrimPrefix(tag.Name, "@")); err == nil {
			return severity
		}
	}
	return finding.Medium
}

// The places in the tool's words where it names a resource.
var (
	nextFault    = regexp.MustCompile(`\n\s*\w+:\s`)
	addressWords = `((?:module\.[\w-]+(?:\[[^\]]*\])?\.)*(?:data\.)?[a-z][a-z0-9]*_\w+\.[\w-]+(?:\[(?:"[^"]*"|\d+)\])?)`
	addressPlace = regexp.MustCompile(`(?:^|\b(?:in|on|for|within|of|Resource) )` + addressWords + `(?: |\.|,|$)`)
)

// addresses are those of the resources that broke a rule.
func addresses(message string) []string {
	var found []string
	for _, fault := range nextFault.Split(escapes.ReplaceAllString(message, ""), -1) {
		words, _, _ := strings.Cut(fault, "It is set to")
		if m := addressPlace.FindStringSubmatch(strings.TrimSpace(words)); m != nil && !slices.Contains(found, m[1]) {
			found = append(found, m[1])
		}
	}
	return found
}
