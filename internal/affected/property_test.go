package affected

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strata-tf/strata/internal/stack"
)

// segments are names that begin alike, are hidden, or look like patterns.
var segments = []string{"stack-a", "stack-aa", "stack-a-b", "stack-a.b", "a", "aa", "a b", ".a", "a.tf", "a.json", "b", "B", "tests", "x.auto.tfvars"}

func randomPath(r *rand.Rand, most int) string {
	parts := make([]string, 1+r.IntN(most))
	for i := range parts {
		parts[i] = segments[r.IntN(len(segments))]
	}
	return strings.Join(parts, "/")
}

var patterns = []string{"*", "**", "*.json", "*.{tf,json}", "a*", "stack-a", "?", "[ab]", "{a,b}", "stack-a*", "**/*.json"}

func randomGlob(r *rand.Rand) string {
	parts := make([]string, 1+r.IntN(3))
	for i := range parts {
		parts[i] = patterns[r.IntN(len(patterns))]
		if r.IntN(3) == 0 {
			parts[i] = segments[r.IntN(len(segments))]
		}
	}
	return strings.Join(parts, "/")
}

const rounds = 20_000

// An area has a file if and only if it lies below the area's folder, whole names
// compared, and the rest of its path matches.
func TestAreasMatch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		a := area{dir: randomPath(r, 3), why: "x"}
		switch r.IntN(4) {
		case 0:
			a.glob = randomGlob(r)
		case 1:
			a.prefix = []string{"stack-a", "a", "a/", "stack-a/b"}[r.IntN(4)]
		case 2:
			a.kind = kind(1 + r.IntN(3))
		}
		if r.IntN(5) == 0 {
			a.dir = ""
		}
		name := randomPath(r, 5)
		if r.IntN(2) == 0 {
			name = path.Join(a.dir, name)
		}
		parts, dir := strings.Split(name, "/"), strings.Split(a.dir, "/")
		if a.dir == "" {
			dir = nil
		}
		want := len(parts) > len(dir) && slices.Equal(parts[:len(dir)], dir)
		if want {
			rest := strings.Join(parts[len(dir):], "/")
			switch {
			case a.kind != 0:
				want = len(parts) == len(dir)+1 && a.kind.holds(rest)
			case a.glob != "":
				want, _ = doublestar.Match(a.glob, rest)
			default:
				want = strings.HasPrefix(rest, a.prefix)
			}
		}
		if got := a.matches(name); got != want {
			t.Fatalf("%+v has %s: %v", a, name, got)
		}
		if want {
			for at := path.Dir(name); at != "."; at = path.Dir(at) {
				if !a.reaches(at) {
					t.Fatalf("%+v has %s, and does not reach %s", a, name, at)
				}
			}
		}
		// One by one and from a list must be the same.
		in := &Inputs{}
		in.area(a)
		names := []string{name}
		for range 20 {
			names = append(names, randomPath(r, 5))
		}
		slices.Sort(names)
		names = slices.Compact(names)
		var each []string
		for _, name := range names {
			if _, ok := in.Why(name); ok {
				each = append(each, name)
			}
		}
		if list := in.Match(names); !slices.Equal(list, each) {
			t.Fatalf("%+v has %q of a list, %q one by one", a, list, each)
		}
	}
}

// What a glob matches below a folder is what mayMatchBelow lets through.
func TestGlobsBelow(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range rounds {
		glob, name := randomGlob(r), randomPath(r, 4)
		if !doublestar.MatchUnvalidated(glob, name) {
			continue
		}
		for at := path.Dir(name); at != "."; at = path.Dir(at) {
			if !mayMatchBelow(glob, at) {
				t.Fatalf("%s matches %s, and nothing below %s", glob, name, at)
			}
		}
	}
}

