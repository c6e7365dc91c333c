package policy

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Undetermined says that a rule reads what is known only after the apply: that
// it gave no message means nothing yet.
type Undetermined struct {
	Rule       string // as findings name it: terraform.deny/no-public-ingress
	File       string
	Line       int
	Address    string   // of the resource; output.NAME for an output
	Attributes []string // that it reads, of those that are unknown
}

// Analysis is what the rules of a query read. It is the same for all plans.
type Analysis struct {
	query    Query
	rules    []*analysed
	accounts []account
}

type analysed struct {
	*rule
	reads []read
	flow  *flow
	types map[string]map[string]map[string]bool // by scope and site
}

// Analyse finds out what the rules of a query read, from the syntax trees of all
// policies. Partial evaluation would give wrong answers as if they were certain.
func Analyse(q Query, modules []Module) *Analysis {
	a := &Analysis{query: q}
	rules := make(map[string][]*rule)
	for _, m := range modules {
		for i := range m.rules {
			id := pathID(m.rules[i].path)
			rules[id] = append(rules[id], &m.rules[i])
		}
	}
	paths := sortedKeys(rules)
	for _, id := range paths {
		for _, r := range rules[id] {
			if !q.has(r) {
				continue
			}
			a.accounts = append(a.accounts, accountOf(r))
			f := newFlow(rules, paths)
			f.follow(r)
			one := &analysed{rule: r, flow: f, types: make(map[string]map[string]map[string]bool)}
			for _, id := range sortedKeys(f.reads) {
				one.reads = append(one.reads, f.reads[id])
			}
			for _, scope := range f.scopes {
				one.typesIn(scope.id, nil)
			}
			a.rules = append(a.rules, one)
		}
	}
	return a
}

// has says whether a rule gives messages of the query.
func (q Query) has(r *rule) bool {
	n := min(len(r.path), len(q.Path))
	return r.args == nil && !r.refuted && slices.Equal(r.path[:n], q.Path[:n]) && (len(r.path) >= len(q.Path) || r.boxes > 0)
}

// typesIn is what must be of which type where the body of a scope holds: what it
// says itself, and what all definitions of a function say that it calls.
func (r *analysed) typesIn(id string, above []string) map[string]map[string]bool {
	if known := r.types[id]; known != nil || slices.Contains(above, id) {
		return known
	}
	all := make(map[string]map[string]bool)
	known := r.flow.facts[id]
	if known != nil {
		maps.Copy(all, known.types)
		for _, c := range known.calls {
			for site, types := range r.typesOf(c, append(above, id)) {
				all[site] = union(all[site], types)
			}
		}
	}
	r.types[id] = all
	return all
}

func (r *analysed) typesOf(c call, above []string) map[string]map[string]bool {
	var shared map[string]map[string]bool
	for _, d := range c.rules {
		if c.holds && d.refuted {
			continue
		}
		types := r.typesIn(r.flow.scopeOf(d).id, above)
		if shared == nil {
			shared = maps.Clone(types)
			continue
		}
		for site := range shared {
			if types[site] == nil {
				delete(shared, site)
			} else {
				shared[site] = union(shared[site], types[site])
			}
		}
	}
	return shared
}

func union(a, b map[string]bool) map[string]bool {
	all := maps.Clone(a)
	if all == nil {
		all = make(map[string]bool)
	}
	maps.Copy(all, b)
	return all
}

// Undetermined lists the rules that did not fire and read what the plan does not
// know yet, each with each resource. A rule that fired for a resource is decided
// there; one whose message names no resource is decided everywhere.
func (a *Analysis) Undetermined(plan *Plan, fired []Message) []Undetermined {
	if !plan.Unknown() {
		return nil
	}
	done := a.decided(plan, fired)
	var all []Undetermined
	for i, r := range a.rules {
		shapes, counts := make(map[string][]string), r.counts()
		for _, res := range plan.resources {
			if len(res.unknown) == 0 || done[i][res.address] || done[i][""] {
				continue
			}
			attributes, same := shapes[res.shape]
			if !same || counts {
				attributes = r.undecided(res, plan)
				shapes[res.shape] = attributes
			}
			if attributes != nil {
				all = append(all, a.undetermined(i, res.address, attributes))
			}
		}
		for _, out := range plan.outputs {
			if done[i][""] {
				continue
			}
			if attributes := r.undecidedOutput(out); attributes != nil {
				all = append(all, a.undetermined(i, "output."+out.name, attributes))
			}
		}
	}
	slices.SortStableFunc(all, func(x, y Undetermined) int {
		return cmp.Or(strings.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), strings.Compare(x.Address, y.Address))
	})
	return all
}

func (a *Analysis) undetermined(i int, address string, attributes []string) Undetermined {
	rule, r := a.query.Rule(), a.rules[i]
	if name := r.name(a.accounts[i]); name != "" {
		rule += "/" + name
	}
	return Undetermined{Rule: rule, File: r.file, Line: r.line, Address: address, Attributes: attributes}
}

