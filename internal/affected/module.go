package affected

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// walker finds the files that one module's expressions read.
type walker struct {
	*scope
	in *Inputs
	// done holds expressions that stand within one already looked at.
	done map[hclsyntax.Node]bool
	// loops are the repetitions around the expression at hand, the outermost
	// first.
	loops []*loop
	// more are the variables of a template; depth is how deep it is in others.
	more  map[string]cty.Value
	depth int
}

// tree looks at every expression below a body or an expression.
func (w *walker) tree(node hclsyntax.Node) { _ = hclsyntax.Walk(node, w) }

func (w *walker) handled(node hclsyntax.Node) {
	if w.done == nil {
		w.done = make(map[hclsyntax.Node]bool)
	}
	w.done[node] = true
}

// all marks an expression and all below it.
func (w *walker) all(node hclsyntax.Node) {
	_ = hclsyntax.VisitAll(node, func(node hclsyntax.Node) hcl.Diagnostics {
		if template, ok := node.(*hclsyntax.TemplateExpr); ok {
			w.handled(template)
		}
		return nil
	})
}

// Enter is called before what stands below a node.
func (w *walker) Enter(node hclsyntax.Node) hcl.Diagnostics {
	switch n := node.(type) {
	case *hclsyntax.FunctionCallExpr:
		name := coreName(n.Name)
		switch {
		case readers[name] && len(n.Args) > 0:
			w.all(n.Args[0])
			w.path(n.Args[0], name+" in "+place(n.NameRange), false)
			if name == "templatefile" {
				w.templates(n)
			}
		case name == "fileset" && len(n.Args) == 2:
			w.all(n.Args[0])
			w.set(n)
		}
	case *hclsyntax.Block:
		if l := w.blockLoop(n); l != nil {
			w.loops = append(w.loops[:len(w.loops):len(w.loops)], l)
		}
		switch {
		case n.Type == "data" && len(n.Labels) == 2 && n.Labels[0] == "archive_file":
			for name, attr := range n.Body.Attributes {
				w.handled(attr.Expr)
				w.archive(name, attr.Expr)
			}
		case n.Type == "module" && n.Body.Attributes["source"] != nil:
			w.handled(n.Body.Attributes["source"].Expr)
		}
	case *hclsyntax.ForExpr:
		w.loops = append(w.loops[:len(w.loops):len(w.loops)], w.forLoop(n))
	case *hclsyntax.TemplateExpr:
		w.loose(n)
	}
	return nil
}

// Exit is called after.
func (w *walker) Exit(node hclsyntax.Node) hcl.Diagnostics {
	switch n := node.(type) {
	case *hclsyntax.Block:
		if w.blockLoop(n) != nil {
			w.loops = w.loops[:len(w.loops)-1]
		}
	case *hclsyntax.ForExpr:
		w.loops = w.loops[:len(w.loops)-1]
	}
	return nil
}

func place(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }

// loose is a path that no function reads, but a provider may: it begins with
// path.module, path.root or path.cwd (a chart, a script, an archive), or is
// written relative to the unit's folder and leads to something.
func (w *walker) loose(template *hclsyntax.TemplateExpr) {
	if w.done[template] {
		return
	}
	if isRooted(template) {
		w.path(template, "path in "+place(template.Range()), true)
		return
	}
	if text := constant(template); template.IsStringLiteral() && isDotted(text) {
		name, ok := w.place(text)
		if !ok {
			return
		}
		if _, err := fs.Stat(w.fsys, dot(name)); err == nil {
			w.named(name, "path in "+place(template.Range()), true)
		}
	}
}

// isRooted says whether a template begins with one of Terraform's paths.
func isRooted(template *hclsyntax.TemplateExpr) bool {
	if len(template.Parts) < 2 {
		return false
	}
	traversal, ok := template.Parts[0].(*hclsyntax.ScopeTraversalExpr)
	return ok && traversal.Traversal.RootName() == "path"
}

// path adds the files, or the part of the repository, that an expression names.
// loose says that all below a folder of the name may be read.
func (w *walker) path(expr hcl.Expression, why string, loose bool) {
	for _, value := range w.values(expr) {
		text, err := convert.Convert(value, cty.String)
		switch {
		case err != nil, !text.IsKnown():
			w.widen(value, why)
		case text.IsNull(): // reads nothing: Terraform refuses it
		default:
			if name, ok := w.place(text.AsString()); ok {
				w.named(name, why, loose)
			}
		}
	}
}

