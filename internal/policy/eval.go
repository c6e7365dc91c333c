package policy

import (
	"slices"
	"strings"
)

// eval is what a term may be.
func (f *flow) eval(c spot, t *term) value { return f.evalWith(c, t, false) }

// evalWith knows whether the term is an expression of its own: it is not false
// then.
func (f *flow) evalWith(c spot, t *term, holds bool) value {
	switch t.kind {
	case "string", "number":
		return constant(t.text)
	case "var":
		return f.evalRef(c, []*term{t})
	case "ref":
		return f.evalRef(c, t.items)
	case "call":
		return f.evalCall(c, t.items, holds)
	case "array", "set", "object":
		out := opaque()
		if len(t.items) > 0 {
			out = value{}
		}
		for _, item := range t.items {
			out.add(f.eval(c, item))
		}
		out = out.boxed()
		for _, key := range t.keys {
			v := f.eval(c, key)
			out.add(value{words: v.words, opaque: v.opaque, deep: 1})
		}
		return out
	case "comprehension":
		inner := spot{f.scopeIn(c.scope, t), true}
		f.visitBody(inner, t.body)
		out := f.eval(inner, t.items[0]).boxed()
		for _, key := range t.keys {
			v := f.eval(inner, key)
			out.add(value{words: v.words, opaque: v.opaque, deep: 1})
		}
		return out
	case "template":
		for _, item := range t.items {
			f.eval(c, item)
		}
	}
	return opaque()
}

// isRule says whether a name is that of a rule of the same package.
func (f *flow) isRule(c spot, name string) bool {
	if c.isDeclared(name) {
		return false
	}
	own := pathID(append(slices.Clone(c.rule.pkg), name))
	i, found := slices.BinarySearch(f.paths, own)
	return found || i < len(f.paths) && strings.HasPrefix(f.paths[i], own)
}

// absolute is what a reference is from the root of all documents: nil if it
// starts at a variable.
func (f *flow) absolute(c spot, items []*term) []*term {
	name := items[0].text
	switch {
	case items[0].kind != "var" || c.isDeclared(name):
		return nil
	case name == "input" || name == "data":
		return items
	case f.isRule(c, name):
		all := []*term{{kind: "var", text: "data"}}
		for _, part := range append(slices.Clone(c.rule.pkg), name) {
			all = append(all, &term{kind: "string", text: part})
		}
		return append(all, items[1:]...)
	case c.rule.imports[name] != nil:
		return append(slices.Clone(c.rule.imports[name]), items[1:]...)
	}
	return nil
}

func (f *flow) evalRef(c spot, items []*term) value {
	var v value
	absolute := f.absolute(c, items)
	switch {
	case absolute != nil && absolute[0].text == "data":
		return f.evalData(c, absolute[1:])
	case absolute != nil:
		v, items = at1(place{}), absolute
	case items[0].kind == "var":
		v = f.vars[c.resolve(items[0].text).id+"\x00"+items[0].text]
	default:
		v = f.eval(c, items[0])
	}
	for _, key := range items[1:] {
		v = f.step(c, v, key)
	}
	return v
}

// evalData is what a document below data may be: what rules make it, and
// otherwise nothing of the plan.
func (f *flow) evalData(c spot, keys []*term) value {
	n := 0
	for n < len(keys) && keys[n].kind == "string" {
		n++
	}
	constant := make([]string, n)
	for i := range constant {
		constant[i] = keys[i].text
	}
	var out value
	found := false
	for _, id := range f.paths {
		path := f.rules[id][0].path
		shared := min(len(path), n)
		if !slices.Equal(path[:shared], constant[:shared]) {
			continue
		}
		var v value
		for _, r := range f.rules[id] {
			if r.args != nil {
				continue
			}
			found = true
			f.reach(r)
			v.add(f.results[r].boxedTimes(r.boxes + len(path) - shared))
		}
		for _, key := range keys[shared:] {
			v = f.step(c, v, key)
		}
		out.add(v)
	}
	if found {
		return out
	}
	for _, key := range keys {
		f.chooses(c, key, opaque())
		f.eval(c, key)
	}
	return opaque()
}

// chooses makes a variable that stands for a key, and has no value otherwise,
// one of the keys. It says whether the term is such a variable.
func (f *flow) chooses(c spot, key *term, keys value) bool {
	if key.kind != "var" || f.absolute(c, []*term{key}) != nil || c.isBound(key.text) {
		return false
	}
	f.set(c, key.text, keys)
	return true
}

// step is what a value has under a key.
func (f *flow) step(c spot, v value, key *term) value {
	k := f.eval(c, key)
	f.restrict(c, k, v)
	site := f.site(c, key)
	out := value{words: v.words, opaque: v.opaque, deep: max(v.deep-1, 0)}
	if len(v.words) > 0 || v.opaque {
		f.chooses(c, key, keysOf(v))
	}
	for _, p := range v.places {
		if p.boxes > 0 {
			taken := p.unboxed(site)
			f.chooses(c, key, at1(taken)) // a set's element is its key
			f.hint(taken, key)
			out.addPlace(taken)
			continue
		}
		for _, s := range f.steps(c, key, k, site) {
			next := p.then(s)
			f.note(next, false)
			out.addPlace(next)
		}
	}
	return out
}

