package affected

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// variable is a declared input variable.
type variable struct {
	typeExpr, defaultExpr hcl.Expression
	notNull               bool
	odd                   bool // what it is cannot be told
}

// override lays a block's attributes over what was declared before.
func (v *variable) override(attrs map[string]hcl.Expression) {
	if expr := attrs["type"]; expr != nil {
		v.typeExpr = expr
	}
	if expr := attrs["default"]; expr != nil {
		v.defaultExpr = expr
	}
	if expr := attrs["nullable"]; expr != nil {
		value, diags := expr.Value(nil)
		v.notNull = !diags.HasErrors() && value.IsKnown() && !value.IsNull() && value.Type() == cty.Bool && value.False()
	}
}

// value is what the variable has in the module when it is given a value; given
// is cty.NilVal where it is given none. What is not known is unknown.
func (v *variable) value(given cty.Value) cty.Value {
	if v.odd {
		return cty.DynamicVal
	}
	if given == cty.NilVal || v.notNull && given.IsKnown() && given.IsNull() {
		if v.defaultExpr == nil {
			return cty.DynamicVal
		}
		value, diags := v.defaultExpr.Value(nil)
		if diags.HasErrors() {
			return cty.DynamicVal
		}
		given = value
	}
	if v.typeExpr == nil {
		return given
	}
	t, defaults, ok := typeOf(v.typeExpr)
	if !ok {
		return cty.DynamicVal
	}
	if !given.IsKnown() {
		return given
	}
	if defaults != nil && !given.IsNull() {
		given = defaults.Apply(given)
	}
	value, err := convert.Convert(given, t)
	if err != nil {
		return cty.DynamicVal
	}
	return value
}

// typeOf reads a type constraint. Old files have it in quotes.
func typeOf(expr hcl.Expression) (t cty.Type, defaults *typeexpr.Defaults, ok bool) {
	switch strings.TrimSpace(constant(expr)) {
	case "string":
		return cty.String, nil, true
	case "list":
		return cty.List(cty.DynamicPseudoType), nil, true
	case "map":
		return cty.Map(cty.DynamicPseudoType), nil, true
	}
	switch hcl.ExprAsKeyword(expr) {
	case "list":
		return cty.List(cty.DynamicPseudoType), nil, true
	case "map":
		return cty.Map(cty.DynamicPseudoType), nil, true
	case "set":
		return cty.Set(cty.DynamicPseudoType), nil, true
	}
	t, defaults, diags := typeexpr.TypeConstraintWithDefaults(expr)
	return t, defaults, !diags.HasErrors()
}
