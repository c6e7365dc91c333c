package stack

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/google/jsonschema-go/jsonschema"
)

// value turns a node into a plain value, checking it against the schema. It
// returns nil for what does not fit, having told why.
func (d *document) value(node ast.Node, s *jsonschema.Schema, path string) any {
	d.positions[path] = d.start(node)
	switch n := node.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		d.problem(path, "anchors and aliases are not supported: write the value out")
		return nil
	case *ast.TagNode:
		d.problem(path, "tags such as %s are not supported", clip(n.GetToken().Value))
		return nil
	}
	switch s.Type {
	case "object":
		if pairs, ok := mapping(node); ok {
			return d.object(pairs, s, path)
		}
	case "array":
		if list, ok := node.(*ast.SequenceNode); ok {
			return d.list(list, s, path)
		}
	case "string":
		if text, ok := textOf(node); ok {
			return d.text(text, s, path)
		}
	case "integer":
		if number, ok := node.(*ast.IntegerNode); ok {
			return d.integer(number, s, path)
		}
	case "boolean":
		if b, ok := node.(*ast.BoolNode); ok {
			return b.Value
		}
	}
	what := found(node)
	if path == "notify" || strings.HasPrefix(path, "notify.") {
		what = kind(node) // it may be the secret itself
	}
	d.problem(path, "%s: expected %s, found %s%s", where(path), expected(s), what, hint(node, s))
	return nil
}

// object reads a mapping: known keys, or any keys of one kind.
func (d *document) object(pairs []*ast.MappingValueNode, s *jsonschema.Schema, path string) any {
	object := map[string]any{}
	seen := map[string]Position{}
	for _, pair := range pairs {
		key, ok := d.key(pair, seen)
		if !ok {
			continue
		}
		child := strings.TrimPrefix(path+"."+key, ".")
		d.positions[child+"#"] = seen[key]
		schema := d.property(key, s, path, child)
		if schema == nil {
			continue
		}
		if value := d.value(pair.Value, schema, child); value != nil {
			object[key] = value
		}
	}
	for _, key := range s.Required {
		if _, ok := seen[key]; !ok {
			d.problem(path, "%s has no %s", where(path), key)
		}
	}
	if s.MinProperties != nil && len(seen) < *s.MinProperties {
		d.problem(path, "%s is empty: leave the key out for the defaults", where(path))
	}
	return object
}

// key reads a mapping's key; false if it cannot be one.
func (d *document) key(pair *ast.MappingValueNode, seen map[string]Position) (string, bool) {
	tk := pair.Key.GetToken()
	switch pair.Key.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
	case *ast.MergeKeyNode:
		d.problemAt(tk, "merge keys (<<) are not supported: write the values out")
		return "", false
	default:
		d.problemAt(tk, "a key must be plain text")
		return "", false
	}
	if first, ok := seen[tk.Value]; ok {
		d.problemAt(tk, "duplicate key %q, first on line %d", clip(tk.Value), first.Line)
		return "", false
	}
	seen[tk.Value] = d.position(tk)
	return tk.Value, true
}

// property finds the schema of a key's value; nil if the key may not be there.
func (d *document) property(key string, s *jsonschema.Schema, path, child string) *jsonschema.Schema {
	if schema := s.Properties[key]; schema != nil {
		return schema
	}
	if len(s.Properties) > 0 {
		d.unknownKey(key, s, path, child)
		return nil
	}
	if names := s.PropertyNames; names != nil && !matches(names.Pattern, key) {
		d.problem(child+"#", "%q %s", clip(key), patternHelp(names.Pattern))
	}
	return s.AdditionalProperties
}

func (d *document) unknownKey(key string, s *jsonschema.Schema, path, child string) {
	in := ""
	if path != "" {
		in = " in " + where(path)
	}
	if planned(key) {
		d.problem(child+"#", "unknown key %q%s: this version of Strata does not have it", key, in)
		return
	}
	known := slices.Collect(maps.Keys(s.Properties))
	d.problem(child+"#", "unknown key %q%s%s", clip(key), in, suggest(key, known))
}

// planned says whether a key is a part of Strata that is not built yet.
func planned(key string) bool {
	switch key {
	case "approval", "backup", "rollback", "ttl", "promote-from", "promote", "role", "contracts":
		return true
	}
	return false
}

