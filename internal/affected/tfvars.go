package affected

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// readVariables reads a variable file: ok is false where it cannot be read whole.
// A value that cannot be read is unknown. One that is absent gives none.
func readVariables(fsys fs.FS, name string) (values map[string]cty.Value, ok bool) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, true
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if strings.HasSuffix(name, ".json") {
		return jsonVariables(text)
	}
	file, diags := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
	if file == nil || diags.HasErrors() {
		return nil, false
	}
	attrs, diags := file.Body.JustAttributes()
	values = make(map[string]cty.Value, len(attrs))
	for variable, attr := range attrs {
		value, diags := attr.Expr.Value(nil)
		if diags.HasErrors() {
			value = cty.DynamicVal
		}
		values[variable] = value
	}
	return values, !diags.HasErrors()
}

func jsonVariables(text []byte) (values map[string]cty.Value, ok bool) {
	var raw map[string]json.RawMessage
	if json.Unmarshal(text, &raw) != nil {
		return nil, false
	}
	values = make(map[string]cty.Value, len(raw))
	for variable, data := range raw {
		values[variable] = cty.DynamicVal
		if t, err := ctyjson.ImpliedType(data); err == nil {
			if value, err := ctyjson.Unmarshal(data, t); err == nil {
				values[variable] = value
			}
		}
	}
	return values, true
}
