package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/strata-tf/strata/internal/stack"
)

// What makes a finding not count is applied in this order: suppressions, the
// baseline, duplicates. So a finding that is suppressed for one tool counts for
// the other that has found it too.

// Suppression accepts findings for a time, as strata.yaml says, which is checked
// when it is read.
type Suppression stack.Suppression

// Covers says whether the suppression is meant for a finding, in time or not.
func (s Suppression) Covers(f Finding) bool {
	if s.Tool != "" && s.Tool != f.Tool {
		return false
	}
	if s.Path != "" && !s.at(f.File) && (f.Dir == "" || !s.at(f.Dir)) {
		return false
	}
	if f.Names(s.Rule) {
		return true
	}
	for _, name := range append([]string{f.Rule}, f.Aliases...) {
		if is, err := doublestar.Match(s.Rule, name); err == nil && is {
			return true
		}
	}
	return false
}

// at says whether the suppression is meant for a file or folder.
func (s Suppression) at(name string) bool {
	in, err := doublestar.Match(s.Path, name)
	return s.Path == name || err == nil && in
}

// Expired says whether the suppression's last day has passed.
func (s Suppression) Expired(now time.Time) bool { return stack.DateOf(now).After(s.Until) }

// Suppress parts the findings that count from those that are suppressed, and
// returns the suppressions whose last day has passed: these suppress nothing.
func Suppress(list []Finding, suppressions []Suppression, now time.Time) (counted, known []Finding, expired []Suppression) {
	var valid []Suppression
	for _, s := range suppressions {
		if s.Expired(now) {
			expired = append(expired, s)
		} else {
			valid = append(valid, s)
		}
	}
	counted, known = part(list, func(f Finding) string {
		i := slices.IndexFunc(valid, func(s Suppression) bool { return s.Covers(f) })
		if i < 0 {
			return ""
		}
		s := valid[i]
		return fmt.Sprintf("suppressed until %s by %s: %s", s.Until, s.Owner, s.Reason)
	})
	return counted, known, expired
}

// Duplicates parts the findings that count from those that another tool has
// found too: a rule of the same name, in the same file, and in the same lines or
// the same resource. The graver one counts, of two that are as grave that of the
// tool which comes first in order. Where tools are gated in different ways, each
// way's findings are compared by themselves: what only warns must not stand for
// what would refuse.
func Duplicates(list []Finding, order ...string) (counted, known []Finding) {
	first := make([]int, len(list))
	for i := range first {
		first[i] = i
	}
	place := func(tool string) int {
		if i := slices.Index(order, tool); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(first, func(i, j int) int {
		a, b := list[i], list[j]
		return cmp.Or(
			cmp.Compare(b.Severity.rank(), a.Severity.rank()), cmp.Compare(place(a.Tool), place(b.Tool)),
			strings.Compare(a.Tool, b.Tool), Compare(a, b),
		)
	})
	type key struct{ file, unit, rule string }
	standing := make(map[key][]Finding)
	also := make(map[int]string)
	for _, i := range first {
		f := list[i]
		if f.Known != "" {
			continue
		}
		names := append([]string{f.Rule}, f.Aliases...)
		for _, name := range names {
			for _, other := range standing[key{f.File, f.Unit, strings.ToLower(name)}] {
				if other.Tool != f.Tool && other.meets(f) {
					also[i] = "also found by " + other.Tool
				}
			}
		}
		if also[i] != "" {
			continue
		}
		for _, name := range names {
			k := key{f.File, f.Unit, strings.ToLower(name)}
			standing[k] = append(standing[k], f)
		}
	}
	at := -1
	return part(list, func(Finding) string { at++; return also[at] })
}

// meets says whether two findings of one file are in the same lines or the same
// resource.
func (f Finding) meets(other Finding) bool {
	if f.Line > 0 && other.Line > 0 && f.Line <= max(other.End, other.Line) && other.Line <= max(f.End, f.Line) {
		return true
	}
	return f.Resource != "" && f.Resource == other.Resource
}

// part splits a list by why a finding does not count. What did not count before
// stays so.
func part(list []Finding, why func(Finding) string) (counted, known []Finding) {
	for _, f := range list {
		reason := why(f)
		if f.Known == "" {
			f.Known = reason
		}
		if f.Known == "" {
			counted = append(counted, f)
		} else {
			known = append(known, f)
		}
	}
	return counted, known
}
