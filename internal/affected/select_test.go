package affected

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// repository is what the changes of TestSelect start from.
var selectRepository = map[string]string{
	"strata.yaml": `layers:
  - {name: net, path: "net/{region}/{env}"}
  - {name: app, path: "app/{region}/{env}", needs: [net], watch: ["{path}/deploy.yaml"]}
  - {name: stack-a, path: "stack-a/{env}"}
  - {name: stack-aa, path: "stack-aa/{env}"}
environments: {staging: {}, production: {}}
unknown:
  - {glob: "policies/**", select: all}
  - {glob: "docs/**", select: warn}
`,
	"net/r/staging/main.tf":    `module "vpc" { source = "../../../modules/vpc" }`,
	"net/r/production/main.tf": `module "vpc" { source = "../../../modules/vpc" }`,
	"app/r/staging/main.tf":    `locals { a = file("a.txt") }`,
	"app/r/staging/a.txt":      "a",
	"stack-a/staging/main.tf":  ``,
	"stack-aa/staging/main.tf": ``,
	"modules/vpc/main.tf":      ``,
	"README.md":                "read",
}

func TestSelect(t *testing.T) {
	with := func(changes map[string]string) map[string]string {
		files := maps.Clone(selectRepository)
		for name, text := range changes {
			if text == "gone" {
				delete(files, name)
			} else {
				files[name] = text
			}
		}
		return files
	}
	yaml := selectRepository["strata.yaml"]
	for name, c := range map[string]struct {
		changes map[string]string
		options Options
		units   string // ids, a * behind a dependency
		deleted string
		ignored string
		reason  string // among those of the first unit
		warning string
	}{
		"nothing":        {},
		"a module":       {changes: map[string]string{"modules/vpc/new.tf": "# new"}, units: "net@r:production net@r:staging", reason: "modules/vpc/new.tf (added) → module vpc → net@r:production"},
		"one of staging": {changes: map[string]string{"modules/vpc/main.tf": "# new"}, options: Options{Environment: "staging"}, units: "net@r:staging"},
		"its dependents": {
			changes: map[string]string{"modules/vpc/main.tf": "# new"}, options: Options{Environment: "staging", Dependents: true},
			units: "app@r:staging* net@r:staging", reason: "net@r:staging → dependency → app@r:staging",
		},
		"another region":       {changes: map[string]string{"modules/vpc/main.tf": "# new"}, options: Options{Regions: []string{"other"}}, ignored: "modules/vpc/main.tf"},
		"a file that is read":  {changes: map[string]string{"app/r/staging/a.txt": "b"}, units: "app@r:staging"},
		"one that is not":      {changes: map[string]string{"README.md": "b"}, ignored: "README.md"},
		"watched":              {changes: map[string]string{"app/r/staging/deploy.yaml": "x"}, units: "app@r:staging", reason: "watch: app/r/staging/deploy.yaml"},
		"no prefix":            {changes: map[string]string{"stack-a/staging/x.tf": "#"}, units: "stack-a@global:staging"},
		"written by Terraform": {changes: map[string]string{"app/r/staging/terraform.tfstate": "x", "app/r/staging/.terraform/x": "x"}, ignored: "app/r/staging/.terraform/x app/r/staging/terraform.tfstate"},
		"a unit's setting":     {changes: map[string]string{"strata.yaml": strings.Replace(yaml, `"stack-a/{env}"}`, `"stack-a/{env}", secrets: [x]}`, 1)}, units: "stack-a@global:staging", reason: "strata.yaml → configuration"},
		"a comment there":      {changes: map[string]string{"strata.yaml": "# x\n" + yaml}, ignored: "strata.yaml"},
		"a unit is new":        {changes: map[string]string{"stack-a/production/main.tf": ""}, units: "stack-a@global:production", reason: "new unit"},
		"a unit is deleted":    {changes: map[string]string{"stack-a/staging/main.tf": "gone"}, deleted: "stack-a@global:staging", ignored: "stack-a/staging/main.tf"},
		"only its code is": {
			changes: map[string]string{"app/r/staging/main.tf": "gone"}, deleted: "app@r:staging", ignored: "app/r/staging/main.tf",
			warning: "app/r/staging looks like a unit of layer app and has no .tf file: it counts as deleted",
		},
		"a module moves": {
			changes: map[string]string{"modules/vpc/main.tf": "gone", "modules/network/main.tf": "", "net/r/staging/main.tf": `module "vpc" { source = "../../../modules/network" }`},
			units:   "net@r:production net@r:staging",
		},
		"unknown: all":      {changes: map[string]string{"policies/x.rego": "x"}, units: "app@r:staging net@r:production net@r:staging stack-a@global:staging stack-aa@global:staging", reason: "unknown: policies/**"},
		"unknown: warn":     {changes: map[string]string{"docs/x": "x"}, ignored: "docs/x", warning: "docs/x changed: no unit depends on it"},
		"it does not parse": {changes: map[string]string{"stack-a/staging/main.tf": "locals {"}, units: "stack-a@global:staging", warning: "stack-a/staging/main.tf does not parse"},
		"a unit becomes a module": {
			changes: map[string]string{"stack-a/staging/main.tf": "gone", "modules/a/main.tf": "# a", "stack-aa/staging/main.tf": `module "a" { source = "../../modules/a" }`},
			units:   "stack-aa@global:staging", deleted: "stack-a@global:staging", ignored: "stack-a/staging/main.tf",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Select(snapshotOf(t, selectRepository), snapshotOf(t, with(c.changes)), c.options)
			if err != nil {
				t.Fatal(err)
			}
			var units, deleted, ignored []string
			for _, u := range r.Units {
				id := u.ID()
				if u.Dependency {
					id += "*"
				}
				units = append(units, id)
			}
			for _, u := range r.Deleted {
				deleted = append(deleted, u.ID())
			}
			for _, i := range r.Ignored {
				ignored = append(ignored, i.Path)
			}
			slices.Sort(ignored)
			for what, pair := range map[string][2]string{
				"units": {strings.Join(units, " "), c.units}, "deleted": {strings.Join(deleted, " "), c.deleted}, "ignored": {strings.Join(ignored, " "), c.ignored},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
				}
			}
			if c.reason != "" && !strings.Contains(fmt.Sprint(r.Units[0].Reasons), c.reason) {
				t.Errorf("reasons: %q", r.Units[0].Reasons)
			}
			if c.warning != "" && !strings.Contains(strings.Join(r.Warnings, "\n"), c.warning) || c.warning == "" && len(r.Warnings) > 0 {
				t.Errorf("warnings: %q", r.Warnings)
			}
		})
	}
}

