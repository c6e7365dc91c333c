package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Query names a document that policies define: the messages of what they refuse,
// or of what they warn of.
type Query struct {
	Path []string // below data
	Warn bool
}

var (
	namePattern    = regexp.MustCompile(`^\.([A-Za-z_][A-Za-z0-9_]*)`)
	bracketPattern = regexp.MustCompile(`^\[("(?:[^"\\]|\\.)*")\]`)
	allPattern     = regexp.MustCompile(`^\[_?[A-Za-z0-9_]*\]$`)
)

// ParseQuery reads a query as people write it: data.terraform.deny,
// data.policies["aws-s3"].deny, or either with [_] behind it.
func ParseQuery(text string) (Query, error) {
	wrong := fmt.Errorf("%q is not a query: write one such as data.terraform.deny", text)
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "data")
	if !ok {
		return Query{}, wrong
	}
	var q Query
	for rest != "" && !allPattern.MatchString(rest) {
		if m := namePattern.FindStringSubmatch(rest); m != nil {
			q.Path, rest = append(q.Path, m[1]), rest[len(m[0]):]
			continue
		}
		m := bracketPattern.FindStringSubmatch(rest)
		var name string
		if m == nil || json.Unmarshal([]byte(m[1]), &name) != nil || name == "" {
			return Query{}, wrong
		}
		q.Path, rest = append(q.Path, name), rest[len(m[0]):]
	}
	if len(q.Path) == 0 {
		return Query{}, wrong
	}
	if q.Path[0] == own {
		return Query{}, fmt.Errorf("%q cannot be asked: data.%s is Strata's own", text, own)
	}
	return q, nil
}

// String writes the query so that ParseQuery and Rego read it.
func (q Query) String() string {
	text := "data"
	for _, name := range q.Path {
		if namePattern.FindString("."+name) == "."+name {
			text += "." + name
		} else {
			text += "[" + quote(name) + "]"
		}
	}
	return text
}

// Rule is what findings of the query name as their rule: terraform.deny.
func (q Query) Rule() string { return strings.Join(q.Path, ".") }

// Defined says whether a rule of the modules defines the query, or a part of it.
func (q Query) Defined(modules []Module) bool {
	for _, m := range modules {
		for i := range m.rules {
			path := m.rules[i].path
			n := min(len(path), len(q.Path))
			if slices.Equal(path[:n], q.Path[:n]) && (len(path) >= len(q.Path) || m.rules[i].boxes > 0) {
				return true
			}
		}
	}
	return false
}

// UndefinedError says that no policy file defines a query: nothing can come of
// it, which is not the same as no message.
type UndefinedError struct{ Query Query }

func (e *UndefinedError) Error() string { return "no policy file defines " + e.Query.String() }

// quote writes a string of Rego, which is one of JSON.
func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}
