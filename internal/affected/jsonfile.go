package affected

import (
	"encoding/json"
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
)

var sourceText = regexp.MustCompile(`"?source"?\s*[=:]\s*"(\.{1,2}(?:/[^"]*)?)"`)

// json reads a .tf.json file. All expressions of that syntax are strings, so
// every one is taken for a template.
func (p *parsed) json(name string, text []byte, override bool) {
	var document any
	file, diags := hcljson.Parse(text, name)
	if err := json.Unmarshal(text, &document); err != nil || diags.HasErrors() || file == nil {
		p.spoilt(name, text)
		return
	}
	content, _, _ := file.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "terraform"}, {Type: "data", LabelNames: []string{"type", "name"}}, {Type: "locals"}, {Type: "variable", LabelNames: []string{"name"}}, {Type: "module", LabelNames: []string{"name"}},
	}})
	for _, block := range content.Blocks {
		label := ""
		if len(block.Labels) == 1 {
			label = block.Labels[0]
		}
		if block.Type == "terraform" {
			inner, _, _ := block.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "backend", LabelNames: []string{"type"}}}})
			p.backend = p.backend || len(inner.Blocks) > 0
			continue
		}
		attrs, _ := block.Body.JustAttributes()
		exprs := make(map[string]hcl.Expression, len(attrs))
		for name, attr := range attrs {
			exprs[name] = attr.Expr
		}
		if block.Type == "data" {
			if block.Labels[0] == "archive_file" {
				for name, expr := range exprs {
					p.archives = append(p.archives, archive{name, expr})
				}
			}
			continue
		}
		p.block(block.Type, label, exprs, name, override)
	}
	p.strings(name, document, 0, bodyDepth(""))
}

// bodyDepth is how deep the bodies of a kind of block lie in a document; "" is
// the document itself.
func bodyDepth(kind string) int {
	switch kind {
	case "":
		return 0
	case "resource", "data", "ephemeral":
		return 3
	case "module", "variable", "output", "provider", "check":
		return 2
	}
	return 1
}

// strings adds every string of a JSON value. In a body, "//" is a comment.
func (p *parsed) strings(name string, value any, depth, body int) {
	switch v := value.(type) {
	case string:
		if expr, diags := hclsyntax.ParseTemplate([]byte(v), name, hcl.InitialPos); !diags.HasErrors() {
			p.templates = append(p.templates, expr)
		}
	case []any:
		for _, inner := range v {
			p.strings(name, inner, depth, body)
		}
	case map[string]any:
		for key, inner := range v {
			if key == "//" && depth == body {
				continue
			}
			below := body
			if depth == 0 {
				below = bodyDepth(key)
			}
			p.strings(name, inner, depth+1, below)
		}
	}
}
