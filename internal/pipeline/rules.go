package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/scan"
	"github.com/strata-tf/strata/internal/stack"
)

// rules are what gates hold units to: the part of strata.yaml that is about
// gates, policies, rules of scanners, and the findings that are accepted.
type rules struct {
	settings *stack.Config
	files    *affected.Snapshot // that gates and scanners go by; what links lead to is in their place
	base     string             // the commit they are of; "" for the files as they lie there
	from     string             // says so to people
	configs  map[string]bool    // files that scanners are configured by, in these rules or in the working tree
	changed  []finding.Finding  // changes to the rules, that hold once they are merged
}

// findRules reads the rules: those of the target where the run is for a pull
// request, or compares with a base. Otherwise whoever asks for a change could let
// it pass.
func (s *session) findRules(verb string) (*rules, error) {
	base, forked, from, err := s.rulesBase(verb)
	if err != nil {
		return nil, err
	}
	if base == "" {
		r := &rules{settings: s.config}
		r.files, err = ruleFiles(s.Source, s.config)
		if err != nil {
			return nil, fmt.Errorf("read policies and rules: %w", err)
		}
		return r, nil
	}
	commit, err := s.Repository.Commit(base)
	if err != nil {
		return nil, err
	}
	r := &rules{base: base, from: fmt.Sprintf("gates, limits, policies and suppressions are those of %s (%s)", short(base), from)}
	if r.settings, err = stack.Load(commit.FS); err != nil {
		return nil, fmt.Errorf("the rules of %s (%s), which hold for this run: %w", short(base), from, err)
	}
	if _, known := r.settings.Environments[s.Select.Environment]; !known && !s.judged() {
		r := &rules{settings: s.config}
		r.files, err = ruleFiles(s.Source, s.config)
		return r, err
	} else if !known {
		return nil, &RefusedError{fmt.Sprintf("%s (%s), whose gates hold for this run, has no environment %s: it would have none; describe it there first, in a change of its own", short(base), from, s.Select.Environment)}
	}
	if err := r.refusePrograms(); err != nil {
		return nil, err
	}
	if r.files, err = ruleFiles(commit.FS, r.settings); err != nil {
		return nil, fmt.Errorf("read policies and rules of %s: %w", short(base), err)
	}
	return r, r.compare(s, forked)
}

// judged says whether somebody else's change is looked at, and not one's own.
func (s *session) judged() bool {
	ci, ok := s.ci()
	return s.GatesFrom != "" || ok && ci.PullRequest
}

// rulesBase is the commit whose rules hold, the target's newest: of an older one
// whoever asks for a change could choose which. forked is where the change left
// it. Both are "" where the rules hold that lie there.
func (s *session) rulesBase(verb string) (base, forked, from string, err error) {
	ci, ok := s.ci()
	request := ok && ci.PullRequest
	target := s.GatesFrom
	from = "--gates-from"
	switch {
	case target != "":
	case request && s.Repository == nil:
		return "", "", "", fmt.Errorf("this run is for a pull request, whose gates come from its target: %w", s.noRepository())
	case request:
		if target, from, err = s.mergeTarget(ci.Branch); err != nil {
			return "", "", "", err
		}
	case s.compares && verb != "deploy":
		if target, from, err = s.baseRevision(s.config); err != nil {
			return "", "", "", err
		}
	default:
		return "", "", "", nil
	}
	if s.Repository == nil {
		return "", "", "", fmt.Errorf("gates come from %s (%s): %w", target, from, s.noRepository())
	}
	if base, err = s.Repository.Resolve(target); err != nil && request && s.GatesFrom == "" {
		return "", "", "", fmt.Errorf("this run is for a pull request, whose gates come from its target: %w", err)
	} else if err != nil {
		return "", "", "", fmt.Errorf("gates come from %s (%s): %w", target, from, err)
	}
	if forked, err = s.Repository.MergeBase(target, "HEAD"); err != nil {
		forked = base // a shallow clone has no history: what differs counts as changed
	}
	return base, forked, from, nil
}

// mergeTarget is what a pull request is to be merged into: its branch as it is now,
// else the commit that the CI names.
func (s *session) mergeTarget(branch string) (revision, from string, err error) {
	if _, err := s.Repository.Resolve("origin/" + branch); err == nil {
		return "origin/" + branch, "the target of the pull request", nil
	}
	if revision, from, err = s.baseRevision(s.config); err != nil {
		return "", "", fmt.Errorf("this run is for a pull request, whose gates come from its target: %w", err)
	}
	s.warnings = append(s.warnings, fmt.Sprintf("origin/%s is not in this clone: gates are those of %s (%s), which may be older; fetch it (git fetch origin %[1]s)", branch, short(revision), from))
	return revision, from, nil
}

// ruleFiles reads all files that gates and scanners go by.
func ruleFiles(files fs.FS, config *stack.Config) (*affected.Snapshot, error) {
	names := []string{config.Policy.Path, config.Scan.Compliance.Path}
	if config.Scan.Baseline != "" {
		names = append(names, config.Scan.Baseline)
	}
	return affected.ReadBelow(files, slices.Concat(names, scannerConfigs(files))...)
}

