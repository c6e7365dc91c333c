package stack

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Hosts and names of providers.
const (
	defaultProviderHost      = "registry.terraform.io/"
	defaultProviderNamespace = "hashicorp/"
	builtinProviders         = "terraform.io/builtin/"
	builtinProvider          = "terraform" // resources such as terraform_data
)

// requiredProviders reads a required_providers block: name = {source = …}, or
// the old form, name = "version".
func (p *parsing) requiredProviders(b *hcl.Block) {
	attrs, diags := b.Body.JustAttributes()
	p.diagnose(diags)
	for name, attr := range attrs {
		source := ""
		pairs, diags := hcl.ExprMap(attr.Expr)
		for _, pair := range pairs {
			if diags.HasErrors() || keyword(pair.Key) != "source" {
				continue
			}
			if value, diags := pair.Value.Value(nil); !diags.HasErrors() {
				source, _ = primitive(value)
			}
		}
		p.providers[name] = address(source, name)
	}
}

// keyword is an object's key: a bare word or a string.
func keyword(expr hcl.Expression) string {
	if word := hcl.ExprAsKeyword(expr); word != "" {
		return word
	}
	value, diags := expr.Value(nil)
	if diags.HasErrors() || value.Type() != cty.String || value.IsNull() || !value.IsKnown() {
		return ""
	}
	return value.AsString()
}

// uses notes the provider of a resource: the one it names, or else the one its
// type begins with.
func (p *parsing) uses(b *hcl.Block) {
	name, _, _ := strings.Cut(b.Labels[0], "_")
	if attr := attributes(b, "provider")["provider"]; attr != nil {
		if traversal, diags := hcl.AbsTraversalForExpr(attr.Expr); !diags.HasErrors() {
			name = traversal.RootName()
		}
	}
	p.implied = append(p.implied, name)
}

// sources lists the addresses of all providers, built-in ones left out.
func (p *parsing) sources() []string {
	for _, name := range p.implied {
		if _, ok := p.providers[name]; !ok && name != "" {
			p.providers[name] = address("", name)
		}
	}
	var list []string
	for _, source := range p.providers {
		if !strings.HasPrefix(source, builtinProviders) {
			list = append(list, source)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// address completes a provider's source: hashicorp/aws for aws. The host is
// left out where it is Terraform's own registry.
func address(source, name string) string {
	source = strings.ToLower(source)
	switch {
	case source == "" && name == builtinProvider:
		return builtinProviders + builtinProvider
	case source == "":
		return defaultProviderNamespace + name
	case !strings.Contains(source, "/"):
		return defaultProviderNamespace + source
	}
	return strings.TrimPrefix(source, defaultProviderHost)
}