// A fileset finds what doublestar finds, and its area has what it finds.
func TestFilesets(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 400 {
		fsys := fstest.MapFS{}
		for range 12 {
			name := randomPath(r, 4)
			if _, err := fsys.Stat(name); err == nil {
				continue
			}
			if slices.ContainsFunc(prefixes(name), func(dir string) bool { return fsys[dir] != nil }) {
				continue
			}
			fsys[name] = &fstest.MapFile{}
		}
		c := NewClosures(fsys)
		s := &scope{closures: c, fsys: fsys}
		glob := randomGlob(r)
		want, err := doublestar.Glob(fsys, glob, doublestar.WithFilesOnly())
		if err != nil {
			t.Fatal(err)
		}
		got := s.list("", glob).names
		slices.Sort(want)
		slices.Sort(got)
		// A folder's ** has the folder's own name for doublestar.Match, not for
		// doublestar.Glob: one file too many does no harm.
		for _, name := range want {
			if !slices.Contains(got, name) {
				t.Fatalf("%s of %q: %q, not %q", glob, sortedNames(fsys), got, want)
			}
		}
		if len(got) != len(want) && !strings.Contains(glob, "/**") {
			t.Fatalf("%s of %q: %q, not %q", glob, sortedNames(fsys), got, want)
		}
		for _, name := range got {
			if a := (area{glob: glob}); !a.matches(name) {
				t.Fatalf("the area of %s has no %s", glob, name)
			}
		}
	}
}

func prefixes(name string) (dirs []string) {
	for at := path.Dir(name); at != "."; at = path.Dir(at) {
		dirs = append(dirs, at)
	}
	return dirs
}