// scannerConfigs lists the files and folders that scanners are configured by, and
// those of the repository that these name.
func scannerConfigs(files fs.FS) []string {
	var names []string
	for _, sc := range scan.Scanners() {
		for _, glob := range sc.Config {
			name := strings.TrimSuffix(glob, "/**")
			names = append(names, name)
			names = append(names, named(files, name)...)
		}
	}
	return names
}

// named lists the paths that a configuration names: whatever in it is one.
func named(files fs.FS, config string) []string {
	text, err := fs.ReadFile(files, config)
	if err != nil {
		return nil // there is none, or it is a folder: all in that counts
	}
	var names []string
	for _, word := range bytes.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"',:[]{}", r) }) {
		name := path.Clean(string(word))
		if !fs.ValidPath(name) || name == "." {
			continue
		}
		if _, err := fs.Stat(files, name); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// refusePrograms refuses gates' programs that are files of the repository, which
// a pull request can change, or what they call.
func (r *rules) refusePrograms() error {
	for _, name := range append([]string{opa}, stack.Scanners()...) {
		binary := r.settings.Tools[name].Binary
		if runner.InRepository(binary) {
			return &RefusedError{fmt.Sprintf("%s is a file of the repository (%s, `tools` in strata.yaml), which a pull request can change: name one on PATH, or an absolute path", name, binary)}
		}
	}
	return nil
}

// has says whether there are files below a folder.
func (r *rules) has(dir string) bool {
	return slices.ContainsFunc(r.files.Names, func(name string) bool { return affected.Below(dir, name) })
}

// replaced says whether a file of the working tree is not what scanners go by.
func (r *rules) replaced(name string) bool { return r.configs[name] }

// ruleChanged is the rule of a finding which says that the rules change.
const ruleChanged = "gates-changed"

// compare finds what the working tree changes in the rules since it left the base.
func (r *rules) compare(s *session, forked string) error {
	before, err := s.Repository.Commit(forked)
	if err != nil {
		return err
	}
	old, err := stack.Load(before.FS)
	if err != nil {
		old = r.settings // it could not be read then: all that differs counts
	}
	if !bytes.Equal(gateSettings(old), gateSettings(s.config)) {
		r.change(stack.ConfigFile, 0, "what strata.yaml says of gates, limits, policies, scans, tools, hooks or terraform is changed")
	}
	now := make(map[string]string)
	was := make(map[string]string)
	for _, config := range []*stack.Config{r.settings, s.config} {
		for _, side := range []struct {
			files fs.FS
			ids   map[string]string
		}{{s.Source, now}, {before.FS, was}} {
			read, err := ruleFiles(side.files, config)
			if err != nil {
				return fmt.Errorf("read policies and rules: %w", err)
			}
			for _, name := range read.Names {
				side.ids[name], _ = read.ID(name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		switch {
		case was[name] == "":
			r.change(name, 0, "a file that gates read is added")
		case was[name] != now[name]:
			r.change(name, 0, "a file that gates read is changed")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if now[name] == "" {
			r.change(name, 0, "a file that gates read is removed")
		}
	}
	r.configs = make(map[string]bool)
	for _, files := range []fs.FS{s.Source, r.files.FS} {
		read, err := affected.ReadBelow(files, scannerConfigs(files)...)
		if err != nil {
			return fmt.Errorf("read what scanners are configured by: %w", err)
		}
		for _, name := range read.Names {
			r.configs[name] = true
		}
	}
	return r.compareCode(s, before)
}

func (r *rules) change(file string, line int, title string) {
	r.changed = append(r.changed, finding.Finding{
		Tool: toolStrata, Rule: ruleChanged, Severity: finding.High, Title: title, File: file, Line: line,
		Help: "see that somebody who answers for the gates has agreed",
	})
}

// ignoring is what comments say that make a scanner leave a finding out.
var ignoring = []string{"tfsec:ignore", "trivy:ignore", "checkov:skip", "bridgecrew:skip"}

// compareCode finds comments that make scanners leave findings out, where the
// change has brought them.
func (r *rules) compareCode(s *session, before *affected.Snapshot) error {
	now, err := s.workingTree()
	if err != nil {
		return err
	}
	for _, c := range affected.Diff(before, now) {
		if !stack.IsTerraformFile(c.Path) {
			continue
		}
		text, err := fs.ReadFile(now.FS, c.Path)
		if err != nil {
			continue // it is gone
		}
		old, _ := fs.ReadFile(before.FS, c.Path)
		had := make(map[string]bool)
		for line := range strings.Lines(string(old)) {
			had[strings.TrimSpace(line)] = true
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			line = strings.TrimSpace(line)
			if !had[line] && slices.ContainsFunc(ignoring, func(word string) bool { return strings.Contains(line, word) }) {
				r.change(c.Path, n, "a comment that makes a scanner leave findings out is added")
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
		Hooks        stack.Hooks
		Terraform    stack.Terraform
		Given        []bool
	}{make(map[string]environment), c.Policy, c.Scan, c.Tools, c.Hooks, c.Terraform, []bool{c.Policy.Given, c.Scan.Given, c.Scan.Compliance.Given}}
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
