package stack

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/google/jsonschema-go/jsonschema"
)

// document is a YAML file while it is read: where each value stands and what is
// wrong. Paths are written layers[0].needs[1]; a key's own place has # at its
// end.
type document struct {
	file      string
	positions map[string]Position
	problems  []Problem
}

// at is where a path's value stands, or the nearest thing around it.
func (d *document) at(path string) Position {
	for path != "" {
		if pos, ok := d.positions[path]; ok {
			return pos
		}
		path = path[:max(0, strings.LastIndexAny(path, ".[#"))]
	}
	return Position{File: d.file, Line: 1, Column: 1}
}

func (d *document) problem(path, format string, args ...any) {
	d.problems = append(d.problems, Problem{Pos: d.at(path), Message: fmt.Sprintf(format, args...)})
}

func (d *document) problemAt(tk *token.Token, format string, args ...any) {
	d.problems = append(d.problems, Problem{Pos: d.position(tk), Message: fmt.Sprintf(format, args...)})
}

func (d *document) position(tk *token.Token) Position {
	if tk == nil || tk.Position == nil {
		return Position{File: d.file, Line: 1, Column: 1}
	}
	return Position{File: d.file, Line: max(1, tk.Position.Line), Column: max(1, tk.Position.Column)}
}

// read returns the values of the file that fit the schema; all else becomes a
// problem. An empty file has no values.
func (d *document) read(data []byte, schema *jsonschema.Schema) map[string]any {
	if !d.readable(data) {
		return nil
	}
	file, err := parseYAML(normal(data))
	if err != nil {
		d.syntax(err)
		return nil
	}
	var body ast.Node
	for i, doc := range file.Docs {
		if i > 0 {
			d.problemAt(firstToken(doc), "only one document is allowed in the file")
			return nil
		}
		body = doc.Body
	}
	switch body.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return nil
	}
	value, _ := d.value(body, schema, "").(map[string]any)
	return value
}

// normal is the text without its byte order mark and with line ends of one
// kind: the parser counts some of the others twice.
func normal(data []byte) []byte {
	return bytes.ReplaceAll(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
}

// readable refuses what the parser is not to be troubled with.
func (d *document) readable(data []byte) bool {
	switch {
	case len(data) > maxConfigSize:
		d.problem("", "the file is larger than %d KiB", maxConfigSize>>10)
	case !utf8.Valid(data):
		d.problem("", "the file is not UTF-8 text")
	case nesting(data) > 100:
		d.problem("", "brackets or lists are nested deeper than anything here needs")
	default:
		return true
	}
	return false
}

// nesting is an upper bound of how deep the parser has to go into brackets, or
// into list items that begin on one line.
func nesting(data []byte) int {
	depth, dashes, deepest := 0, 0, 0
	for _, c := range data {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		case '-':
			dashes++
		case ' ', '\t':
		default:
			dashes = 0
		}
		deepest = max(deepest, depth, dashes)
	}
	return deepest
}

// parseYAML parses with duplicate keys let through, so that all of them can be
// reported. The parser's panics on odd input are errors.
func parseYAML(data []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			file, err = nil, fmt.Errorf("the file is no YAML that can be read: %v", r)
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

func (d *document) syntax(err error) {
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		d.problemAt(syntax.Token, "not valid YAML: %s", syntax.Message)
		return
	}
	d.problem("", "not valid YAML: %s", strings.SplitN(err.Error(), "\n", 2)[0])
}

func firstToken(doc *ast.DocumentNode) *token.Token {
	if doc.Start != nil {
		return doc.Start
	}
	if doc.Body != nil {
		return doc.Body.GetToken()
	}
	return nil
}
