// Package scan knows the scanners of Terraform code and plans: how each is
// called, what its exit codes mean, and how what it printed is read. It runs
// nothing: that is the runner's.
//
// A scanner is one file with a function that returns it, a line in Scanners, a
// test with recorded output, and a page under docs/scanners.
package scan

import (
	"regexp"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/runner"
)

// Input is what a scanner reads.
type Input int

const (
	Code Input = iota // the whole repository, once
	Plan              // the plan of one unit, as JSON
)

// Scanner is a tool that finds faults.
type Scanner struct {
	Name    string
	Tool    runner.Tool
	Version string // the one that Image and Install name, and that is tested
	Install string // how to get it on a host
	Input   Input
	// Env is added to the tool's environment. It keeps the tool off the network
	// and from the keys of a platform that a machine may have.
	Env map[string]string
	// Config are globs of the repository's files that change what the tool
	// finds: a change to one is a change to the gate.
	Config []string
	// Reads says whether it reads a file of code of this name; nil for plans.
	Reads func(name string) bool
	// Args are those of one run, VersionArgs make it print its version.
	Args        func(Options) []string
	VersionArgs []string
	// OKCodes are the exit codes other than 0 that mean: it ran, and found
	// something.
	OKCodes []int
	// Parse reads what the tool printed. Read is what is to be called: it knows
	// what all tools have in common.
	Parse func(Options, Output) (Report, error)
}

// Options are what one run of a scanner may be told.
type Options struct {
	Root string // the repository's root in the tool's eyes, absolute; also the folder it runs in
	// Above is the folder, in the tool's eyes, that holds the root and nothing else;
	// empty if there is none.
	Above string
	// Skip are folders not to scan, slash paths relative to the root.
	Skip []string
	// Cache is a folder in the tool's eyes that does not exist: checks that
	// somebody once downloaded are not found there.
	Cache string

	// For scanners of plans:
	Plan     string // the plan's JSON, in the tool's eyes: one line, and not the only copy
	Features string // the folder of rules, in the tool's eyes, absolute
	Rules    string // the same folder as a slash path in the repository, for people
	Output   string // the file the tool writes, in the tool's eyes; its content is Output.File
	Unit     string // the unit's id
	Dir      string // the unit's folder, slash path relative to the root
}

// Output is what one run left.
type Output struct {
	ExitCode int
	Stdout   []byte
	Stderr   []byte
	Cut      bool   // of Stderr only the end is there
	File     []byte // of scanners that write a file, nil if there is none
}

// Report is what one run found.
type Report struct {
	Findings []finding.Finding // merged, sorted and numbered
	// Files is how many files, folders or rules the tool told it has looked at.
	// 0 means that it has told of none: it saw no file, or none that has a
	// resource it knows. Tools do not tell these apart: whoever knows that there
	// are such resources must not take it for a pass.
	Files int
	// Told is the number of findings by the tool's own count: one for each
	// caller of a module and each instance of a resource.
	Told int
	// Suppressed is the number of findings that the tool left out for comments
	// in the code, as far as it tells.
	Suppressed int
	Version    string // as the output has it; empty if it has none
}

// endings says whether a file's name ends in one of these.
func endings(list ...string) func(string) bool {
	return func(name string) bool {
		return slices.ContainsFunc(list, func(ending string) bool { return strings.HasSuffix(name, ending) })
	}
}

// Scanners returns all scanners, in the order in which they are listed.
func Scanners() []Scanner {
	return []Scanner{
		checkov(),
		tfsec(),
		trivy(),
		compliance(),
	}
}

// Unread is the rule of a finding which says that a tool could not read a file:
// what is in it was not looked at.
const Unread = "unread-file"

func unread(tool, file, why string) finding.Finding {
	title := tool + " could not read the file: nothing in it was looked at"
	if why != "" {
		title += ": " + why
	}
	return finding.Finding{Tool: tool, Rule: Unread, Severity: finding.High, Title: line(title), File: file}
}

var versionPattern = regexp.MustCompile(`\d+\.\d+\.\d+[0-9A-Za-z.+-]*`)

// ParseVersion finds the version in what VersionArgs made the tool print; it is
// empty where the tool does not know its own.
func ParseVersion(stdout []byte) string { return string(versionPattern.Find(stdout)) }

// finish makes a report of what a tool has told.
func (r Report) finish(o Options) Report {
	var kept []finding.Finding
	for _, f := range r.Findings {
		if !skipped(f.File, o.Skip) {
			kept = append(kept, f)
		}
	}
	r.Findings = finding.Number(finding.Merge(kept))
	return r
}

// skipped says whether a file is in a folder that is not to be scanned, or in
// one that Terraform or Strata keeps there for itself: what is downloaded is not
// the repository's.
func skipped(file string, skip []string) bool {
	for _, dir := range skip {
		if file == dir || strings.HasPrefix(file, dir+"/") {
			return true
		}
	}
	for part := range strings.SplitSeq(file, "/") {
		if part == ".terraform" || part == ".strata" || part == ".git" {
			return true
		}
	}
	return false
}
