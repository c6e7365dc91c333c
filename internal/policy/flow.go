package policy

import (
	"fmt"
	"slices"
	"strings"
)

// flow follows what one rule reads of the plan, through its own variables and
// all rules and functions that it uses. Order does not count: a variable may be
// whatever any expression makes of it. Where it cannot tell, it says too much
// rather than too little.
type flow struct {
	rules   map[string][]*rule // by path
	paths   []string           // of the rules, sorted
	scopes  map[any]*scope     // of rules and of terms that have a body
	ids     map[*term]int
	vars    map[string]value
	results map[*rule]value
	reached []*rule
	reads   map[string]read
	facts   map[string]*facts // by scope
	hints   map[string]string // by site
	changed bool
	final   bool // nothing more will become known
}

// read is a place of which the policy wants to know whether it is there or what
// it is; if whole, all that is in it too.
type read struct {
	place place
	whole bool
}

// facts are what must be true where the body of a scope holds.
type facts struct {
	types map[string]map[string]bool // of the resource that a site chooses: one of these
	calls []call                     // that hold too
}

// call is a use of a function: one of its definitions holds.
type call struct {
	rules []*rule
	holds bool // its value is not false
}

// spot is where in a policy a term is.
type spot struct {
	*scope
	holds bool // what is said here is true where the body holds
}

func newFlow(rules map[string][]*rule, paths []string) *flow {
	return &flow{
		rules: rules, paths: paths, scopes: make(map[any]*scope), ids: make(map[*term]int), vars: make(map[string]value),
		results: make(map[*rule]value), reads: make(map[string]read), facts: make(map[string]*facts), hints: make(map[string]string),
	}
}

// follow follows a rule until nothing new comes of it.
func (f *flow) follow(r *rule) {
	f.reach(r)
	for _, f.final = range []bool{false, true} {
		for f.changed = true; f.changed; {
			f.pass()
		}
	}
	clear(f.facts) // some were known too early
	f.pass()
}

func (f *flow) pass() {
	f.changed = false
	for i := 0; i < len(f.reached); i++ {
		f.visitRule(f.reached[i])
	}
}

func (f *flow) reach(r *rule) {
	if !slices.Contains(f.reached, r) {
		f.reached = append(f.reached, r)
		f.changed = true
	}
}

func (f *flow) visitRule(r *rule) {
	c := spot{f.scopeOf(r), true}
	f.visitBody(c, r.body)
	result := opaque()
	if r.value != nil {
		result = f.eval(c, r.value)
	}
	for _, key := range r.keys {
		v := f.eval(c, key)
		result.add(value{words: v.words, opaque: v.opaque})
	}
	old := f.results[r]
	if old.add(result) {
		f.changed = true
	}
	f.results[r] = old
}

func (f *flow) visitBody(c spot, body []*expr) {
	for _, e := range body {
		f.visit(c, e)
	}
}

func (f *flow) visit(c spot, e *expr) {
	c.holds = c.holds && !e.negated
	for _, w := range e.with {
		// What is put in place of a document is read by who reads that.
		f.consume(f.eval(c, w))
	}
	if e.inputs {
		c.holds = false // what reads the input there reads something else
	}
	switch {
	case e.some != nil:
		f.visitSome(c, e.some)
	case e.every != nil:
		f.visitEvery(c, e.every)
	case e.call != nil:
		f.visitCall(c, e.call)
	case e.term != nil:
		f.against(f.evalWith(c, e.term, true), &term{kind: "boolean"})
	}
}

func (f *flow) visitSome(c spot, symbols []*term) {
	if len(symbols) != 1 || symbols[0].kind != "call" {
		return // variables that are only named
	}
	args := symbols[0].items[1:]
	from := f.eval(c, args[len(args)-1])
	site := f.site(c, symbols[0])
	f.bind(c, args[len(args)-2], f.elements(from, site))
	if len(args) == 3 {
		f.bind(c, args[0], keysOf(from))
	}
}

func (f *flow) visitEvery(c spot, every *term) {
	from := f.eval(c, every.items[0])
	inner := spot{f.scopeIn(c.scope, every), true}
	f.bind(inner, every.items[1], f.elements(from, f.site(inner, every)))
	if every.items[2] != nil {
		f.bind(inner, every.items[2], keysOf(from))
	}
	f.visitBody(inner, every.body)
}

