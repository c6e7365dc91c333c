package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/stack"
)

// hit is a finding that counts, and what follows from it.
type hit struct {
	*finding.Finding
	refuses      bool // what it is about is refused; otherwise it only warns
	undetermined bool // it cannot be decided before the apply
}

// hits are the findings of a check that count: those that refuse first, the
// gravest of each first.
func (c *Check) hits() []hit {
	var list []hit
	for i := range c.Findings {
		list = append(list, hit{Finding: &c.Findings[i], refuses: c.Mode == stack.Enforce})
	}
	for i := range c.Undetermined {
		list = append(list, hit{Finding: &c.Undetermined[i], refuses: c.Mode == stack.Enforce && c.Unknown == stack.Deny, undetermined: true})
	}
	sortHits(list)
	return list
}

// sortHits orders findings as they are listed: by chapter, gravity and place.
func sortHits(list []hit) {
	slices.SortStableFunc(list, func(a, b hit) int {
		return cmp.Or(a.chapter()-b.chapter(), a.gravity()-b.gravity(), finding.Compare(*a.Finding, *b.Finding))
	})
}

// chapter is the number of the chapter that a finding is listed in.
func (h hit) chapter() int {
	n := 0
	if !h.refuses {
		n += 2
	}
	if h.undetermined {
		n++
	}
	return n
}

// gravity is how grave a finding is: 0 is the gravest.
func (h hit) gravity() int {
	return slices.Index(finding.Severities(), finding.SeverityOf(string(h.Severity)))
}

// chapter is findings from which the same follows, the gravest first.
type chapter struct {
	refuses bool
	title   string
	hits    []hit
}

// chapters are the findings of a run by what follows from them, those that
// refuse first. None is empty.
func chapters(run *Run) []chapter {
	var all []hit
	for i := range run.Checks {
		all = append(all, run.Checks[i].hits()...)
	}
	sortHits(all)
	var list []chapter
	for n, title := range []string{
		"Findings that refuse", "Cannot be decided before the apply, refused", "Findings that only warn", "Cannot be decided before the apply, only told",
	} {
		length := len(all)
		if i := slices.IndexFunc(all, func(h hit) bool { return h.chapter() > n }); i >= 0 {
			length = i
		}
		if length > 0 {
			list = append(list, chapter{refuses: all[0].refuses, title: title, hits: all[:length]})
		}
		all = all[length:]
	}
	return list
}

// grave parts findings, the gravest first, by severity.
func grave(list []hit) [][]hit {
	var groups [][]hit
	for i, h := range list {
		if i == 0 || list[i-1].gravity() != h.gravity() {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], h)
	}
	return groups
}

// severity is the word for how grave a finding is.
func (h hit) severity() finding.Severity { return finding.Severities()[h.gravity()] }

// severities counts findings by severity: 1 critical, 12 low.
func severities(list []hit) string {
	numbers, words := make([]int, len(finding.Severities())), make([]string, 0, len(finding.Severities()))
	for _, h := range list {
		numbers[h.gravity()]++
	}
	for _, s := range finding.Severities() {
		words = append(words, string(s))
	}
	return counts(numbers, words)
}

// byTool counts findings by tool, in the order of tools: 4 checkov, 1 tfsec.
func byTool(run *Run, list []hit) string {
	var words []string
	for i := range run.Checks {
		words = append(words, brief(run.Checks[i].Tool, toolUpTo))
	}
	words = append(words, "other")
	numbers := make([]int, len(words))
	for _, h := range list {
		if i := slices.IndexFunc(run.Checks, func(c Check) bool { return c.Tool == h.Tool }); i >= 0 {
			numbers[i]++
		} else {
			numbers[len(words)-1]++
		}
	}
	return counts(numbers, words)
}

const (
	toolUpTo  = 40 // bytes of a tool's name or version
	usersUpTo = 3  // units named of those that use a file
)

// where says what a finding is about: the lines of a file or a unit, through
// show.
func (h hit) where(show func(string) string) string {
	at := ""
	if h.File != "" && (h.Unit == "" || h.Line > 0) {
		at = show(h.lines())
	}
	if h.Unit == "" {
		return at
	}
	return strings.TrimRight(show(h.Unit)+" "+at, " ")
}

// lines says where a finding is in a file: file:line or file:first-last.
func (h hit) lines() string {
	text := h.File
	if h.Line > 0 {
		text += ":" + digits(h.Line)
		if h.End > h.Line {
			text += "-" + digits(h.End)
		}
	}
	return text
}

// users names units that use the file of a finding: id, id, id, +3. It is empty
// where the finding is about one unit.
func (h hit) users(show func(string) string) string {
	if h.Unit != "" {
		return ""
	}
	var ids []string
	for n, id := range h.Units {
		if n == usersUpTo {
			ids = append(ids, "+"+thousands(len(h.Units)-n))
			break
		}
		ids = append(ids, show(id))
	}
	return strings.Join(ids, ", ")
}

// what says what is wrong: the tool's title, otherwise the rule's name.
func (h hit) what() string { return cmp.Or(h.Title, h.Rule) }
