package ciexamples

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// Every function and flag of the dagger calls is one of the module's. Those that
// plan or scan for a pull request say where gates come from: the module does not
// see it.
func TestDaggerCallsFit(t *testing.T) {
	functions := moduleFunctions(t)
	lines := daggerCalls(t)
	if len(lines) < 14 {
		t.Fatalf("%d calls found, want at least 14", len(lines))
	}
	for _, line := range lines {
		parsed, err := parseDagger(strings.Fields(strings.ReplaceAll(line, `"`, "")))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range append(parsed.before, parsed.verb) {
			flags, ok := functions[f.name]
			if !ok {
				t.Errorf("the module has no %s: %s", f.name, line)
			}
			for _, flag := range f.order {
				if !slices.Contains(flags, flag) {
					t.Errorf("the module's %s has no --%s, only %s", f.name, flag, strings.Join(flags, ", "))
				}
			}
		}
		if gates := slices.Contains([]string{"plan", "scan", "policy", "validate"}, parsed.verb.name); gates != (parsed.verb.flags["gates-from"] != "") {
			t.Errorf("--gates-from %q: %s", parsed.verb.flags["gates-from"], line)
		}
	}
}

// daggerCalls are all calls in the files, up to where their output goes: those of
// scripts, and those that a comment offers instead of a line.
func daggerCalls(t *testing.T) []string {
	t.Helper()
	var lines []string
	for _, file := range slices.Concat(githubFiles, gitlabFiles, azureFiles) {
		text := example(t, file)
		for _, found := range regexp.MustCompile(`# With Dagger.*?dagger (--progress .*)`).FindAllStringSubmatch(text, -1) {
			lines = append(lines, strings.NewReplacer(" with-aws-credentials …", "", " with-…", "", ")", "").Replace(found[1]))
		}
		if !strings.HasSuffix(file, "-dagger.yml") {
			continue
		}
		text = strings.ReplaceAll(text, "\n", " ")
		for _, found := range regexp.MustCompile(`dagger (--progress logs call .*?) (name:|after_script:|displayName:|deploy:|deploy staging:|# |$)`).FindAllStringSubmatch(text, -1) {
			lines = append(lines, found[1])
		}
	}
	for i := range lines {
		lines[i], _, _ = strings.Cut(lines[i], " >")
	}
	return lines
}

// moduleFunctions are the functions of the Dagger module with their arguments,
// as dagger call names them.
func moduleFunctions(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("../../*.go")
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string][]string{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !f.Name.IsExported() {
				continue
			}
			star, ok := f.Recv.List[0].Type.(*ast.StarExpr)
			if !ok {
				continue
			}
			if receiver, ok := star.X.(*ast.Ident); !ok || receiver.Name != "Strata" {
				continue
			}
			flags := []string{}
			var fields []*ast.Field // many arguments are the fields of one
			for _, field := range f.Type.Params.List {
				if args, ok := field.Type.(*ast.StructType); ok {
					fields = append(fields, args.Fields.List...)
				} else {
					fields = append(fields, field)
				}
			}
			for _, field := range fields {
				for _, name := range field.Names {
					flags = append(flags, kebab(name.Name))
				}
			}
			functions[kebab(f.Name.Name)] = flags
		}
	}
	return functions
}

func kebab(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
