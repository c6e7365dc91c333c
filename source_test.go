//go:build aliases

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// Dagger reads the module's functions, their arguments and their help from its
// source: so do these tests.

func rootFiles(t *testing.T) (*token.FileSet, map[string]*ast.File) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	set, out := token.NewFileSet(), make(map[string]*ast.File)
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name == "aliases.go" || name == "dagger.gen.go" {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = file
	}
	return set, out
}

// functions are what dagger functions lists: the constructor and the exported
// methods of exported types.
func functions(t *testing.T) map[string]*ast.FuncDecl {
	t.Helper()
	_, parsed := rootFiles(t)
	out := make(map[string]*ast.FuncDecl)
	for _, file := range parsed {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() {
				continue
			}
			switch {
			case f.Recv == nil:
				if f.Name.Name == "New" {
					out["New"] = f
				}
			default:
				if star, ok := f.Recv.List[0].Type.(*ast.StarExpr); ok && ast.IsExported(star.X.(*ast.Ident).Name) {
					out[star.X.(*ast.Ident).Name+"."+f.Name.Name] = f
				}
			}
		}
	}
	if len(out) < 15 {
		t.Fatalf("only %d functions are found", len(out))
	}
	return out
}

// argument is one that a caller gives.
type argument struct {
	name string
	doc  string
}

func argumentsOf(f *ast.FuncDecl) []argument {
	var out []argument
	add := func(list []*ast.Field) {
		for _, field := range list {
			for _, name := range field.Names {
				out = append(out, argument{name.Name, field.Doc.Text()})
			}
		}
	}
	for _, param := range f.Type.Params.List {
		switch typ := param.Type.(type) {
		case *ast.StructType:
			add(typ.Fields.List)
		case *ast.SelectorExpr:
			if typ.Sel.Name != "Context" {
				add([]*ast.Field{param})
			}
		case *ast.StarExpr:
			if sel, ok := typ.X.(*ast.SelectorExpr); !ok || sel.Sel.Name != "Workspace" {
				add([]*ast.Field{param}) // the engine fills a workspace in
			}
		default:
			add([]*ast.Field{param})
		}
	}
	return out
}

// said is a doc comment without its pragmas.
func said(doc string) string {
	var lines []string
	for line := range strings.Lines(doc) {
		if !strings.HasPrefix(line, "+") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.TrimSpace(strings.Join(lines, " "))
}

// paramDocs gives the comments above parameters, which the parser attaches to
// no field where they are a function's.
func paramDocs(t *testing.T) map[string]string {
	t.Helper()
	set, parsed := rootFiles(t)
	docs := make(map[string]string)
	for file, f := range parsed {
		ends := make(map[int]string)
		for _, group := range f.Comments {
			ends[set.Position(group.End()).Line] = group.Text()
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			for _, param := range fn.Type.Params.List {
				for _, name := range param.Names {
					docs[file+":"+fn.Name.Name+"."+name.Name] = ends[set.Position(param.Pos()).Line-1]
				}
			}
		}
	}
	return docs
}

func TestEveryFunctionAndArgumentIsExplained(t *testing.T) {
	docs := paramDocs(t)
	doc := func(function, arg string) string {
		_, function, _ = strings.Cut("."+function, ".")
		function = function[strings.LastIndex(function, ".")+1:]
		for key, text := range docs {
			if strings.HasSuffix(key, ":"+function+"."+arg) {
				return text
			}
		}
		return ""
	}
	for name, f := range functions(t) {
		if words := said(f.Doc.Text()); words == "" {
			t.Errorf("%s has no comment", name)
		}
		for _, arg := range argumentsOf(f) {
			text := arg.doc
			if text == "" {
				text = doc(name, arg.name)
			}
			words := said(text)
			if words == "" {
				t.Errorf("the argument %s of %s has no comment", arg.name, name)
			}
			// The engine reads such an end as a pragma.
			for line := range strings.Lines(text) {
				if last := line[strings.LastIndex(line, " ")+1:]; !strings.HasPrefix(line, "+") && strings.HasPrefix(last, "+") {
					t.Errorf("the comment of %s of %s ends in %s", arg.name, name, last)
				}
			}
		}
	}
}

// Verbs run each time, and what chains before them at least once a session.
func TestNothingIsServedFromAnEarlierCall(t *testing.T) {
	for name, f := range functions(t) {
		want := `+cache="session"`
		if len(f.Type.Params.List) > 0 && takesContext(f) {
			want = `+cache="never"`
		}
		if !slices.Contains(strings.Split(f.Doc.Text(), "\n"), want) {
			t.Errorf(`%s has no %s`, name, want)
		}
	}
}

func takesContext(f *ast.FuncDecl) bool {
	sel, ok := f.Type.Params.List[0].Type.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Context"
}

func TestNoArgumentHasTheNameOfOneOfTheCLIs(t *testing.T) {
	taken := strings.Fields("output json mod lock workdir progress debug silent quiet verbose interactive web cloud help")
	for name, f := range functions(t) {
		for _, arg := range argumentsOf(f) {
			if slices.Contains(taken, strings.ToLower(arg.name)) {
				t.Errorf("%s takes %s, which is a flag of dagger's own", name, arg.name)
			}
		}
	}
}

func TestNoTypeOrFunctionHasAReservedName(t *testing.T) {
	reserved := strings.Fields("Workspace dag main Tracer ptr convertSlice convertError dispatch invoke ExecError DaggerObject")
	_, parsed := rootFiles(t)
	for file, f := range parsed {
		for _, d := range f.Decls {
			var names []string
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					names = append(names, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						names = append(names, spec.Name.Name)
					case *ast.ValueSpec:
						for _, name := range spec.Names {
							names = append(names, name.Name)
						}
					}
				}
			}
			for _, name := range names {
				if slices.Contains(reserved, name) {
					t.Errorf("%s declares %s", file, name)
				}
			}
		}
	}
}

func TestOnlyTheEngineRunsCommands(t *testing.T) {
	set, parsed := rootFiles(t)
	found := 0
	for name, file := range parsed {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "WithExec" {
				found++
				if !strings.HasPrefix(name, "engine") {
					t.Errorf("%s: a command is run outside of engine*.go", set.Position(call.Pos()))
				}
			}
			return true
		})
	}
	if found == 0 {
		t.Error("no call of WithExec is found")
	}
}
