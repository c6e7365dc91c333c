package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

// Module is the syntax tree of one policy file.
type Module struct {
	File    string // slash path relative to the repository's root
	Package []string
	imports map[string][]*term // by the name they have in the file
	rules   []rule
}

// rule is one definition. Definitions of one path add up; what follows else is
// another definition.
type rule struct {
	path  []string // of the package and the name, as far as it is constant
	boxes int      // how many steps lead from the path to a value
	keys  []*term  // what these steps are, as far as they are known
	args  []*term  // of a function
	value *term    // nil for true
	// refuted says that the value is the constant false: whatever needs the rule
	// to hold does not hold by it.
	refuted bool
	body    []*expr
	pkg     []string
	imports map[string][]*term
	file    string
	line    int
	title   string // of its metadata
}

// term is a node of a syntax tree.
type term struct {
	kind  string // ref, var, string, number, boolean, null, call, array, set, object, template, comprehension
	text  string // of a constant or a variable; of a comprehension: array, set or object
	items []*term
	keys  []*term // of an object, beside its items
	body  []*expr // of a comprehension
}

// expr is an expression of a body.
type expr struct {
	negated bool
	call    []*term // the operator and what it is given
	term    *term
	some    []*term // of "some x in y": the call; of "some x": the variables
	every   *term   // the domain, with the key and the value in items and the body
	with    []*term // the values
	inputs  bool    // one of them is for input
}

// ReadModule reads what ParseArgs made OPA print of a file.
func ReadModule(file string, data []byte) (Module, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var tree map[string]any
	if err := dec.Decode(&tree); err != nil {
		return Module{}, fmt.Errorf("read the syntax tree of %s: %w", file, err)
	}
	m := Module{File: file, imports: make(map[string][]*term)}
	for _, part := range list(at(tree, "package", "path")) {
		m.Package = append(m.Package, word(at(part, "value")))
	}
	if len(m.Package) < 2 {
		return Module{}, fmt.Errorf("read the syntax tree of %s: it has no package", file)
	}
	m.Package = m.Package[1:] // the first is data
	for _, i := range list(tree["imports"]) {
		ref := readTerm(at(i, "path")).items
		switch name := word(at(i, "alias")); {
		case len(ref) == 0 || ref[0].text != "input" && ref[0].text != "data":
		case name != "":
			m.imports[name] = ref
		default:
			m.imports[ref[len(ref)-1].text] = ref
		}
	}
	for _, r := range list(tree["rules"]) {
		for ; r != nil; r = at(r, "else") {
			m.rules = append(m.rules, m.readRule(r))
		}
	}
	return m, nil
}

// tests says whether the module is one of OPA's own tests.
func (m Module) tests() bool { return strings.HasSuffix(path.Base(m.File), "_test.rego") }

func (m Module) readRule(tree any) rule {
	head := at(tree, "head")
	r := rule{
		file: m.File, pkg: m.Package, imports: m.imports, body: readBody(at(tree, "body")),
		line: number(at(tree, "location", "row")), title: word(at(tree, "annotations", "first", "title")),
	}
	if r.line == 0 {
		r.line = number(at(head, "location", "row"))
	}
	ref := readTerms(at(head, "ref"))
	if len(ref) == 0 {
		ref = []*term{{kind: "var", text: word(at(head, "name"))}}
	}
	r.path = append(append(r.path, m.Package...), ref[0].text)
	ref = ref[1:]
	for len(ref) > 0 && ref[0].kind == "string" {
		r.path, ref = append(r.path, ref[0].text), ref[1:]
	}
	r.keys = ref
	if args := at(head, "args"); args != nil {
		r.args = append([]*term{}, readTerms(args)...)
	}
	key, value := at(head, "key"), at(head, "value")
	if value != nil {
		r.value = readTerm(value)
	} else if key != nil {
		r.value = readTerm(key)
		r.keys = append(r.keys, r.value)
	}
	r.boxes = len(r.keys)
	r.refuted = value != nil && r.value.kind == "boolean" && r.value.text == "false"
	return r
}

func readBody(tree any) []*expr {
	var body []*expr
	for _, e := range list(tree) {
		body = append(body, readExpr(e))
	}
	return body
}

func readExpr(tree any) *expr {
	negated, _ := at(tree, "negated").(bool)
	e := &expr{negated: negated}
	for _, w := range list(at(tree, "with")) {
		e.with = append(e.with, readTerm(at(w, "value")))
		target := readTerm(at(w, "target"))
		e.inputs = e.inputs || len(target.items) > 0 && target.items[0].text == "input"
	}
	switch terms := at(tree, "terms").(type) {
	case []any:
		e.call = readTerms(terms)
	case map[string]any:
		switch {
		case terms["symbols"] != nil:
			e.some = readTerms(terms["symbols"])
		case terms["domain"] != nil:
			e.every = readTerm(terms["domain"])
			e.every = &term{kind: "every", items: []*term{e.every, readTerm(terms["value"]), nil}, body: readBody(terms["body"])}
			if terms["key"] != nil {
				e.every.items[2] = readTerm(terms["key"])
			}
		default:
			e.term = readTerm(terms)
		}
	}
	return e
}

func readTerms(tree any) []*term {
	var all []*term
	for _, t := range list(tree) {
		all = append(all, readTerm(t))
	}
	return all
}

func readTerm(tree any) *term {
	kind, value := word(at(tree, "type")), at(tree, "value")
	t := &term{kind: kind}
	switch kind {
	case "ref", "array", "set", "call":
		t.items = readTerms(value)
	case "object":
		for _, pair := range list(value) {
			both := readTerms(pair)
			t.keys, t.items = append(t.keys, both[0]), append(t.items, both[1])
		}
	case "arraycomprehension", "setcomprehension", "objectcomprehension":
		t.kind, t.text = "comprehension", strings.TrimSuffix(kind, "comprehension")
		if kind == "objectcomprehension" {
			t.items, t.keys = []*term{readTerm(at(value, "value"))}, []*term{readTerm(at(value, "key"))}
		} else {
			t.items = []*term{readTerm(at(value, "term"))}
		}
		t.body = readBody(at(value, "body"))
	case "templatestring":
		t.kind = "template"
		for _, part := range list(at(value, "parts")) {
			if at(part, "terms") == nil {
				t.items = append(t.items, readTerm(part))
				continue
			}
			// An expression of one term, or a call.
			if e := readExpr(part); e.term != nil {
				t.items = append(t.items, e.term)
			} else {
				t.items = append(t.items, &term{kind: "call", items: e.call})
			}
		}
	case "null":
	default:
		t.text = word(value)
	}
	return t
}

// What follows reads trees of maps, lists, strings and numbers.

// at goes down a tree, in a list to its first; it is nil where there is nothing.
func at(tree any, path ...string) any {
	for _, name := range path {
		switch t := tree.(type) {
		case map[string]any:
			tree = t[name]
		case []any:
			if len(t) == 0 {
				return nil
			}
			tree = t[0]
		default:
			return nil
		}
	}
	return tree
}

func list(tree any) []any {
	all, _ := tree.([]any)
	return all
}

func word(tree any) string {
	switch t := tree.(type) {
	case string:
		return t
	case json.Number:
		return t.String()
	case bool:
		if t {
			return "true"
		}
		return "false"
	}
	return ""
}

func number(tree any) int {
	n, _ := tree.(json.Number)
	i, _ := n.Int64()
	return int(i)
}
