package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// TestVersions compares what is pinned here with what Strata's own packages say
// that they are tested with.
func TestVersions(t *testing.T) {
	pins, err := readPins("..")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{
		"opa":                  "policy/args.go",
		"tfsec":                "scan/tfsec.go",
		"trivy":                "scan/trivy.go",
		"checkov":              "scan/checkov.go",
		"terraform-compliance": "scan/compliance.go",
	}
	got, want := make(map[string]string), make(map[string]string)
	for _, p := range pins {
		got[p.name] = p.version
	}
	constant := regexp.MustCompile(`(?m)^\s*const version = "(.+)"$`)
	for name, source := range sources {
		text, err := os.ReadFile(filepath.Join("..", "..", "internal", filepath.FromSlash(source)))
		if err != nil {
			t.Fatal(err)
		}
		found := constant.FindSubmatch(text)
		if found == nil {
			t.Fatalf("internal/%s has no constant named version", source)
		}
		want[name] = string(found[1])
	}
	for name, version := range want {
		if got[name] != version {
			t.Errorf("tools/%s pins version %q, internal/%s says %q", name, got[name], sources[name], version)
		}
	}
	if len(got) != len(want) {
		t.Errorf("pinned are %v, compared with %v", got, want)
	}
}

func TestPinned(t *testing.T) {
	for name, tc := range map[string]struct {
		text, before, want, err string
	}{
		"one line":     {"module x\nrequire example.com/m v1.2.3\n", "example.com/m v", "1.2.3", ""},
		"in a block":   {"tool example.com/m\nrequire (\n\texample.com/m v1.2.3 // indirect\n)\n", "example.com/m v", "1.2.3", ""},
		"a longer one": {"require (\n\texample.com/m/v2 v2.0.0\n\texample.com/m v1.2.3\n)\n", "example.com/m v", "1.2.3", ""},
		"a package":    {"# c==9\nb==2\nc==3.3.30\n", "c==", "3.3.30", ""},
		"none":         {"c>=3.3.30\n", "c==", "", "0 lines begin with c== and a version, not 1"},
		"two":          {"c==1.0.0\nc==2.0.0\n", "c==", "", "2 lines begin with c== and a version, not 1"},
	} {
		got, err := pinned(tc.text, tc.before)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if got != tc.want || said != tc.err {
			t.Errorf("%s: got %q, %q", name, got, said)
		}
	}
}

func TestChoose(t *testing.T) {
	pins := []pin{{name: "a"}, {name: "b"}}
	got, err := choose(pins, []string{"b", "a"})
	if err != nil || len(got) != 2 || got[0].name != "b" || got[1].name != "a" {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := choose(pins, nil); err != nil || got != nil {
		t.Errorf("no names: got %v, %v", got, err)
	}
	if _, err := choose(pins, []string{"a", "c"}); err == nil || err.Error() != `no tool is named "c"` {
		t.Errorf("unknown: %v", err)
	}
}

func TestGoArgs(t *testing.T) {
	for _, tc := range []struct {
		tool goTool
		want []string
	}{
		{goTool{name: "a"}, []string{"-mod=readonly", "-trimpath", "-ldflags", "-s -w"}},
		{goTool{name: "b", set: "x/y.V=v"}, []string{"-mod=readonly", "-trimpath", "-ldflags", "-s -w -X x/y.V=v1.2.3"}},
	} {
		if got := tc.tool.args("1.2.3"); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q", tc.tool.name, got)
		}
	}
}

// TestRecipe changes each thing that a tool is made from.
func TestRecipe(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tool := goTool{name: "a", module: "m.example"}
	seen := make(map[string]string)
	check := func(change string, p pin, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[p.recipe]; ok {
			t.Errorf("%s: the recipe is that of %s", change, other)
		}
		seen[p.recipe] = change
	}
	write("go.mod", "require m.example v1.0.0\n")
	write("go.sum", "")
	p, err := tool.pin(dir)
	check("the first", p, err)
	write("go.sum", "m.example v1.0.0 h1:x\n")
	p, err = tool.pin(dir)
	check("go.sum", p, err)
	write("go.mod", "require m.example v1.0.1\n")
	p, err = tool.pin(dir)
	check("go.mod", p, err)
	tool.set = "m.example.v="
	p, err = tool.pin(dir)
	check("the linker's flags", p, err)
	tool.env = []string{"GOEXPERIMENT=jsonv2"}
	p, err = tool.pin(dir)
	check("a variable", p, err)
	write("requirements.txt", "c==1.0.0\n")
	p, err = pythonPin(dir, "c")
	check("Python", p, err)
	write("requirements.txt", "c==1.0.0\nd<81\n")
	p, err = pythonPin(dir, "c")
	check("a requirement", p, err)

	same, err := pythonPin(dir, "c")
	if err != nil || same.recipe != p.recipe {
		t.Errorf("unchanged: %v, %s and %s", err, p.recipe, same.recipe)
	}
}
