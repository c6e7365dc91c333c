package affected

import (
	"maps"
	"slices"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/strata-tf/strata/internal/stack"
)

// snapshotWith makes a snapshot of files, links ("-> target") and submodules
// ("submodule ID").
func snapshotWith(files map[string]string) *Snapshot {
	var listed []named
	files = maps.Clone(files)
	for name, text := range files {
		e := entry{mode: filemode.Regular, hash: plumbing.ComputeHash(plumbing.BlobObject, []byte(text))}
		switch target, link := cutLink(text); {
		case link:
			files[name], e.mode = target, filemode.Symlink
		case len(text) > 10 && text[:10] == "submodule ":
			e.mode = filemode.Submodule
		}
		listed = append(listed, named{name, e})
	}
	names, entries := split(listed)
	return newSnapshot(names, entries, func(at int32) ([]byte, error) { return []byte(files[names[at]]), nil })
}

func selected(t *testing.T, old, new map[string]string) (units, deleted, warnings []string) {
	t.Helper()
	r, err := Select(snapshotWith(old), snapshotWith(new), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range r.Units {
		units = append(units, u.Path)
	}
	for _, u := range r.Deleted {
		deleted = append(deleted, u.Path)
	}
	return units, deleted, r.Warnings
}

const stacksYAML = "layers:\n  - {name: stacks, path: \"stacks/{instance}\", environments: [staging]}\n"

// with is the files, some of them changed; "" takes one away.
func with(files map[string]string, changes ...string) map[string]string {
	all := map[string]string{}
	for name, text := range files {
		all[name] = text
	}
	for i := 0; i < len(changes); i += 2 {
		all[changes[i]] = changes[i+1]
		if changes[i+1] == "" {
			delete(all, changes[i])
		}
	}
	return all
}

// Git knows only the commit of a submodule: another one affects every unit that
// has an input in it.
func TestSubmodules(t *testing.T) {
	files := map[string]string{
		"strata.yaml":           stacksYAML,
		"vendor/sub":            "submodule 1",
		"stacks/module/main.tf": `module "m" { source = "../../vendor/sub/m" }`,
		"stacks/file/main.tf":   `locals { a = file("../../vendor/sub/x.json") }`,
		"stacks/set/main.tf":    `locals { a = fileset("../../vendor", "**/*.json") }`,
		"stacks/deep/main.tf":   `module "m" { source = "../../shared/m" }`,
		"shared/m/main.tf":      `module "m" { source = "../../vendor/sub/m" }`,
		"stacks/link/main.tf":   `locals { a = file("sub/x.json") }`,
		"stacks/link/sub":       linkMark + "../../vendor/sub",
		"stacks/beside/main.tf": `locals { a = [file("../../vendor/sub2/x"), fileset("../../vendor", "*.json")] }`,
		"stacks/none/main.tf":   ``,
	}
	units, _, _ := selected(t, files, with(files, "vendor/sub", "submodule 2"))
	want := []string{"stacks/deep", "stacks/file", "stacks/link", "stacks/module", "stacks/set"}
	if !slices.Equal(units, want) {
		t.Errorf("%v, not %v", units, want)
	}
}

// A folder that lost its .tf files is a deleted unit, and no reason to refuse.
func TestNoTerraformFilesLeft(t *testing.T) {
	files := map[string]string{"strata.yaml": stacksYAML, "stacks/a/main.tf": "", "stacks/a/README.md": "a", "stacks/b/main.tf": "", "stacks/b/x": "1"}
	bare := with(files, "stacks/a/main.tf", "")
	units, deleted, warnings := selected(t, files, bare)
	if len(units) > 0 || !slices.Equal(deleted, []string{"stacks/a"}) || len(warnings) != 1 {
		t.Errorf("units %v, deleted %v, warnings %q", units, deleted, warnings)
	}
	units, deleted, _ = selected(t, bare, with(bare, "stacks/b/main.tf", "locals {}"))
	if !slices.Equal(units, []string{"stacks/b"}) || len(deleted) > 0 {
		t.Errorf("while it stays so: units %v, deleted %v", units, deleted)
	}
	units, deleted, _ = selected(t, bare, files)
	if !slices.Equal(units, []string{"stacks/a"}) || len(deleted) > 0 {
		t.Errorf("when they come back: units %v, deleted %v", units, deleted)
	}
}

// A module is looked at once for all units, but not where what it reads depends
// on the unit: its inputs must be those that each unit has by itself.
func TestSharedModules(t *testing.T) {
	files := map[string]string{
		"modules/static/main.tf": `locals { a = file("${path.module}/s.json") }`,
		"modules/args/main.tf":   "variable \"f\" { default = \"default\" }\nlocals { a = file(\"${path.root}/${var.f}\") }",
		"modules/root/main.tf":   `locals { a = file("own.json") }`,
		"modules/cwd/main.tf":    `locals { a = file("${path.cwd}/cwd.json") }`,
		"modules/ws/main.tf":     `locals { a = file("${path.module}/${terraform.workspace}.json") }`,
		"modules/outer/main.tf":  "variable \"f\" {}\nmodule \"s\" { source = \"../static\" }\nmodule \"a\" {\n  source = \"../args\"\n  f      = var.f\n}\nmodule \"r\" { source = \"../root\" }\n",
		"modules/a/main.tf":      `module "b" { source = "../b" }`,
		"modules/b/main.tf":      "module \"a\" { source = \"../a\" }\nlocals { f = file(\"${path.module}/b.json\") }",
		"modules/broken/main.tf": `locals { a = file(`,
	}
	call := func(name, more string) string {
		return "module \"" + name + "\" {\n  source = \"../../modules/" + name + "\"\n" + more + "}\n"
	}
	var units []*stack.Unit
	for i, text := range []string{
		call("static", "") + call("root", "") + call("cwd", "") + call("ws", ""),
		call("outer", "  f = \"x\"\n"), call("outer", "  f = \"y\"\n"), call("args", ""), call("a", ""), call("b", ""), call("broken", ""),
	} {
		for j, depth := range []string{"live/", "live/"} {
			dir := depth + string(rune('a'+2*i+j))
			files[dir+"/main.tf"] = text
			units = append(units, &stack.Unit{Layer: "app", Path: dir, Workspace: []string{"", "blue"}[j]})
		}
	}
	shared := NewClosures(snapshotWith(with(files)).FS)
	for _, u := range append(units, units...) {
		got, want := flat(shared.Unit(u)), flat(NewClosures(mapFS(files)).Unit(u))
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q\nby itself: %q", u.Path, got, want)
		}
	}
	in := shared.Unit(units[1])
	for _, name := range []string{"modules/static/s.json", "live/b/own.json", "live/b/cwd.json", "modules/ws/blue.json"} {
		if _, ok := in.Why(name); !ok {
			t.Errorf("%s is no input of live/b", name)
		}
	}
	if why, _ := shared.Unit(units[2]).Why("modules/static/s.json"); why != "file in modules/static/main.tf:1 → module s → module outer" {
		t.Errorf("the reason is %q", why)
	}
}

