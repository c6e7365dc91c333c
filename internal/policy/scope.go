package policy

import "strconv"

// scope is where variables live: the body of a rule, of a comprehension or of
// an every.
type scope struct {
	id       string
	rule     *rule
	parent   *scope
	declared map[string]bool // here and nowhere above
	direct   map[string]bool // that appear here, not only further in
	bound    map[string]bool // that are given a value otherwise than by choosing a key
}

func (f *flow) scopeOf(r *rule) *scope {
	if s := f.scopes[r]; s != nil {
		return s
	}
	s := f.newScope(r, nil)
	for _, t := range r.args {
		s.variables(t, s.declared, s.bound)
	}
	s.appear(r.args...)
	s.appear(r.keys...)
	s.appear(r.value)
	s.scan(r.body)
	f.scopes[r] = s
	return s
}

// scopeIn is the scope of a comprehension or an every.
func (f *flow) scopeIn(parent *scope, t *term) *scope {
	if s := f.scopes[t]; s != nil {
		return s
	}
	s := f.newScope(parent.rule, parent)
	if t.kind == "every" {
		for _, item := range t.items[1:] {
			s.variables(item, s.declared, s.bound)
		}
	} else {
		s.appear(t.items...)
		s.appear(t.keys...)
	}
	s.scan(t.body)
	for name := range s.bound {
		s.resolve(name).bound[name] = true
	}
	f.scopes[t] = s
	return s
}

func (f *flow) newScope(r *rule, parent *scope) *scope {
	return &scope{
		id: "s" + strconv.Itoa(len(f.scopes)), rule: r, parent: parent,
		declared: make(map[string]bool), direct: make(map[string]bool), bound: make(map[string]bool),
	}
}

// resolve is the scope that a variable belongs to.
func (s *scope) resolve(name string) *scope {
	found := s
	for at := s; at != nil; at = at.parent {
		if at.declared[name] {
			return at
		}
		if at.direct[name] {
			found = at
		}
	}
	return found
}

func (s *scope) isBound(name string) bool { return s.resolve(name).bound[name] }

func (s *scope) isDeclared(name string) bool { return s.resolve(name).declared[name] }

// scan notes what a body's variables are.
func (s *scope) scan(body []*expr) {
	for _, e := range body {
		s.appear(e.call...)
		s.appear(e.some...)
		s.appear(e.term)
		s.appear(e.with...)
		switch {
		case e.every != nil:
			s.appear(e.every.items[0])
		case len(e.some) == 1 && e.some[0].kind == "call":
			args := e.some[0].items[1:]
			for _, t := range args[:len(args)-1] {
				s.variables(t, s.declared, s.bound)
			}
		case e.some != nil:
			for _, t := range e.some {
				s.variables(t, s.declared)
			}
		case e.call != nil:
			s.scanCall(operator(e.call[0]), e.call[1:])
		}
	}
}

func (s *scope) scanCall(name string, args []*term) {
	switch {
	case len(args) == 0:
	case name == "assign":
		s.variables(args[0], s.declared, s.bound)
	case name == "eq":
		for _, t := range args {
			s.variables(t, s.bound)
		}
	case name == "walk":
		s.variables(args[len(args)-1], s.bound)
	}
}

// variables adds those of a pattern to the sets.
func (s *scope) variables(t *term, sets ...map[string]bool) {
	switch {
	case t == nil:
	case t.kind == "var":
		for _, set := range sets {
			set[t.text] = true
		}
	case t.kind == "array" || t.kind == "set" || t.kind == "object":
		for _, item := range t.items {
			s.variables(item, sets...)
		}
	}
}

// appear notes the variables of terms, but for those within a body of theirs.
func (s *scope) appear(terms ...*term) {
	for _, t := range terms {
		switch {
		case t == nil || t.kind == "comprehension":
		case t.kind == "var":
			s.direct[t.text] = true
		default:
			s.appear(t.items...)
			s.appear(t.keys...)
		}
	}
}