// decided are, for each rule, the addresses that it gave a message of; the empty
// one if a message names none.
func (a *Analysis) decided(plan *Plan, fired []Message) []map[string]bool {
	done := make([]map[string]bool, len(a.rules))
	for i := range done {
		done[i] = make(map[string]bool)
	}
	for _, m := range fired {
		i := a.by(m)
		if i < 0 {
			continue // whose message this is cannot be told
		}
		addresses := plan.in(m)
		if len(addresses) == 0 {
			addresses = []string{""}
		}
		for _, address := range addresses {
			done[i][address] = true
		}
	}
	return done
}

func (r *analysed) undecided(res resource, plan *Plan) []string {
	var attributes []string
	for _, path := range res.unknown {
		read := r.reaches(target{below(below(res.place, "change", "after"), path...), len(res.place), res.kind}, plan) ||
			res.planned != nil && r.reaches(target{below(below(res.planned, "values"), path...), len(res.planned), res.kind}, plan)
		if read {
			attributes = append(attributes, written(path))
		}
	}
	return attributes
}

func (r *analysed) undecidedOutput(out output) []string {
	var attributes []string
	for _, path := range out.unknown {
		if r.reaches(target{path: below([]string{"output_changes", out.name, "after"}, path...)}, nil) ||
			r.reaches(target{path: below([]string{"planned_values", "outputs", out.name, "value"}, path...)}, nil) {
			attributes = append(attributes, written(path))
		}
	}
	return attributes
}

// counts says whether the rule chooses resources by their number in the plan.
func (r *analysed) counts() bool {
	return slices.ContainsFunc(r.reads, func(read read) bool {
		for _, s := range read.place.steps {
			switch {
			case s.kind != named:
			case s.key == "change" || s.key == "values":
				return false
			case isNumber(s.key):
				return true
			}
		}
		return false
	})
}

func isNumber(name string) bool { return name != "" && strings.Trim(name, "0123456789") == "" }

// target is an unknown value: its place, of which the first steps lead to its
// resource.
type target struct {
	path     []string
	resource int
	kind     string
}

func (r *analysed) reaches(t target, plan *Plan) bool {
	return slices.ContainsFunc(r.reads, func(read read) bool {
		return read.matches(t, 0, 0, func(site string) bool { return site == "" || plan == nil || r.takes(site, t.kind, plan) })
	})
}

// matches says whether reading the place asks for the target, or for something
// that would be in it. What is read from step i on is compared with the target
// from its name j on; takes is asked whether the site that chooses the resource
// may choose this one.
func (r read) matches(t target, i, j int, takes func(site string) bool) bool {
	steps := r.place.steps
	if i == len(steps) {
		return j == len(t.path) || r.whole
	}
	s := steps[i]
	if s.kind == anyN {
		for k := j; k <= len(t.path); k++ {
			if k == len(t.path) {
				return i+1 == len(steps) || !structural(steps[i+1])
			}
			if k > j && k == t.resource && !takes(s.site) {
				continue
			}
			if r.matches(t, i+1, k, takes) {
				return true
			}
		}
		return false
	}
	if j == len(t.path) || s.kind == named && s.key != t.path[j] {
		return false
	}
	if j++; j == t.resource && !takes(s.site) {
		return false
	}
	return j == len(t.path) || r.matches(t, i+1, j, takes)
}

// structural says whether a name is one of the plan's own form: that it could be
// within an attribute, as any name could be, is not thought of.
func structural(s step) bool {
	if s.kind != named {
		return false
	}
	switch s.key {
	case "resource_changes", "planned_values", "root_module", "child_modules", "resources", "outputs", "change", "before", "after",
		"after_unknown", "actions", "values", "sensitive_values", "address", "module_address", "mode", "type", "name", "index", "provider_name":
		return true
	}
	return false
}

// takes says whether what a site chooses may be a resource of a type.
func (r *analysed) takes(site, kind string, plan *Plan) bool {
	for site != "" {
		rest, last := "", site
		if i := strings.LastIndex(site, ">"); i >= 0 {
			rest, last = site[:i], site[i+1:]
		}
		owner, _, _ := strings.Cut(last, "/")
		if types := r.types[owner][site]; types != nil {
			return types[kind]
		}
		if hint := r.flow.hints[site]; hint != "" && plan.isType(hint) {
			return hint == kind
		}
		site = rest
	}
	return true
}

var typePattern = regexp.MustCompile(`^([a-z][a-z0-9]*_)[a-z0-9_]+$`)

// isType says whether a word is a type of resources: one of the plan's, or
// another of one of their providers.
func (p *Plan) isType(word string) bool {
	if p.types[word] {
		return true
	}
	m := typePattern.FindStringSubmatch(word)
	for kind := range p.types {
		if m != nil && strings.HasPrefix(kind, m[1]) {
			return true
		}
	}
	return false
}

// written writes a path for people.
func written(path []string) string {
	var b strings.Builder
	for i, name := range path {
		switch {
		case isNumber(name):
			b.WriteString("[" + name + "]")
		case i > 0:
			b.WriteString("." + name)
		default:
			b.WriteString(name)
		}
	}
	return b.String()
}
