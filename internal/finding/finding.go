// Package finding is what scanners and policies find: the one form of it,
// whichever tool it is from, what makes two findings the same, and which of
// them count. It is pure data: it runs nothing and reads no file.
package finding

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// Finding is one fault that a tool found.
type Finding struct {
	Tool string `json:"tool"`
	Rule string `json:"rule"`
	// Aliases are other names of the rule, by which people may know it.
	Aliases  []string `json:"aliases,omitempty"`
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`
	// Unit is the id of the unit whose plan has the fault; empty where it is in
	// the code.
	Unit string `json:"unit,omitempty"`
	// Dir is that unit's folder, where File is not in it: a policy's finding has the
	// policy's file. Slash path relative to the repository's root.
	Dir string `json:"dir,omitempty"`
	// Units are the ids of all units that use the file, sorted.
	Units []string `json:"units,omitempty"`
	File  string   `json:"file,omitempty"` // slash path relative to the repository's root
	Line  int      `json:"line,omitempty"` // the first one; 0 if the tool told none
	End   int      `json:"end,omitempty"`  // the last line
	// Resource is the address of the resource: in code as its own file has it,
	// without the modules that lead to it and the key of an instance; in a plan
	// the whole of it.
	Resource string `json:"resource,omitempty"`
	Help     string `json:"help,omitempty"` // what to do about it, or the URL of a page that says so
	// Known says why the finding does not count; empty if it does.
	Known string `json:"known,omitempty"`
	// Occurrence tells findings apart that are the same in all but their line,
	// see Number.
	Occurrence int `json:"occurrence,omitempty"`
}

// OPA is the tool of what policies find.
const OPA = "opa"

// Fingerprint is the same for the same finding in another commit: it depends on
// the tool, the rule, the unit, the file and the resource, and on neither lines
// nor words, but for a policy's: what exactly it found stands only in its message.
// Findings have theirs for certain only after Number.
func (f Finding) Fingerprint() string {
	parts := []any{f.Tool, f.Rule, f.Unit, f.File, f.Resource, f.Occurrence}
	if f.Tool == OPA {
		parts = append(parts, f.Title)
	}
	text, _ := json.Marshal(parts)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Names says whether a name is that of the finding's rule.
func (f Finding) Names(rule string) bool {
	return strings.EqualFold(f.Rule, rule) ||
		slices.ContainsFunc(f.Aliases, func(alias string) bool { return strings.EqualFold(alias, rule) })
}

// Compare is the order in which findings are listed: by file, line, tool and
// rule.
func Compare(a, b Finding) int {
	return cmp.Or(
		strings.Compare(a.File, b.File), strings.Compare(a.Unit, b.Unit), cmp.Compare(a.Line, b.Line), cmp.Compare(a.End, b.End),
		strings.Compare(a.Tool, b.Tool), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Resource, b.Resource),
		strings.Compare(a.Title, b.Title),
	)
}

// Number sorts all that a tool found, and numbers what is the same in all but
// its line. It returns a list of its own. A list that has lost some of its
// findings since must not be numbered again: fingerprints would change.
func Number(list []Finding) []Finding {
	list = slices.Clone(list)
	slices.SortStableFunc(list, Compare)
	seen := make(map[string]int)
	for i := range list {
		list[i].Occurrence = 0
		same := list[i].Fingerprint()
		list[i].Occurrence = seen[same]
		seen[same]++
	}
	return list
}

// Merge makes one of what a tool found in the same lines for the same reason:
// tools that follow modules find the fault of a module once for each of its
// callers, and that of a resource once for each of its instances.
func Merge(list []Finding) []Finding {
	type place struct {
		tool, rule, title, unit, file string
		line, end                     int
	}
	at := make(map[place][]int)
	var merged []Finding
	for _, f := range list {
		p := place{f.Tool, f.Rule, f.Title, f.Unit, f.File, f.Line, f.End}
		i := slices.IndexFunc(at[p], func(i int) bool {
			there := merged[i].Resource
			return there == f.Resource || f.Line > 0 && (there == "" || f.Resource == "") // told by only some of its callers
		})
		if i < 0 {
			at[p] = append(at[p], len(merged))
			merged = append(merged, f)
			continue
		}
		there := &merged[at[p][i]]
		there.Resource = cmp.Or(there.Resource, f.Resource)
		if f.Severity.rank() > there.Severity.rank() {
			there.Severity = f.Severity
		}
	}
	return merged
}

// Scope tells which units a finding concerns: users returns the ids of those
// that use a file.
func Scope(list []Finding, users func(file string) []string) []Finding {
	list = slices.Clone(list)
	units := make(map[string][]string)
	for i, f := range list {
		if f.Unit != "" {
			list[i].Units = []string{f.Unit}
			continue
		}
		ids, ok := units[f.File]
		if !ok && f.File != "" {
			ids = slices.Clone(users(f.File))
			slices.Sort(ids)
			ids = slices.Compact(ids)
			units[f.File] = ids
		}
		list[i].Units = ids
	}
	return list
}
