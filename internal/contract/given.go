package contract

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Given lists the strings and numbers that a variable file gives to the named
// variables. What cannot be read is left out: Terraform will say so.
func Given(file string, text []byte, names []string) []string {
	var parsed *hcl.File
	if strings.HasSuffix(file, ".json") {
		parsed, _ = json.Parse(text, file)
	} else {
		parsed, _ = hclsyntax.ParseConfig(text, file, hcl.InitialPos)
	}
	if parsed == nil || parsed.Body == nil {
		return nil
	}
	attributes, _ := parsed.Body.JustAttributes()
	var values []string
	for name, attribute := range attributes {
		if !slices.Contains(names, name) {
			continue
		}
		value, diags := attribute.Expr.Value(nil)
		if diags.HasErrors() {
			continue
		}
		_ = cty.Walk(value, func(_ cty.Path, inner cty.Value) (bool, error) {
			if inner.IsKnown() && !inner.IsNull() && inner.Type().IsPrimitiveType() && inner.Type() != cty.Bool {
				if leaf, err := convert.Convert(inner, cty.String); err == nil {
					values = append(values, leaf.AsString())
				}
			}
			return true, nil
		})
	}
	slices.Sort(values)
	return values
}