// steps are those that a key may stand for in the plan.
func (f *flow) steps(c spot, key *term, k value, site string) []step {
	switch {
	case k.wordsOnly() && k.deep == 0 && len(k.words) < 100:
		var all []step
		for w := range k.words {
			all = append(all, step{key: w})
		}
		return all
	case k.unknown() && !f.final && (key.kind != "var" || !f.chooses(c, key, opaque())):
		return nil // it will become known
	}
	return []step{{kind: any1, site: site}}
}

// hint notes under which constant a resource was found: it may be its type.
func (f *flow) hint(p place, key *term) {
	if key.kind != "string" {
		return
	}
	for _, s := range p.steps {
		if s.site != "" {
			f.hints[s.site] = key.text
		}
	}
}

// evalCall is what a function or an operator makes.
func (f *flow) evalCall(c spot, items []*term, holds bool) value {
	args := items[1:]
	if rules := f.functions(c, items[0]); rules != nil {
		return f.evalFunction(c, rules, args, holds)
	}
	return f.evalBuiltin(c, operator(items[0]), args)
}

// functions are the definitions of a function of the policies.
func (f *flow) functions(c spot, op *term) []*rule {
	absolute := f.absolute(c, op.items)
	if absolute == nil || absolute[0].text != "data" {
		return nil
	}
	var path []string
	for _, t := range absolute[1:] {
		path = append(path, t.text)
	}
	return slices.DeleteFunc(slices.Clone(f.rules[pathID(path)]), func(r *rule) bool { return r.args == nil })
}

func (f *flow) evalFunction(c spot, rules []*rule, args []*term, holds bool) value {
	given := make([]value, len(args))
	for i, t := range args {
		given[i] = f.eval(c, t)
	}
	var out value
	for _, r := range rules {
		f.reach(r)
		inner := spot{f.scopeOf(r), true}
		for i, parameter := range r.args {
			if i < len(given) {
				f.bind(inner, parameter, given[i])
			}
		}
		out.add(f.results[r].boxedTimes(r.boxes))
		if len(args) > len(r.args) {
			f.bind(c, args[len(args)-1], f.results[r])
		}
	}
	if c.holds {
		known := f.factsOf(c)
		known.calls = append(known.calls, call{rules, holds})
	}
	return out
}

func (f *flow) evalBuiltin(c spot, name string, args []*term) value {
	given := make([]value, len(args))
	for i, t := range args {
		given[i] = f.eval(c, t)
	}
	var all value
	for _, v := range given {
		all.add(v)
	}
	switch name {
	case "equal", "neq", "lt", "lte", "gt", "gte":
		f.compare(c, args[0], args[1], false)
		return opaque()
	case "array.concat", "array.slice", "array.reverse", "object.union", "object.remove", "object.filter", "sort", "cast_array", "cast_set", "or", "and", "minus":
		return all
	case "union", "intersection", "object.union_n":
		return f.elements(all, f.site(c, args[0]))
	case "object.get":
		return f.evalGet(c, args, given)
	case "walk":
		return f.evalWalk(c, args, given)
	case "sprintf", "print", "trace":
		return opaque() // for people: it is enough that what is shown is there
	case "type_name", "is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string":
	case "count", "object.keys":
		for _, p := range all.places {
			if p.boxes == 0 {
				f.note(p.then(step{kind: any1}), false)
			}
		}
	default:
		f.consume(all)
	}
	if len(args) > 1 {
		f.chooses(c, args[len(args)-1], opaque()) // what is made may be put into a variable there
	}
	return opaque()
}

func (f *flow) evalGet(c spot, args []*term, given []value) value {
	if len(args) < 3 {
		return opaque()
	}
	v := given[0]
	switch {
	case args[1].kind == "array":
		for _, key := range args[1].items {
			v = f.step(c, v, key)
		}
	case given[1].deep > 0 || len(given[1].places) > 0 || args[1].kind != "string" && given[1].opaque:
		// Perhaps a path of several keys: anything in it.
		below := opaque()
		for _, p := range v.places {
			p = place{steps: p.then(step{kind: anyN, site: f.site(c, args[1])}).steps}
			f.note(p, false)
			below.addPlace(p)
		}
		v = below
	default:
		v = f.step(c, v, args[1])
	}
	var out value
	out.add(v)
	out.add(given[2])
	return out
}

// evalWalk is for walk(x, [path, value]), and for walk(x) as a term: a list of
// the two.
func (f *flow) evalWalk(c spot, args []*term, given []value) value {
	site := f.site(c, args[0])
	if args[0].kind == "var" {
		site += "/walk"
	}
	below := opaque()
	for _, p := range given[0].places {
		below.addPlace(place{steps: p.then(step{kind: anyN, site: site}).steps})
	}
	if len(args) < 2 {
		return below.boxed()
	}
	out := args[1]
	if out.kind != "array" || len(out.items) != 2 {
		f.bind(c, out, below.boxed())
		return opaque()
	}
	f.bind(c, out.items[0], opaque())
	if value := out.items[1]; value.kind != "var" || strings.HasPrefix(value.text, "$") {
		f.consume(below) // the names alone decide, or a constant
	} else {
		f.bind(c, value, below)
	}
	return opaque()
}

// pathID is a path as a key; that of one within another begins with it.
func pathID(path []string) string { return strings.Join(path, "\x00") + "\x00" }
