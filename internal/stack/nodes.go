package stack

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"github.com/google/jsonschema-go/jsonschema"
)

// start is where a node begins.
func (d *document) start(node ast.Node) Position { return d.position(startToken(node)) }

// startToken is what a node begins with: a mapping's own token is its first
// colon.
func startToken(node ast.Node) *token.Token {
	if pairs, ok := mapping(node); ok {
		if m, flow := node.(*ast.MappingNode); flow && m.IsFlowStyle {
			return m.Start
		}
		if len(pairs) > 0 {
			return pairs[0].Key.GetToken()
		}
	}
	if list, ok := node.(*ast.SequenceNode); ok {
		return list.Start
	}
	if node == nil {
		return nil
	}
	return node.GetToken()
}

// mapping is the pairs of a mapping; a single pair may stand without one.
func mapping(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// textOf is the text of a plain, quoted or block string.
func textOf(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	return "", false
}

// where is a path for people; the top of the file has none.
func where(path string) string {
	if path == "" {
		return ConfigFile
	}
	return path
}

func expected(s *jsonschema.Schema) string {
	switch s.Type {
	case "object":
		return "a mapping"
	case "array":
		return "a list"
	case "integer":
		return "a whole number"
	case "boolean":
		return "true or false"
	}
	if words := enumWords(s); len(words) > 0 {
		return alternatives(words)
	}
	switch s.Pattern {
	case durationPattern:
		return "a duration such as 5m"
	case datePattern:
		return "a date such as 2027-03-31"
	}
	return "text"
}

func found(node ast.Node) string {
	switch n := node.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode:
		return fmt.Sprintf("the text %q", clip(n.Value))
	case *ast.LiteralNode:
		return "a block of text"
	case *ast.BoolNode:
		return n.GetToken().Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + clip(n.GetToken().Value)
	}
	return "something else"
}

// kind is what found says, without the value itself.
func kind(node ast.Node) string {
	switch node.(type) {
	case *ast.StringNode:
		return "text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	}
	return found(node)
}

// hint ends a message about a wrong type with what is likely to help.
func hint(node ast.Node, s *jsonschema.Schema) string {
	switch node.(type) {
	case nil, *ast.NullNode:
		return " (leave the key out for the default)"
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		if s.Type == "string" && len(s.Enum) == 0 && s.Pattern != durationPattern && s.Pattern != datePattern {
			return " (put it in quotes)"
		}
	case *ast.StringNode:
		if s.Type == "array" {
			return " (put it in brackets)"
		}
	}
	return ""
}

// clip shortens text that is shown in a message. Of a URL it leaves the scheme:
// webhooks' URLs are secrets, and may stand where none is expected.
func clip(s string) string {
	s = strings.TrimSpace(s)
	if scheme, _, ok := strings.Cut(s, "://"); ok {
		s = scheme + "://…"
	}
	if runes := []rune(s); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return s
}