func sortedNames(fsys fstest.MapFS) (names []string) {
	for name := range fsys {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// The way from one folder to another leads there, and climbs as it says.
func TestRelative(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range rounds {
		from, to := randomPath(r, 5), randomPath(r, 5)
		way := relative(from, to)
		if got := path.Join(from, way); got != to {
			t.Fatalf("from %s by %s to %s, not %s", from, way, got, to)
		}
		if n := climbs(way); n != strings.Count(way, "..") {
			t.Fatalf("%s climbs %d times", way, n)
		}
	}
}

// However a path is written, it is the file it names and no other one.
func TestPathsAsWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 2000 {
		unit, module, target := "live/"+randomPath(r, 3), "modules/"+randomPath(r, 2), randomPath(r, 4)
		fromUnit, fromModule := relative(unit, target), relative(module, target)
		way := relative(unit, module)
		base := path.Base(target)
		written := []string{
			fmt.Sprintf("%q", fromUnit),
			fmt.Sprintf(`"./%s"`, fromUnit),
			fmt.Sprintf(`"${path.root}/%s"`, fromUnit),
			fmt.Sprintf(`"${path.cwd}/%s"`, fromUnit),
			fmt.Sprintf(`"${path.module}/%s"`, fromModule),
			fmt.Sprintf(`"${path.module}//%s/../%s"`, fromModule, base),
			fmt.Sprintf(`abspath("${path.module}/%s")`, fromModule),
			fmt.Sprintf(`join("/", [path.module, %q])`, fromModule),
			fmt.Sprintf(`format("%%s/%%s", dirname("${path.module}/%s"), basename(%q))`, fromModule, target),
			`"${local.dir}/${local.base}"`,
			fmt.Sprintf(`try(null, "") == "" ? "other" : "${path.module}/%s"`, fromModule),
		}
		expr := written[r.IntN(len(written))]
		files := map[string]string{
			unit + "/zz.tf":   fmt.Sprintf("module \"m\" {\n  source = %q\n}\n", "./"+way),
			module + "/zz.tf": fmt.Sprintf("locals {\n  dir = dirname(\"${path.module}/%s\")\n  base = %q\n  text = file(%s)\n}\n", fromModule, base, expr),
		}
		in := NewClosures(mapFS(files)).Unit(&stack.Unit{Path: unit})
		if _, ok := in.Why(target); !ok {
			t.Fatalf("%s of %s, called from %s: %s is no input\n%+v", expr, module, unit, target, in)
		}
		for _, other := range []string{target + "a", target + "-b", path.Join(path.Dir(target), "z"+base), "z" + target} {
			if why, ok := in.Why(other); ok {
				t.Fatalf("%s of %s, called from %s: %s is an input: %s", expr, module, unit, other, why)
			}
		}
	}
}

// FuzzQuick: a glance at a file finds the calls that a parser finds, or leaves
// the file to it.
func FuzzQuick(f *testing.F) {
	for _, text := range []string{
		"terraform {\n  required_version = \">= 1\"\n  backend \"s3\" {\n    key = \"x\"\n  }\n}\n", "terraform { backend \"local\" {} }", "locals {\n  backend = { backend = 1 }\n}\nbackend \"x\" {}\n",
		"", "module \"a\" {\n  source = \"./a\"\n}\n", "module \"a\" { source = \"../a\" }\nmodule \"b\" {\r\n source=\"./b\"\r\n}\r\n",
		"# module \"a\" { source = \"./a\" }\n", "// module \"a\" {\nlocals { a = \"module \\\"x\\\" {\" }\n", "locals {\n  module = { source = \"./x\" }\n}\n",
		"module \"a\" {\n  x = { source = \"b\" }\n  source = \"./a\"\n}\n", "module a {\n  source = \"./a\"\n}", "module \"a\"\n{\n source = \"./a\"\n}",
		"module \"a\" {\n  source = (\"./a\")\n}", "module \"a\" {\n  y = \"${var.x}\"\n  source = \"./${var.x}\"\n}", "module \"a\" {\n  \"source\" = \"./a\"\n}",
		"x = [\n  module\n]\nmodule \"b\" {\n  source = \"./b\" # c\n}\n", "a = \"$${\"\nmodule \"b\" {\n  source = \"./b\"\n}\n", "module \"a\" {\n  source\n= \"./a\"\n}",
		"module \"\\u0061\" {\n  source = \"./a\"\n}", "resource \"x\" \"y\" {\n  module {\n    source = \"./z\"\n  }\n}\n", "module \"a\" {\n  source = \"./a\"\n  b = \"%{if true}x%{endif}\"\n}\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found, ok := quick([]byte(text))
		if !ok {
			return
		}
		file, diags := hclsyntax.ParseConfig([]byte(text), "x.tf", hcl.InitialPos)
		if diags.HasErrors() {
			return // it names no file all the same
		}
		var want []quickCall
		backend := false
		for _, block := range file.Body.(*hclsyntax.Body).Blocks {
			for _, inner := range block.Body.Blocks {
				backend = backend || block.Type == "terraform" && inner.Type == "backend"
			}
			if block.Type != "module" {
				continue
			}
			call := quickCall{}
			if len(block.Labels) == 1 {
				call.name = block.Labels[0]
			}
			if attr := block.Body.Attributes["source"]; attr != nil {
				call.source = constant(attr.Expr)
			}
			want = append(want, call)
		}
		if !slices.Equal(found.calls, want) || found.backend != backend {
			t.Errorf("%q: %v, not %v, %v", text, found, want, backend)
		}
	})
}

// FuzzUnit: no text of a file makes the search for inputs fail or take for ever,
// and the file itself is always an input.
func FuzzUnit(f *testing.F) {
	for _, text := range []string{
		`locals { a = file("${path.module}/x") }`, `module "m" { source = "./" }`, `locals { a = [for f in fileset(path.module, "{a,**}") : file(f)] }`,
		`locals { a = local.b, b = local.a }`, "locals {\n a = file(local.b)\n b = local.a\n}", `data "archive_file" "a" { source_dir = "../.." }`,
		`locals { a = templatefile("main.tf", {}) }`, `variable "x" { type = object({a = optional(list(map(any)), [])}) }`, `locals { a = file("/../..//..") }`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in := NewClosures(mapFS(map[string]string{"live/app/main.tf": text, "live/app/x": "y"})).Unit(&stack.Unit{Path: "live/app"})
		if _, ok := in.Why("live/app/main.tf"); !ok {
			t.Error("its own file is no input")
		}
		for name := range in.files {
			if path.Clean(name) != name || strings.HasPrefix(name, "../") || strings.HasPrefix(name, "/") {
				t.Errorf("%q is no path of the repository", name)
			}
		}
	})
}