// visitCall visits an expression that is a call, of an operator too.
func (f *flow) visitCall(c spot, items []*term) {
	args := items[1:]
	switch name := operator(items[0]); {
	case name == "assign" && len(args) == 2:
		f.bind(c, args[0], f.eval(c, args[1]))
	case name == "eq" && len(args) == 2:
		f.bind(c, args[0], f.eval(c, args[1]))
		f.bind(c, args[1], f.eval(c, args[0]))
		f.compare(c, args[0], args[1], c.holds)
	case name == "equal" && len(args) == 2:
		f.compare(c, args[0], args[1], c.holds)
	case name == "internal.member_2":
		element, from := f.eval(c, args[0]), f.eval(c, args[1])
		f.restrict(c, element, from)
		f.consume(from)
		f.consume(element)
	default:
		f.evalCall(c, items, true)
	}
}

// compare reads what two terms have in them.
func (f *flow) compare(c spot, a, b *term, same bool) {
	va, vb := f.eval(c, a), f.eval(c, b)
	if same {
		f.restrict(c, va, vb)
		f.restrict(c, vb, va)
	}
	f.against(va, b)
	f.against(vb, a)
}

// against reads a value that is compared with a term. A string or a number asks
// for nothing within the value, unless that is whatever is somewhere.
func (f *flow) against(v value, t *term) {
	for _, p := range v.places {
		if !t.scalar() || p.anywhere() {
			f.note(p, true)
		}
	}
}

func (t *term) scalar() bool {
	switch t.kind {
	case "string", "number", "boolean", "null":
		return true
	}
	return false
}

// restrict notes that the type of a resource is one of the words.
func (f *flow) restrict(c spot, typed, words value) {
	if !c.holds || !words.wordsOnly() {
		return
	}
	for _, p := range typed.places {
		n := len(p.steps)
		if p.boxes > 0 || n < 2 || p.steps[n-1].kind != named || p.steps[n-1].key != "type" || p.steps[n-2].site == "" {
			continue
		}
		types := f.factsOf(c).types
		site := p.steps[n-2].site
		if types[site] == nil {
			types[site] = make(map[string]bool)
		}
		for w := range words.words {
			types[site][w] = true
		}
	}
}

func (f *flow) factsOf(c spot) *facts {
	known := f.facts[c.id]
	if known == nil {
		known = &facts{types: make(map[string]map[string]bool)}
		f.facts[c.id] = known
	}
	return known
}

// consume reads all that is in a value.
func (f *flow) consume(v value) {
	for _, p := range v.places {
		f.note(p, true)
	}
}

func (f *flow) note(p place, whole bool) {
	p.boxes = 0
	id := p.id()
	if r, there := f.reads[id]; there && (r.whole || !whole) {
		return
	}
	f.reads[id] = read{p, whole}
	f.changed = true
}

// bind makes the variables of a pattern what the value is.
func (f *flow) bind(c spot, t *term, v value) {
	switch t.kind {
	case "var":
		if t.text == "input" || t.text == "data" || f.isRule(c, t.text) {
			f.consume(v)
			return
		}
		f.set(c, t.text, v)
	case "array", "set":
		for _, item := range t.items {
			f.bind(c, item, f.elements(v, f.site(c, item)))
		}
	case "object":
		for i, key := range t.keys {
			f.bind(c, t.items[i], f.step(c, v, key))
		}
	case "string", "number", "boolean", "null":
		f.restrict(c, v, constant(t.text))
		f.against(v, t)
	default:
		f.consume(f.eval(c, t))
		f.consume(v)
	}
}

func (f *flow) set(c spot, name string, v value) {
	id := c.resolve(name).id + "\x00" + name
	old := f.vars[id]
	if old.add(v) {
		f.changed = true
	}
	f.vars[id] = old
}

// site names what a term chooses.
func (f *flow) site(c spot, t *term) string {
	if t.kind == "var" {
		return c.resolve(t.text).id + "/" + t.text
	}
	if f.ids[t] == 0 {
		f.ids[t] = len(f.ids) + 1
	}
	return fmt.Sprintf("%s/%d", c.id, f.ids[t])
}

// elements is what a collection has in it.
func (f *flow) elements(v value, site string) value {
	out := value{words: v.words, opaque: v.opaque, deep: max(v.deep-1, 0)}
	for _, p := range v.places {
		if p.boxes > 0 {
			out.addPlace(p.unboxed(site))
			continue
		}
		p = p.then(step{kind: any1, site: site})
		f.note(p, false)
		out.addPlace(p)
	}
	return out
}

// keysOf is what the keys of a collection may be: for a set that is its
// elements, which whoever wants them takes as these.
func keysOf(v value) value { return value{words: v.words, opaque: true, deep: max(v.deep-1, 0)} }

// operator is the name of what is called.
func operator(t *term) string {
	names := make([]string, len(t.items))
	for i, item := range t.items {
		names[i] = item.text
	}
	return strings.Join(names, ".")
}