// flat is all inputs as a list.
func flat(in *Inputs) []string {
	var all []string
	for name := range in.files {
		all = append(all, name)
	}
	for _, a := range in.areas {
		a.why = ""
		all = append(all, a.begin()+" "+a.glob+" "+string(rune('0'+a.kind)))
	}
	for _, p := range in.parts {
		all = append(all, flat(p.in)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A backend configuration that comes or goes concerns only units with a backend.
func TestBackendConfigurationComes(t *testing.T) {
	files := map[string]string{
		"strata.yaml":         stacksYAML,
		"stacks/with/main.tf": "terraform {\n  backend \"local\" {}\n}\n", "stacks/without/main.tf": "", "stacks/word/main.tf": "# backend\n",
	}
	more := with(files, "shared/backend-configs/staging.hcl", "a = 1")
	for _, pair := range [][2]map[string]string{{files, more}, {more, files}, {more, with(more, "shared/backend-configs/staging.hcl", "a = 2")}} {
		units, _, _ := selected(t, pair[0], pair[1])
		if !slices.Equal(units, []string{"stacks/with"}) {
			t.Errorf("%v", units)
		}
	}
}

// Links of the same text lead to different files.
func TestLinksThatReadAlike(t *testing.T) {
	files := map[string]string{
		"strata.yaml": stacksYAML, "m/main.tf": "", "n/main.tf": "",
		"stacks/a/main.tf": linkMark + "code.txt", "stacks/a/code.txt": `module "m" { source = "../../m" }`,
		"stacks/b/main.tf": linkMark + "code.txt", "stacks/b/code.txt": `module "n" { source = "../../n" }`,
	}
	for dir, want := range map[string]string{"m": "stacks/a", "n": "stacks/b"} {
		units, _, _ := selected(t, files, with(files, dir+"/main.tf", "# new"))
		if !slices.Equal(units, []string{want}) {
			t.Errorf("%s: %v", dir, units)
		}
	}
}
