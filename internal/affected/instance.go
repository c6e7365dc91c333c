package affected

import (
	"math"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// instance walks the modules of one unit.
type instance struct {
	closures  *Closures
	unit      string
	workspace string
	stack     []string       // folders of the modules that are being walked
	seen      map[string]int // how often each folder was met
}

const (
	// manyInstances is how often one folder is looked at with different
	// arguments, before nothing is known of them.
	manyInstances = 300
	deepestModule = 32
)

func (i *instance) scope(f *folder, parent *scope) *scope {
	return &scope{
		closures: i.closures, fsys: i.closures.fsys, unit: i.unit, module: f.dir, workspace: i.workspace,
		locals: func() map[string]hcl.Expression { return f.parse().locals },
		parent: parent, climb: climbs(relative(i.unit, f.dir)), least: math.MaxInt,
	}
}

// module adds what a module's files read, and the modules that it calls.
func (i *instance) module(f *folder, s *scope, in *Inputs, why string) {
	i.stack = append(i.stack, f.dir)
	defer func() { i.stack = i.stack[:len(i.stack)-1] }()
	for _, name := range f.links {
		i.closures.add(in, name, chain("link "+name, why))
	}
	if len(f.telling) > 0 {
		p := f.expressions()
		w := &walker{scope: s, in: in}
		for _, name := range p.broken {
			in.Warnings = append(in.Warnings, name+" does not parse: every file of its folder counts")
			s.bindAll()
			w.area(area{dir: f.dir, why: name + " does not parse"})
			w.area(area{dir: i.unit, why: name + " does not parse"})
		}
		for _, body := range p.bodies {
			w.tree(body)
		}
		for _, expr := range p.templates {
			w.tree(expr)
		}
		for _, a := range p.archives {
			w.archive(a.argument, a.expr)
		}
	}
	for at := range f.calls {
		i.call(f, &f.calls[at], s, in)
	}
}

// call adds a module that another one calls.
func (i *instance) call(f *folder, c *call, s *scope, in *Inputs) {
	reason := "module " + c.name
	if c.name == "" {
		reason = "module in " + c.file
	}
	for _, link := range c.via {
		in.file(link, reason)
	}
	if len(i.stack) > deepestModule || slices.Contains(i.stack, c.dir) {
		s.bindAll() // modules that call each other in a circle
		return
	}
	key := partKey{c.dir, relative(i.unit, c.dir)}
	part, known := i.closures.part(key)
	if part != nil {
		s.climbed(part.least)
		in.part(reason, part.in)
		return
	}
	if !known {
		found, child := i.called(f, c, s, nil)
		if child.alone() {
			i.closures.share(key, &sharedPart{found, child.least})
			in.part(reason, found)
			return
		}
		i.closures.share(key, nil)
	}
	for _, more := range i.rounds(f, c, s) {
		if found, _ := i.called(f, c, s, more); found != nil {
			in.part(reason, found)
		}
	}
}

// rounds are the repetitions of a module block: one where it has none, or where
// they are not known.
func (i *instance) rounds(f *folder, c *call, s *scope) []round {
	m := f.parse().modules[c.name]
	if m == nil || m.args == nil {
		return []round{nil}
	}
	w := &walker{scope: s}
	var l *loop
	if expr := m.args["for_each"]; expr != nil {
		l = w.each("each", expr)
	} else if expr := m.args["count"]; expr != nil {
		l = w.count(expr)
	}
	if l == nil {
		return []round{nil}
	}
	if rounds, ok := l.all(); ok && len(rounds) > 0 && len(rounds) <= manyInstances {
		return rounds
	}
	return []round{nil}
}

// called finds the inputs of a module as it is called, nil where it has been
// looked at often enough.
func (i *instance) called(f *folder, c *call, s *scope, more round) (*Inputs, *scope) {
	called := i.closures.folder(c.dir)
	child := i.scope(called, s)
	if i.seen == nil {
		i.seen = make(map[string]int)
	}
	i.seen[c.dir]++
	if i.seen[c.dir] > manyInstances+1 {
		return nil, child
	}
	blind := i.seen[c.dir] > manyInstances
	child.vars = func(name string) cty.Value {
		child.bound = true
		m := f.parse().modules[c.name]
		v, declared := called.parse().variables[name]
		if !declared || m == nil || m.args == nil || blind {
			return cty.DynamicVal
		}
		given := cty.NilVal
		if expr := m.args[name]; expr != nil {
			given = s.value(expr, more)
		}
		return v.value(given)
	}
	in := &Inputs{}
	in.area(area{dir: c.dir, kind: codeFiles})
	i.module(called, child, in, "")
	i.closures.inSubmodules(in)
	return in, child
}
