package affected

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// mostCandidates is how many values an expression may have.
const mostCandidates = 32

// candidates are all values that an expression may have: more than one where it
// depends on a condition that nobody knows.
func (s *scope) candidates(expr hcl.Expression, more map[string]cty.Value, depth int) []cty.Value {
	value := s.value(expr, more)
	if value.IsKnown() || depth > 8 {
		return []cty.Value{value}
	}
	var all []cty.Value
	also := func(expr hcl.Expression) { all = append(all, s.candidates(expr, more, depth+1)...) }
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		also(e.Expression)
	case *hclsyntax.TemplateWrapExpr:
		also(e.Wrapped)
	case *hclsyntax.ConditionalExpr:
		condition := s.value(e.Condition, more)
		known := condition.IsKnown() && !condition.IsNull() && condition.Type() == cty.Bool
		if !known || condition.True() {
			also(e.TrueResult)
		}
		if !known || condition.False() {
			also(e.FalseResult)
		}
	case *hclsyntax.FunctionCallExpr:
		if name := coreName(e.Name); (name == "try" || name == "coalesce") && !e.ExpandFinal {
			for _, arg := range e.Args {
				also(arg)
			}
		}
	case *hclsyntax.ScopeTraversalExpr:
		name, ok := attribute(e.Traversal)
		if expr := s.locals()[name]; ok && len(e.Traversal) == 2 && e.Traversal.RootName() == "local" && expr != nil {
			all = s.candidates(expr, nil, depth+1)
		}
	case *hclsyntax.TemplateExpr:
		all = s.joined(e.Parts, more, depth)
	}
	if len(all) == 0 || len(all) > mostCandidates {
		return []cty.Value{value}
	}
	return all
}

// joined are the texts that the parts of a template may make.
func (s *scope) joined(parts []hclsyntax.Expression, more map[string]cty.Value, depth int) []cty.Value {
	texts := []string{""}
	for _, part := range parts {
		var next []string
		for _, value := range s.candidates(part, more, depth+1) {
			text, err := convert.Convert(value, cty.String)
			if err != nil || !text.IsKnown() || text.IsNull() {
				// All that is known is how they begin.
				var begun []cty.Value
				for _, text := range texts {
					begun = append(begun, cty.UnknownVal(cty.String).Refine().StringPrefixFull(text).NewValue())
				}
				return begun
			}
			for _, before := range texts {
				next = append(next, before+text.AsString())
			}
		}
		if texts = next; len(texts) > mostCandidates {
			return nil
		}
	}
	values := make([]cty.Value, len(texts))
	for i, text := range texts {
		values[i] = cty.StringVal(text)
	}
	return values
}
