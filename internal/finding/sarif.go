package finding

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/strata-tf/strata/internal/foreign"
)

// Run is what one tool found, with what does not count.
type Run struct {
	Tool     string
	Version  string // empty if it is not known
	Findings []Finding
	// Undetermined are rules that cannot be decided before the apply.
	Undetermined []Finding
	// Errors say why the tool told nothing, or not all.
	Errors []string
	// Folders are those of units, by id: where a finding that is about a unit and
	// names no file is shown. Code scanning takes no result without a file.
	Folders map[string]string
}

// What of SARIF 2.1.0 is written. Nothing in it depends on the time or the
// machine: the same findings are the same bytes.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Bases       map[string]sarifBase `json:"originalUriBaseIds"`
		Invocations []sarifInvocation    `json:"invocations"`
		Results     []sarifResult        `json:"results"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID            string              `json:"id"`
		Short         sarifText           `json:"shortDescription"`
		Help          *sarifText          `json:"help,omitempty"`
		HelpURI       string              `json:"helpUri,omitempty"`
		Configuration sarifConfiguration  `json:"defaultConfiguration"`
		Properties    sarifRuleProperties `json:"properties"`
	}
	sarifConfiguration struct {
		Level string `json:"level"`
	}
	sarifRuleProperties struct {
		Tags     []string `json:"tags"`
		Severity string   `json:"security-severity"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifBase struct {
		Description sarifText `json:"description"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Kind         string             `json:"kind,omitempty"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations,omitempty"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions"`
		Properties   sarifProperties    `json:"properties"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI  string `json:"uri"`
			Base string `json:"uriBaseId"`
		} `json:"artifactLocation"`
		Region *sarifRegion `json:"region,omitempty"`
	}
	sarifRegion struct {
		Start int `json:"startLine"`
		End   int `json:"endLine,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
	sarifProperties struct {
		Severity Severity `json:"severity"`
		Units    []string `json:"units,omitempty"`
	}
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	sarifRoot   = "%SRCROOT%"
)

// SARIF writes runs as one SARIF 2.1.0 log.
func SARIF(w io.Writer, runs []Run) error {
	log := sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{}}
	for _, run := range runs {
		log.Runs = append(log.Runs, run.sarif())
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(log)
}

func (r Run) sarif() sarifRun {
	list := make([]outcome, 0, len(r.Findings)+len(r.Undetermined)) // an empty list says: found nothing
	for _, f := range r.Findings {
		list = append(list, outcome{Finding: f})
	}
	for _, f := range r.Undetermined {
		list = append(list, outcome{f, true})
	}
	slices.SortStableFunc(list, func(a, b outcome) int { return Compare(a.Finding, b.Finding) })
	rules, index := rules(list)
	var out sarifRun
	out.Tool.Driver = sarifDriver{Name: shown(r.Tool), Version: shown(r.Version), Rules: rules}
	out.Bases = map[string]sarifBase{sarifRoot: {Description: sarifText{"The root of the repository."}}}
	out.Invocations = []sarifInvocation{r.invocation()}
	out.Results = make([]sarifResult, len(list))
	for i, f := range list {
		out.Results[i] = f.sarif(index[f.Rule], r.Folders)
	}
	return out
}

// invocation says whether the tool did what it had to: one that told nothing
// must not look like one that found nothing.
func (r Run) invocation() sarifInvocation {
	i := sarifInvocation{Successful: len(r.Errors) == 0}
	for _, text := range r.Errors {
		i.Notifications = append(i.Notifications, sarifNotification{"error", sarifText{cmp.Or(shown(text), "it failed")}})
	}
	return i
}

// outcome is a finding, or a rule of which nobody can say yet whether it is one.
type outcome struct {
	Finding
	undetermined bool
}

func (f outcome) sarif(rule int, folders map[string]string) sarifResult {
	result := sarifResult{
		RuleID: shown(f.Rule), RuleIndex: rule, Level: f.Severity.level(), Message: sarifText{cmp.Or(shown(f.Title), shown(f.Rule))},
		Locations: f.locations(folders),
		// GitHub compares results by this name, and makes its own from the
		// text of the line where it is not there.
		Fingerprints: map[string]string{"primaryLocationLineHash": f.Fingerprint(), "strata/v1": f.Fingerprint()},
		Suppressions: []sarifSuppression{}, // an empty list says: none
		Properties:   sarifProperties{Severity(shown(string(f.Severity))), allShown(f.Units)},
	}
	if f.undetermined {
		result.Kind, result.Level = "open", "none" // what is open has no level
	}
	if f.Known != "" {
		result.Suppressions = append(result.Suppressions, sarifSuppression{"external", shown(f.Known)})
	}
	return result
}

// rules are those of the findings, sorted, and the index of each by its name.
// What a rule is called is known only where all its findings are called the
// same.
func rules(list []outcome) (all []sarifRule, index map[string]int) {
	byID := make(map[string][]outcome)
	for _, f := range list {
		byID[f.Rule] = append(byID[f.Rule], f)
	}
	all, index = make([]sarifRule, 0, len(byID)), make(map[string]int)
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		index[id] = len(all)
		all = append(all, ruleOf(id, byID[id]))
	}
	return all, index
}

// ruleOf is the rule of findings of which there is at least one.
func ruleOf(id string, found []outcome) sarifRule {
	title, help, gravest := found[0].Title, "", found[0].Severity
	for _, f := range found {
		help = cmp.Or(help, shown(f.Help))
		if f.Title != title {
			title = ""
		}
		if f.Severity.rank() > gravest.rank() {
			gravest = f.Severity
		}
	}
	rule := sarifRule{
		ID: shown(id), Short: sarifText{cmp.Or(shown(title), shown(id))}, Configuration: sarifConfiguration{gravest.level()},
		Properties: sarifRuleProperties{[]string{"security", "terraform"}, gravest.score()},
	}
	switch {
	case help == "":
	case isPage(help):
		rule.HelpURI = help
	default:
		rule.Help = &sarifText{help}
	}
	return rule
}

// isPage says whether what to do about a finding is the URL of a page.
func isPage(help string) bool {
	u, err := url.Parse(help)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
		!strings.ContainsFunc(help, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

func (f Finding) locations(folders map[string]string) []sarifLocation {
	var at sarifLocation
	if file := cmp.Or(f.File, folders[f.Unit]); file != "" {
		at.Physical = &sarifPhysical{}
		at.Physical.Artifact.URI = (&url.URL{Path: file}).String()
		at.Physical.Artifact.Base = sarifRoot
		if f.Line > 0 {
			at.Physical.Region = &sarifRegion{f.Line, f.End}
		}
	}
	if f.Resource != "" {
		at.Logical = append(at.Logical, sarifLogical{shown(f.Resource), "resource"})
	}
	if f.Unit != "" {
		at.Logical = append(at.Logical, sarifLogical{shown(f.Unit), "module"})
	}
	if at.Physical == nil && at.Logical == nil {
		return nil
	}
	return []sarifLocation{at}
}

func allShown(texts []string) []string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = shown(text)
	}
	return all
}

// shown makes foreign text fit for those who show it: colours of tools are taken
// out, other control characters but line ends, and those that reorder text,
// become U+FFFD.
func shown(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		if n := foreign.ColourLen(text); n > 0 {
			text = text[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		if r != '\n' && r != '\t' && unicode.IsControl(r) || foreign.Reorders(r) {
			r = utf8.RuneError
		}
		b.WriteRune(r)
		text = text[size:]
	}
	return b.String()
}

func (s Severity) level() string {
	switch s {
	case Critical, High:
		return "error"
	case Low, Info:
		return "note"
	}
	return "warning"
}

// score is the number by which code scanning tells severities apart: over 9 is
// critical, 7 and more high, 4 and more medium.
func (s Severity) score() string {
	switch s {
	case Critical:
		return "9.5"
	case High:
		return "8.0"
	case Low:
		return "2.0"
	case Info:
		return "0.0"
	}
	return "5.0"
}
