// Package arch keeps the arrows of the code map: it holds nothing but this
// test.
package arch

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/strata-tf/strata"

// rows are the rows of the code map, the lowest first. A package imports those
// of lower rows alone: none above it, none beside it.
var rows = [][]string{
	{"internal/foreign", "internal/runner"},
	{"internal/graph"},
	{"internal/stack"},
	{"internal/affected", "internal/finding", "internal/record", "internal/ledger"},
	{"internal/terraform", "internal/scan", "internal/policy", "internal/contract", "internal/store", "internal/notify", "internal/report"},
	{"internal/pipeline"},
	{"", "cmd/strata"}, // the root package is the Dagger module
}

// generated are the packages that Dagger's generator makes: the root package's
// own.
var generated = []string{"internal/dagger", "internal/querybuilder", "internal/telemetry"}

// file is a Go file as far as its imports go.
type file struct {
	name    string // slash path from the repository's root
	imports []string
}

func (f file) dir() string {
	if dir := path.Dir(f.name); dir != "." {
		return dir
	}
	return ""
}

func (f file) test() bool { return strings.HasSuffix(f.name, "_test.go") }

// violations lists what is wrong with the imports of files, sorted.
func violations(files []file) []string {
	code := make(map[string]bool) // packages that are more than tests
	for _, f := range files {
		code[f.dir()] = code[f.dir()] || !f.test()
	}
	var found []string
	for _, f := range files {
		dir := f.dir()
		if !code[dir] || slices.Contains(generated, dir) {
			continue // tests of the whole, or Dagger's
		}
		if row(dir) < 0 {
			found = append(found, fmt.Sprintf("%s: package %s is not in the code map", f.name, dir))
			continue
		}
		for _, imported := range f.imports {
			if why := wrong(dir, imported, f.test()); why != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", f.name, imported, why))
			}
		}
	}
	slices.Sort(found)
	return found
}

// wrong says why a package may not import another, "" if it may.
func wrong(dir, imported string, test bool) string {
	own, ours := strings.CutPrefix(imported, module)
	own = strings.TrimPrefix(own, "/")
	switch {
	case imported == "os/exec" && dir != "internal/runner" && !test:
		return "processes are the runner's"
	case strings.HasPrefix(imported, "dagger.io/") || strings.HasPrefix(imported, "github.com/dagger/") || ours && slices.Contains(generated, own):
		if dir != "" {
			return "Dagger is known to the root package alone"
		}
	case !ours || own == dir: // its own, from an external test
	case row(own) < 0:
		return "it is not in the code map"
	case row(own) > row(dir):
		return "it stands above"
	case row(own) == row(dir):
		return "it stands beside"
	}
	return ""
}

func row(dir string) int {
	return slices.IndexFunc(rows, func(packages []string) bool { return slices.Contains(packages, dir) })
}

// read reads the imports of all Go files of this module, whatever their build
// tags say.
func read(t *testing.T, root string) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := d.Name()
			_, other := os.Stat(filepath.Join(name, "go.mod"))
			if name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || other == nil) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		f := file{name: filepath.ToSlash(rel)}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imported)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestCodeMap(t *testing.T) {
	files := read(t, filepath.Join("..", ".."))
	for _, dir := range []string{"", "cmd/strata", "internal/runner", "internal/pipeline", "internal/stack"} {
		if !slices.ContainsFunc(files, func(f file) bool { return f.dir() == dir && !f.test() }) {
			t.Errorf("no file of package %q was read", dir)
		}
	}
	for _, v := range violations(files) {
		t.Error(v)
	}
}

// TestViolations makes sure that TestCodeMap can fail.
func TestViolations(t *testing.T) {
	for name, test := range map[string]struct {
		file     string
		imports  []string
		says     string
		packages []string // others that exist
	}{
		"below":                     {file: "internal/report/a.go", imports: []string{module + "/internal/stack", module + "/internal/graph", "fmt"}},
		"the root":                  {file: "engine.go", imports: []string{module + "/internal/dagger", "github.com/dagger/otel-go", module + "/internal/pipeline"}},
		"above":                     {file: "internal/stack/a.go", imports: []string{module + "/internal/pipeline"}, says: "it stands above"},
		"above, in a test":          {file: "internal/stack/a_test.go", imports: []string{module + "/internal/pipeline"}, packages: []string{"internal/stack/b.go"}, says: "it stands above"},
		"beside":                    {file: "internal/terraform/a.go", imports: []string{module + "/internal/report"}, says: "it stands beside"},
		"the command and the root":  {file: "cmd/strata/a.go", imports: []string{module}, says: "it stands beside"},
		"not in the map, imported":  {file: "internal/stack/a.go", imports: []string{module + "/internal/util"}, says: "it is not in the code map"},
		"not in the map":            {file: "internal/util/a.go", says: "package internal/util is not in the code map"},
		"a process":                 {file: "internal/pipeline/a.go", imports: []string{"os/exec"}, says: "processes are the runner's"},
		"a process of the runner":   {file: "internal/runner/a.go", imports: []string{"os/exec"}},
		"a process of a test":       {file: "internal/stack/a_test.go", imports: []string{"os/exec"}, packages: []string{"internal/stack/b.go"}},
		"Dagger below":              {file: "internal/pipeline/a.go", imports: []string{"dagger.io/dagger"}, says: "Dagger is known to the root package alone"},
		"Dagger's names below":      {file: "internal/pipeline/a.go", imports: []string{module + "/internal/dagger"}, says: "Dagger is known to the root package alone"},
		"Dagger in the command":     {file: "cmd/strata/a.go", imports: []string{"github.com/dagger/otel-go"}, says: "Dagger is known to the root package alone"},
		"tests of the whole":        {file: "internal/enginetest/a_test.go", imports: []string{module + "/internal/pipeline", "dagger.io/dagger", "os/exec"}},
		"generated":                 {file: "internal/dagger/a.go", imports: []string{"dagger.io/dagger"}},
		"a test outside of package": {file: "internal/stack/a_test.go", imports: []string{module + "/internal/stack"}, packages: []string{"internal/stack/b.go"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := []file{{name: test.file, imports: test.imports}}
			for _, other := range test.packages {
				files = append(files, file{name: other})
			}
			got := violations(files)
			if test.says == "" && len(got) > 0 || test.says != "" && (len(got) != 1 || !strings.HasSuffix(got[0], test.says)) {
				t.Errorf("got %q, want %q", got, test.says)
			}
		})
	}
}