// named adds what has a name: a file that is or may come to be, or a folder
// with all below it.
func (w *walker) named(name, why string, loose bool) {
	real := w.closures.add(w.in, name, why)
	info, err := fs.Stat(w.fsys, dot(real))
	folder := err == nil && info.IsDir()
	// A path that ends on a folder of modules or of the unit itself is mostly
	// the beginning of another one.
	if (folder || err != nil && loose) && real != w.unit && real != w.module && real != "" {
		w.area(area{dir: real, why: why})
	}
}

// area adds a part of the repository, and what links below it lead to.
func (w *walker) area(a area) {
	real := w.closures.add(w.in, a.dir, a.why)
	a.dir = real
	w.in.area(a)
	if !w.closures.linksBelow(real) {
		return
	}
	glob := a.glob
	if glob == "" {
		glob = "**"
	}
	l := w.list(real, glob)
	for _, name := range l.links {
		if a.glob != "" || strings.HasPrefix(strings.TrimPrefix(name, real+"/"), a.prefix) || !within(real, name) {
			w.in.file(name, a.why)
		}
	}
	for _, folder := range l.folders {
		at := folder[1] + "/"
		if strings.HasPrefix(at, a.prefix) || strings.HasPrefix(a.prefix, at) {
			w.in.area(area{dir: folder[0], at: at, glob: a.glob, why: a.why})
		}
	}
}

func dot(name string) string {
	if name == "" {
		return "."
	}
	return name
}

// widen adds the part of the repository that an unknown path lies in: what its
// beginning tells, else all of the unit's and the module's folder.
func (w *walker) widen(value cty.Value, why string) {
	prefix := ""
	if !value.IsKnown() && (value.Type() == cty.String || value.Type() == cty.DynamicPseudoType) {
		if r := value.Range(); r.TypeConstraint() == cty.String {
			prefix = r.StringPrefix()
		}
	}
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		if dir, ok := w.place(prefix[:i+1]); ok {
			w.area(area{dir: dir, prefix: prefix[i+1:], why: why})
		}
		return
	}
	w.bindAll()
	w.area(area{dir: w.unit, why: why})
	w.area(area{dir: w.module, why: why})
}

// set adds the files that a fileset lists, now or later.
func (w *walker) set(call *hclsyntax.FunctionCallExpr) {
	why := "fileset in " + place(call.NameRange)
	for _, dir := range w.values(call.Args[0]) {
		if !dir.IsKnown() || dir.IsNull() || dir.Type() != cty.String {
			w.widen(dir, why)
			continue
		}
		for _, pattern := range w.values(call.Args[1]) {
			glob := "**"
			if pattern.IsKnown() && !pattern.IsNull() && pattern.Type() == cty.String {
				glob = pattern.AsString()
			}
			if folder, glob, ok := w.filesetOf(dir.AsString(), glob); ok {
				w.area(area{dir: folder, glob: glob, why: why})
			}
		}
	}
}

// templates looks into the templates that a call names: they may read files too.
func (w *walker) templates(call *hclsyntax.FunctionCallExpr) {
	if w.depth > deepest {
		return
	}
	for _, path := range w.values(call.Args[0]) {
		if !path.IsKnown() || path.IsNull() || path.Type() != cty.String {
			continue
		}
		expr, ok := w.template(path.AsString())
		if !ok {
			continue
		}
		given := []cty.Value{cty.DynamicVal}
		if len(call.Args) > 1 {
			given = w.values(call.Args[1])
		}
		for _, vars := range given {
			inner := &walker{scope: w.scope, in: w.in, more: attributesOf(vars), depth: w.depth + 1}
			inner.tree(expr)
		}
	}
}

// archive adds what an argument of an archive_file names.
func (w *walker) archive(argument string, expr hcl.Expression) {
	why := "archive_file in " + place(expr.Range())
	switch argument {
	case "source_file":
		w.path(expr, why, true)
	case "source_dir":
		for _, value := range w.values(expr) {
			text, err := convert.Convert(value, cty.String)
			switch {
			case err != nil, !text.IsKnown():
				w.widen(value, why)
			case text.IsNull():
			default:
				if dir, ok := w.place(text.AsString()); ok {
					w.area(area{dir: dir, why: why})
				}
			}
		}
	}
}
