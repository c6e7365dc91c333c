package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/scan"
	"github.com/strata-tf/strata/internal/stack"
)

// rules are what gates hold units to: the part of strata.yaml that is about
// gates, policies, rules of scanners, and the findings that are accepted.
type rules struct {
	settings *stack.Config
	files    *affected.Snapshot // that gates read: policies, rules, baseline
	base     *affected.Snapshot // the commit they are of; nil for the files as they lie there
	from     string             // says so to people
	// changed are the changes to the rules that hold once they are merged.
	changed []finding.Finding
}

// findRules reads the rules: those of the base commit where the run is for a
// pull request, or compares with a base. Otherwise whoever asks for a change
// could let it pass.
func (s *session) findRules(verb string) (*rules, error) {
	base, from, err := s.rulesBase(verb)
	if err != nil {
		return nil, err
	}
	if base == "" {
		r := &rules{settings: s.config}
		r.files, err = affected.SnapshotOf(s.Source, r.folders()...)
		if err != nil {
			return nil, fmt.Errorf("read policies and rules: %w", err)
		}
		return r, nil
	}
	r := &rules{}
	if r.base, err = s.Repository.Commit(base); err != nil {
		return nil, err
	}
	if r.settings, err = stack.Load(r.base.FS); err != nil {
		return nil, fmt.Errorf("the rules of %s (%s), which hold for this run: %w", short(base), from, err)
	}
	r.files = r.base.Only(func(name string) bool { return r.reads(r.settings, name) })
	r.from = fmt.Sprintf("gates, limits, policies and suppressions are those of %s (%s)", short(base), from)
	return r, r.compare(s)
}

// rulesBase is the commit whose rules hold; "" where those hold that lie there.
func (s *session) rulesBase(verb string) (commit, from string, err error) {
	ci, ok := s.ci()
	request := ok && ci.PullRequest
	switch {
	case s.GatesFrom != "":
		if s.Repository == nil {
			return "", "", fmt.Errorf("--gates-from: %w", s.noRepository())
		}
		if commit, err = s.Repository.MergeBase(s.GatesFrom, "HEAD"); err != nil {
			return "", "", fmt.Errorf("--gates-from %s: %w", s.GatesFrom, err)
		}
		return commit, "--gates-from", nil
	case request && s.Repository == nil:
		return "", "", fmt.Errorf("this run is for a pull request, whose gates come from its base commit: %w", s.noRepository())
	case request:
		if commit, from, err = s.base(s.config); err != nil {
			err = fmt.Errorf("this run is for a pull request, whose gates come from its base commit: %w", err)
		}
		return commit, from, err
	case s.compares && verb != "deploy":
		return s.base(s.config)
	}
	return "", "", nil
}

// folders are the names below which the files are that gates read.
func (r *rules) folders() []string {
	all := []string{r.settings.Policy.Path, r.settings.Scan.Compliance.Path}
	if r.settings.Scan.Baseline != "" {
		all = append(all, r.settings.Scan.Baseline)
	}
	for _, name := range append([]string{opa}, stack.Scanners()...) {
		if binary := r.settings.Tools[name].Binary; inRepository(binary) {
			all = append(all, path.Clean(binary))
		}
	}
	return all
}

// inRepository says whether a program is one of the repository's files.
func inRepository(binary string) bool {
	return strings.Contains(binary, "/") && !filepath.IsAbs(binary) && !path.IsAbs(binary)
}

// reads says whether a file is one that gates read, apart from strata.yaml.
func (*rules) reads(config *stack.Config, name string) bool {
	r := rules{settings: config}
	return slices.ContainsFunc(r.folders(), func(dir string) bool { return affected.Below(dir, name) })
}

// scannerConfig says whether a file changes what scanners find.
func scannerConfig(name string) bool {
	for _, sc := range scan.Scanners() {
		for _, glob := range sc.Config {
			if is, err := doublestar.Match(glob, name); err == nil && is {
				return true
			}
		}
	}
	return false
}

// has says whether there are files below a folder.
func (r *rules) has(dir string) bool {
	return slices.ContainsFunc(r.files.Names, func(name string) bool { return affected.Below(dir, name) })
}

// ruleChanged is the rule of a finding which says that the rules change.
const ruleChanged = "gates-changed"

// compare finds what the working tree changes in the rules.
func (r *rules) compare(s *session) error {
	now, err := s.WorkingTree()
	if err != nil {
		return fmt.Errorf("read what the repository holds: %w", err)
	}
	add := func(file, title string) {
		r.changed = append(r.changed, finding.Finding{
			Tool: toolStrata, Rule: ruleChanged, Severity: finding.High, Title: title, File: file,
			Help: "it takes effect once it is merged: see that somebody who answers for the gates has agreed",
		})
	}
	if !slices.Equal(gateSettings(r.settings), gateSettings(s.config)) {
		add(stack.ConfigFile, "what strata.yaml says of gates, limits, policies, scans or tools is changed")
	}
	for _, change := range affected.Diff(r.base, now) {
		for _, name := range []string{change.Path, change.From} {
			if name != "" && (r.reads(r.settings, name) || r.reads(s.config, name) || scannerConfig(name)) {
				add(name, fmt.Sprintf("a file that gates read is changed (%s)", change.Kind))
			}
		}
	}
	r.changed = finding.Number(r.changed)
	return nil
}

// gateSettings are the parts of the configuration that gates go by, as text.
func gateSettings(c *stack.Config) []byte {
	type environment struct {
		Gates  stack.Gates
		Limits *stack.Limits
	}
	settings := struct {
		Environments map[string]environment
		Policy       stack.Policy
		Scan         stack.Scan
		Tools        map[string]stack.Tool
		Given        []bool
	}{make(map[string]environment), c.Policy, c.Scan, c.Tools, []bool{c.Policy.Given, c.Scan.Given, c.Scan.Compliance.Given}}
	for name, e := range c.Environments {
		settings.Environments[name] = environment{e.Gates, e.Limits}
	}
	text, _ := json.Marshal(settings) // plain data
	return text
}

// baseline reads the findings that are accepted: by the file that strata.yaml
// names, and by those of the option.
func (r *rules) baseline(given []finding.Baseline) (finding.Baseline, error) {
	all := finding.Baseline{Schema: finding.BaselineSchema}
	if name := r.settings.Scan.Baseline; name != "" {
		data, err := fs.ReadFile(r.files.FS, name)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("there is no such file: strata scan --write-baseline %s writes it", name)
			}
			return all, fmt.Errorf("scan.baseline %s: %w", name, err)
		}
		b, err := finding.ReadBaseline(data)
		if err != nil {
			return all, fmt.Errorf("scan.baseline %s: %w", name, err)
		}
		given = append(given, b)
	}
	for _, b := range given {
		all.Findings = append(all.Findings, b.Findings...)
	}
	return all, nil
}