func snapshotOf(t *testing.T, files map[string]string) *Snapshot {
	t.Helper()
	s, err := SnapshotOf(mapFS(files))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withSubmodule adds a submodule at a commit to a snapshot.
func withSubmodule(t *testing.T, files map[string]string, name, commit string) *Snapshot {
	t.Helper()
	s := snapshotOf(t, files)
	old := s.FS.(*snapshotFS)
	at, _ := slices.BinarySearch(s.Names, name)
	names := slices.Insert(slices.Clone(s.Names), at, name)
	entries := slices.Insert(slices.Clone(s.entries), at, entry{mode: filemode.Submodule, hash: plumbing.NewHash(strings.Repeat(commit, 40))})
	return newSnapshot(names, entries, func(i int32) ([]byte, error) {
		if int(i) > at {
			i--
		}
		return old.read(i)
	})
}

// A submodule's bump affects what has an input in it, and changes its closure.
func TestSelectSubmodule(t *testing.T) {
	files := map[string]string{
		"strata.yaml":        "layers:\n  - {name: a, path: \"a/{env}\"}\n  - {name: b, path: \"b/{env}\"}\nenvironments: {staging: {}}\n",
		"a/staging/main.tf":  `module "m" { source = "../../vendor/shared/m" }`,
		"b/staging/main.tf":  ``,
		"vendor/other/x.txt": "",
	}
	old, bumped := withSubmodule(t, files, "vendor/shared", "1"), withSubmodule(t, files, "vendor/shared", "2")
	for _, gone := range []bool{false, true} {
		next := bumped
		if gone {
			next = snapshotOf(t, files)
		}
		r, err := Select(old, next, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Units) != 1 || r.Units[0].ID() != "a@global:staging" || !strings.HasPrefix(r.Units[0].Reasons[0], "vendor/shared (") {
			t.Errorf("gone %v: %+v", gone, r.Units)
		}
	}
	tree, _, err := discover(old)
	if err != nil {
		t.Fatal(err)
	}
	for id, same := range map[string]bool{"a@global:staging": false, "b@global:staging": true} {
		u := tree.Unit(id)
		before, after := NewClosures(old.FS).Unit(u).Digest(u, old), NewClosures(bumped.FS).Unit(u).Digest(u, bumped)
		if (before == after) != same {
			t.Errorf("%s: the digest is the same: %v", id, before == after)
		}
	}
}
