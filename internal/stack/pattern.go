package stack

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// names are the values of placeholders.
type names struct {
	path, layer, region, instance, env string
}

// field is the place of a placeholder's value, nil for an unknown placeholder.
func (n *names) field(placeholder string) *string {
	switch placeholder {
	case "path":
		return &n.path
	case "layer":
		return &n.layer
	case "region":
		return &n.region
	case "instance":
		return &n.instance
	case "env":
		return &n.env
	}
	return nil
}

// part of a template: literal text, or a placeholder.
type part struct {
	text        string // the literal, or the placeholder's name
	placeholder bool
}

// template is text with placeholders.
type template []part

// parseTemplate reads a template in which only the allowed placeholders may
// stand.
func parseTemplate(s string, allowed []string) (template, error) {
	var t template
	for s != "" {
		open := strings.IndexByte(s, '{')
		if open < 0 {
			return append(t, part{text: s}), nil
		}
		if open > 0 {
			t = append(t, part{text: s[:open]})
		}
		length := strings.IndexByte(s[open:], '}')
		if length < 0 {
			return nil, fmt.Errorf("%q has no closing brace", s[open:])
		}
		name := s[open+1 : open+length]
		if !slices.Contains(allowed, name) {
			return nil, unknownPlaceholder(name, allowed)
		}
		t = append(t, part{text: name, placeholder: true})
		s = s[open+length+1:]
	}
	return t, nil
}

func unknownPlaceholder(name string, allowed []string) error {
	if near := nearest(name, allowed, 1); len(near) > 0 {
		return fmt.Errorf("unknown placeholder {%s}: did you mean {%s}?", name, near[0])
	}
	return fmt.Errorf("unknown placeholder {%s} (there are {%s})", name, strings.Join(allowed, "}, {"))
}

// has says whether the placeholder stands in the template.
func (t template) has(placeholder string) bool {
	return slices.Contains(t, part{text: placeholder, placeholder: true})
}

// expand fills the placeholders in. A path segment that is a placeholder alone
// is left out where its value is empty, so that {region}/{instance}/{env} is no
// path with a hole for a unit without an instance.
func (t template) expand(n names) string {
	var b strings.Builder
	for i, p := range t {
		text := p.text
		if p.placeholder {
			text = *n.field(p.text)
		} else if t.hole(i-1, n) {
			text = strings.TrimPrefix(text, "/")
		}
		b.WriteString(text)
	}
	if t.hole(len(t)-1, n) {
		return strings.TrimSuffix(b.String(), "/")
	}
	return b.String()
}

// hole says whether part i is a whole path segment whose value is empty.
func (t template) hole(i int, n names) bool {
	if i < 0 || !t[i].placeholder || *n.field(t[i].text) != "" {
		return false
	}
	return i == 0 || strings.HasSuffix(t[i-1].text, "/")
}

// expandPath is expand for a path relative to the repository's root.
func (t template) expandPath(n names) string { return path.Clean(t.expand(n)) }

// match finds every way to read s as the template, where a placeholder that
// already has a value in n stands for that value alone.
func (t template) match(s string, n names) []names {
	if len(t) == 0 {
		if s == "" {
			return []names{n}
		}
		return nil
	}
	first, rest := t[0], t[1:]
	fixed := first.text
	if first.placeholder {
		fixed = *n.field(first.text)
	}
	if fixed != "" {
		if after, ok := strings.CutPrefix(s, fixed); ok {
			return rest.match(after, n)
		}
		return nil
	}
	var found []names
	for end := 1; end <= len(s); end++ {
		if len(rest) == 0 {
			end = len(s)
		}
		*n.field(first.text) = s[:end]
		found = append(found, rest.match(s[end:], n)...)
	}
	return found
}