func (d *document) list(node *ast.SequenceNode, s *jsonschema.Schema, path string) any {
	list := []any{}
	for i, item := range node.Values {
		// An item that does not fit stays as an empty one, so that the places of
		// those behind it stay right.
		value := d.value(item, s.Items, fmt.Sprintf("%s[%d]", path, i))
		if value == nil {
			value = empty(s.Items)
		}
		list = append(list, value)
	}
	if s.MinItems != nil && len(list) < *s.MinItems {
		d.problem(path, "%s is empty", where(path))
	}
	return list
}

func empty(s *jsonschema.Schema) any {
	if s.Type == "object" {
		return map[string]any{}
	}
	return ""
}

func (d *document) text(text string, s *jsonschema.Schema, path string) any {
	if s.Pattern == filledPattern && !matches(s.Pattern, text) {
		d.problem(path, "%s is empty", where(path))
		return nil
	}
	if fault := textFault(text, s); fault != "" {
		d.problem(path, "%s: %s", where(path), fault)
		return nil
	}
	return text
}

// textFault says what is wrong with text that the schema does not allow.
func textFault(text string, s *jsonschema.Schema) string {
	switch s.Pattern {
	case durationPattern:
		if _, err := parseDuration(text); err != nil || !matches(s.Pattern, text) {
			return fmt.Sprintf("%q is not a duration: write it like 90s, 5m or 72h", clip(text))
		}
	case datePattern:
		if _, err := ParseDate(text); err != nil {
			return fmt.Sprintf("%q is not a date: write it like 2027-03-31", clip(text))
		}
	case secretPattern:
		if !matches(s.Pattern, text) {
			return secretFault(text)
		}
	case queryPattern:
		if !matches(s.Pattern, text) {
			return queryFault(text)
		}
	}
	if s.Pattern != "" && !matches(s.Pattern, text) {
		return fmt.Sprintf("%q %s", clip(text), patternHelp(s.Pattern))
	}
	if words := enumWords(s); len(words) > 0 && !slices.Contains(words, text) {
		return fmt.Sprintf("%q is not known%s", clip(text), suggest(text, words))
	}
	return ""
}

// enumWords are the texts that the schema allows; none if it allows any.
func enumWords(s *jsonschema.Schema) []string {
	var words []string
	for _, word := range s.Enum {
		words = append(words, fmt.Sprint(word))
	}
	return words
}

// secretFault says what is wrong with the name of a secret. It never repeats
// what stands there: that may be the secret.
func secretFault(text string) string {
	if strings.Contains(text, "://") || strings.Contains(text, "/") && strings.Contains(text, ".") {
		return "what stands here is a URL: write the name of a secret, such as slack_url, and give the URL as STRATA_SECRET_SLACK_URL"
	}
	return "what stands here " + patternHelp(secretPattern)
}

// queryFault says what is wrong with the path of a rule, and knows how people
// write it for opa.
func queryFault(text string) string {
	path := strings.TrimSuffix(strings.TrimSpace(text), "[_]")
	if !strings.HasPrefix(path, "data.") {
		path = "data." + path
	}
	if path != "data.data" && matches(queryPattern, path) {
		return fmt.Sprintf("%q is no query: did you mean %q?", clip(text), clip(path))
	}
	return fmt.Sprintf("%q is no query: write data and the path of a rule, such as data.terraform.deny", clip(text))
}

func (d *document) integer(node *ast.IntegerNode, s *jsonschema.Schema, path string) any {
	n, err := strconv.ParseInt(fmt.Sprint(node.Value), 10, 32)
	switch {
	case err != nil:
		d.problem(path, "%s: %s is too large", where(path), clip(node.GetToken().Value))
	case path == "version" && n != 1:
		d.problem(path, "version %d is not known: this Strata reads version 1", n)
	case s.Minimum != nil && n < int64(math.Ceil(*s.Minimum)):
		d.problem(path, "%s: %d is less than %v", where(path), n, *s.Minimum)
	case s.Maximum != nil && n > int64(math.Floor(*s.Maximum)):
		d.problem(path, "%s: %d is more than %v", where(path), n, *s.Maximum)
	default:
		return n
	}
	return nil
}

func matches(pattern, text string) bool {
	return regexp.MustCompile(pattern).MatchString(text)
}
