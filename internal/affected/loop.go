package affected

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// round is the names of one repetition and their values.
type round = map[string]cty.Value

// loop is a repetition: a for expression, or a block with for_each or count.
// Each round gives values to names. The rounds are found when they are asked
// for; ok is false where not all of them are known.
type loop struct {
	names []string
	find  func() (rounds []round, ok bool)

	found  bool
	known  bool
	rounds []round
}

func (l *loop) all() ([]round, bool) {
	if !l.found {
		l.found = true
		l.rounds, l.known = l.find()
	}
	return l.rounds, l.known
}

// mostRounds is how many values an expression is evaluated to before it counts
// as unknown.
const mostRounds = 1000

// blockLoop is the repetition of a block, nil where there is none.
func (w *walker) blockLoop(block *hclsyntax.Block) *loop {
	forEach := block.Body.Attributes["for_each"]
	switch {
	case block.Type == "dynamic" && len(block.Labels) == 1 && forEach != nil:
		name := block.Labels[0]
		if iterator := block.Body.Attributes["iterator"]; iterator != nil {
			name = hcl.ExprAsKeyword(iterator.Expr)
		}
		return w.each(name, forEach.Expr)
	case forEach != nil:
		return w.each("each", forEach.Expr)
	case block.Body.Attributes["count"] != nil:
		return w.count(block.Body.Attributes["count"].Expr)
	}
	return nil
}

// each is a repetition over a collection's elements.
func (w *walker) each(name string, collection hcl.Expression) *loop {
	outer := w.loops
	return &loop{names: []string{name}, find: func() (rounds []round, ok bool) {
		for _, value := range w.valuesIn(outer, collection) {
			more, ok := elements(value, func(key, value cty.Value) round {
				return round{name: cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}
			})
			if !ok {
				return nil, false
			}
			rounds = append(rounds, more...)
		}
		return rounds, true
	}}
}

func (w *walker) count(expr hcl.Expression) *loop {
	outer := w.loops
	return &loop{names: []string{"count"}, find: func() (rounds []round, ok bool) {
		for _, value := range w.valuesIn(outer, expr) {
			if !value.IsKnown() || value.IsNull() || value.Type() != cty.Number {
				return nil, false
			}
			n, _ := value.AsBigFloat().Int64()
			if n > mostRounds {
				return nil, false
			}
			for i := range n {
				rounds = append(rounds, round{"count": cty.ObjectVal(map[string]cty.Value{"index": cty.NumberIntVal(i)})})
			}
		}
		return rounds, true
	}}
}

// forLoop is the repetition of a for expression.
func (w *walker) forLoop(expr *hclsyntax.ForExpr) *loop {
	outer := w.loops
	l := &loop{names: []string{expr.ValVar}}
	if expr.KeyVar != "" {
		l.names = append(l.names, expr.KeyVar)
	}
	l.find = func() (rounds []round, ok bool) {
		for _, value := range w.valuesIn(outer, expr.CollExpr) {
			more, ok := elements(value, func(key, value cty.Value) round {
				r := round{expr.ValVar: value}
				if expr.KeyVar != "" {
					r[expr.KeyVar] = key
				}
				return r
			})
			if !ok {
				return nil, false
			}
			rounds = append(rounds, more...)
		}
		if expr.CondExpr == nil || refersToAny(expr.CondExpr, outer) {
			return rounds, true
		}
		kept := rounds[:0]
		for _, r := range rounds {
			condition := w.value(expr.CondExpr, r)
			if condition.IsKnown() && !condition.IsNull() && condition.Type() == cty.Bool && condition.False() {
				continue
			}
			kept = append(kept, r)
		}
		return kept, true
	}
	return l
}

func refersToAny(expr hcl.Expression, loops []*loop) bool {
	for _, l := range loops {
		if refers(expr, l.names) {
			return true
		}
	}
	return false
}

// elements makes a round of each element of a collection; ok is false for one
// that is not known.
func elements(value cty.Value, make func(key, value cty.Value) round) (rounds []round, ok bool) {
	if !value.IsKnown() || value.IsNull() || !value.CanIterateElements() || value.LengthInt() > mostRounds {
		return nil, false
	}
	for key, element := range value.Elements() {
		if value.Type().IsSetType() {
			key = element
		}
		rounds = append(rounds, make(key, element))
	}
	return rounds, true
}

// values are all values that an expression takes in the loops around it: none
// where such a loop has no round.
func (w *walker) values(expr hcl.Expression) []cty.Value { return w.valuesIn(w.loops, expr) }

func (w *walker) valuesIn(loops []*loop, expr hcl.Expression) []cty.Value {
	rounds := []round{w.more}
	for _, l := range loops {
		if !refers(expr, l.names) {
			continue
		}
		inner, ok := l.all()
		if !ok || len(rounds)*len(inner) > mostRounds {
			var all []cty.Value
			for _, r := range rounds {
				all = append(all, w.candidates(expr, unknown(l.names, r), 0)...)
			}
			return all
		}
		var next []round
		for _, r := range rounds {
			for _, more := range inner {
				next = append(next, join(r, more))
			}
		}
		rounds = next
	}
	var values []cty.Value
	for _, r := range rounds {
		values = append(values, w.candidates(expr, r, 0)...)
	}
	return values
}

func join(outer, inner round) round {
	all := make(round, len(outer)+len(inner))
	for _, r := range []round{outer, inner} {
		for name, value := range r {
			all[name] = value
		}
	}
	return all
}

func unknown(names []string, outer round) round {
	all := join(outer, nil)
	for _, name := range names {
		all[name] = cty.DynamicVal
	}
	return all
}

// refers says whether an expression uses one of the names.
func refers(expr hcl.Expression, names []string) bool {
	for _, traversal := range expr.Variables() {
		for _, name := range names {
			if traversal.RootName() == name {
				return true
			}
		}
	}
	return false
}
