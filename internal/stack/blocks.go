package stack

import (
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// block reads one top-level block.
func (p *parsing) block(b *hcl.Block) {
	switch b.Type {
	case "terraform":
		p.terraform(b)
	case "variable":
		p.variable(b)
	case "output":
		out := p.m.Outputs[b.Labels[0]]
		out.Pos = first(out.Pos, position(b.DefRange))
		setBool(&out.Sensitive, attributes(b, "sensitive"), "sensitive")
		p.m.Outputs[b.Labels[0]] = out
	case "module":
		p.call(b)
	case "provider":
		p.implied = append(p.implied, b.Labels[0])
	case "resource", "data", "ephemeral":
		p.m.Reads = p.m.Reads || b.Type != "resource"
		p.uses(b)
	case "check":
		p.m.Reads = true // it may hold a data source, and is about what there is
	}
}

// terraform reads a terraform block: version, backend, cloud and providers.
func (p *parsing) terraform(b *hcl.Block) {
	content, _, diags := b.Body.PartialContent(&hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "required_version"}},
		Blocks: []hcl.BlockHeaderSchema{
			{Type: "backend", LabelNames: []string{"type"}},
			{Type: "cloud"},
			{Type: "required_providers"},
		},
	})
	p.diagnose(diags)
	if version, ok := constant(content.Attributes["required_version"]); ok {
		p.required = append(p.required, version)
	}
	for _, inner := range content.Blocks {
		switch inner.Type {
		case "backend":
			p.backend(inner)
		case "cloud":
			pos := position(inner.DefRange)
			p.m.Cloud = &pos
			if p.override {
				p.m.Backend = nil
			}
		case "required_providers":
			p.requiredProviders(inner)
		}
	}
}

// backend reads a backend block. One in an override file replaces any other.
func (p *parsing) backend(b *hcl.Block) {
	block := &BackendBlock{Type: b.Labels[0], Settings: map[string]string{}, Pos: position(b.DefRange)}
	attrs, _ := b.Body.JustAttributes() // nested blocks are faults here, and left out
	for name, attr := range attrs {
		value, known := evaluate(attr.Expr)
		if !known {
			block.Dynamic = append(block.Dynamic, name)
		} else if text, ok := primitive(value); ok {
			block.Settings[name] = text
		}
	}
	slices.Sort(block.Dynamic)
	p.m.Backend = block
	if p.override {
		p.m.Cloud = nil
	}
}

func (p *parsing) variable(b *hcl.Block) {
	v := p.m.Variables[b.Labels[0]]
	attrs := attributes(b, "type", "default", "sensitive", "ephemeral")
	v.Pos = first(v.Pos, position(b.DefRange))
	if attr := attrs["type"]; attr != nil {
		v.Type = p.source(attr)
	}
	v.HasDefault = v.HasDefault || attrs["default"] != nil
	setBool(&v.Sensitive, attrs, "sensitive")
	setBool(&v.Ephemeral, attrs, "ephemeral")
	p.m.Variables[b.Labels[0]] = v
}

// source is an expression as written; in JSON it is the text of a string.
func (p *parsing) source(attr *hcl.Attribute) string {
	r := attr.Expr.Range()
	if strings.HasSuffix(r.Filename, ".json") {
		text, _ := constant(attr)
		return text
	}
	if !r.CanSliceBytes(p.text) {
		return ""
	}
	return string(r.SliceBytes(p.text))
}

// call reads a module block. One in an override file changes the one of the
// same name.
func (p *parsing) call(b *hcl.Block) {
	attrs := attributes(b, "source", "version")
	call := Call{Name: b.Labels[0], Pos: position(b.DefRange)}
	i := slices.IndexFunc(p.m.Calls, func(c Call) bool { return c.Name == call.Name })
	if p.override && i >= 0 {
		call = p.m.Calls[i]
	}
	if attr := attrs["source"]; attr != nil {
		call.Source, _ = constant(attr)
		call.Dir = ""
		if isLocal(call.Source) {
			if dir := path.Join(p.dir, call.Source); insideRoot(dir) {
				call.Dir = dir
			}
		}
	}
	if attr := attrs["version"]; attr != nil {
		call.Version, _ = constant(attr)
	}
	if p.override && i >= 0 {
		p.m.Calls[i] = call
		return
	}
	p.m.Calls = append(p.m.Calls, call)
}

// isLocal says whether a module's source is a folder beside it.
func isLocal(source string) bool {
	return strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../") || source == "." || source == ".."
}

// attributes reads the named attributes of a block.
func attributes(b *hcl.Block, names ...string) hcl.Attributes {
	schema := &hcl.BodySchema{}
	for _, name := range names {
		schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: name})
	}
	content, _, _ := b.Body.PartialContent(schema)
	return content.Attributes
}

// constant is an attribute's text, if it is one that needs no evaluation.
func constant(attr *hcl.Attribute) (string, bool) {
	if attr == nil {
		return "", false
	}
	value, known := evaluate(attr.Expr)
	if !known {
		return "", false
	}
	return primitive(value)
}

// evaluate is the value of an expression that refers to nothing.
func evaluate(expr hcl.Expression) (cty.Value, bool) {
	if len(expr.Variables()) > 0 {
		return cty.NilVal, false
	}
	value, diags := expr.Value(nil)
	return value, !diags.HasErrors()
}

// primitive is the text of a known string, number or boolean.
func primitive(value cty.Value) (string, bool) {
	value, _ = value.UnmarkDeep()
	if value.IsNull() || !value.IsWhollyKnown() || !value.Type().IsPrimitiveType() {
		return "", false
	}
	text, err := convert.Convert(value, cty.String)
	if err != nil {
		return "", false
	}
	return text.AsString(), true
}

func setBool(into *bool, attrs hcl.Attributes, name string) {
	if text, ok := constant(attrs[name]); ok {
		*into = text == "true"
	}
}

// first keeps the position that was known first.
func first(old, pos Position) Position {
	if old.File != "" {
		return old
	}
	return pos
}
