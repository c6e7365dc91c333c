package stack

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// repo builds a repository from lines: path, or path = text.
func repo(lines string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for line := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
		name, text, _ := strings.Cut(line, " = ")
		fsys[strings.TrimSpace(name)] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, `\n`, "\n"))}
	}
	return fsys
}

func mustLoad(t testing.TB, text string) *Config {
	t.Helper()
	cfg, err := loadText(text)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func mustDiscover(t testing.TB, fsys fs.FS, cfg *Config) *Tree {
	t.Helper()
	tree, err := Discover(fsys, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// list writes units as id (needs).
func list(units []*Unit) string {
	var lines []string
	for _, u := range units {
		lines = append(lines, strings.TrimSpace(u.ID()+" "+strings.Join(u.Needs, " ")))
	}
	return strings.Join(lines, "\n")
}

// live is a repository in the default layout.
const live = `
regions/eu-west-1/layers/01-foundation/staging/main.tf
regions/eu-west-1/layers/02-platform/staging/main.tf
regions/us-east-1/layers/01-foundation/staging/main.tf
regions/us-east-1/layers/01-foundation/production/main.tf.json
regions/us-east-1/layers/02-platform/staging/main.tofu
regions/us-east-1/layers/03-databases/staging/main.tf
regions/us-east-1/layers/04-applications/staging/main.tf
regions/us-east-1/clients/mtn-ghana/staging/main.tf
regions/us-east-1/clients/ezra/staging/main.tf
regions/us-east-1/clients/ezra/README.md
regions/us-east-1/clients/README.md
regions/.hidden/layers/01-foundation/staging/main.tf
shared/modules/x/main.tf
shared/backend-configs/staging.hcl
`

func TestDiscoverDefaultLayout(t *testing.T) {
	tree := mustDiscover(t, repo(live), Default())
	want := `applications@us-east-1:staging databases@us-east-1:staging
clients/ezra@us-east-1:staging databases@us-east-1:staging platform@us-east-1:staging
clients/mtn-ghana@us-east-1:staging databases@us-east-1:staging platform@us-east-1:staging
databases@us-east-1:staging platform@us-east-1:staging
foundation@eu-west-1:staging
foundation@us-east-1:staging
platform@eu-west-1:staging foundation@eu-west-1:staging
platform@us-east-1:staging foundation@us-east-1:staging`
	if diff := cmp.Diff(want, list(tree.Environment("staging"))); diff != "" {
		t.Error(diff)
	}
	if got := list(tree.Environment("production")); got != "foundation@us-east-1:production" {
		t.Errorf("production has %s", got)
	}
	u := tree.Unit("clients/ezra@us-east-1:staging")
	wantUnit := &Unit{
		Layer: "clients", Instance: "ezra", Region: "us-east-1", Environment: "staging",
		Path:    "regions/us-east-1/clients/ezra/staging",
		Needs:   []string{"databases@us-east-1:staging", "platform@us-east-1:staging"},
		Backend: Backend{Config: "shared/backend-configs/staging.hcl"},
	}
	if diff := cmp.Diff(wantUnit, u); diff != "" {
		t.Error(diff)
	}
	if b := tree.Unit("foundation@us-east-1:production").Backend; b.Config != "" {
		t.Errorf("a default backend configuration that is not there is kept: %v", b)
	}
	if tree.Unit("x") != nil || tree.Graph("").Len() != 9 || tree.Graph("staging").Len() != 8 {
		t.Error("units or graph are wrong")
	}
}

const oneFolder = `
layers:
  - name: network
    path: infra/network
    environments: [staging, production]
    var-files: ["{path}/envs/{env}.tfvars", "common/{layer}.tfvars"]
    backend: {config: "backends/{env}.hcl", values: {key: "{layer}/{env}.tfstate"}}
    workspace: "{env}"
  - name: apps
    path: infra/apps/{instance}
    needs: [network]
    environments: [staging]
`

func TestDiscoverOneFolderForAllEnvironments(t *testing.T) {
	fsys := repo(`
infra/network/main.tf
infra/network/envs/staging.tfvars
infra/network/envs/production.tfvars
common/network.tfvars
backends/staging.hcl
backends/production.hcl
infra/apps/shop/main.tf`)
	tree := mustDiscover(t, fsys, mustLoad(t, oneFolder))
	want := &Unit{
		Layer: "network", Region: GlobalRegion, Environment: "production", Path: "infra/network",
		VarFiles:  []string{"infra/network/envs/production.tfvars", "common/network.tfvars"},
		Backend:   Backend{Config: "backends/production.hcl", Values: map[string]string{"key": "network/production.tfstate"}},
		Workspace: "production", Shared: true,
	}
	if diff := cmp.Diff(want, tree.Unit("network@global:production")); diff != "" {
		t.Error(diff)
	}
	if got := list(tree.Environment("staging")); got != "apps/shop@global:staging network@global:staging\nnetwork@global:staging" {
		t.Errorf("staging has %s", got)
	}
	if tree.Unit("apps/shop@global:staging").Shared {
		t.Error("a unit with its folder to itself is shared")
	}
}

func TestDiscoverRootFolder(t *testing.T) {
	cfg := mustLoad(t, "layers: [{name: all, path: ., environments: [staging], var-files: ['{path}/envs/{env}.tfvars']}]")
	tree := mustDiscover(t, repo("main.tf\nenvs/staging.tfvars"), cfg)
	u := tree.Units[0]
	if u.Path != "." || u.VarFiles[0] != "envs/staging.tfvars" {
		t.Errorf("got %+v", u)
	}
}

func TestDiscoverPartsOfNames(t *testing.T) {
	cfg := mustLoad(t, "layers: [{name: a, path: 'x/{region}-{env}/stack-a'}, {name: b, path: 'x/{region}-{env}/stack-a{instance}'}]")
	tree := mustDiscover(t, repo("x/us-east-1-staging/stack-a/m.tf\nx/us-east-1-staging/stack-aa/m.tf\nx/nothing/stack-a/m.tf"), cfg)
	if got := list(tree.Units); got != "a@us-east-1:staging\nb/a@us-east-1:staging" {
		t.Errorf("found %s", got)
	}
}

func TestDiscoverProblems(t *testing.T) {
	const client = "regions/r/clients/"
	for _, test := range []struct{ name, config, files, want string }{
		{
			"unknown environment", "", "regions/r/layers/01-foundation/prodution/main.tf",
			`regions/r/layers/01-foundation/prodution has Terraform files, but there is no environment "prodution": did you mean "production"?; rename the folder, or describe "prodution" under environments in strata.yaml`,
		},
		{
			"environment without rules", "", client + "ezra/qa/main.tf",
			`regions/r/clients/ezra/qa has Terraform files, but there is no environment "qa" (there are development, production, staging); rename the folder, or describe "qa" under environments in strata.yaml`,
		},
		{
			"no Terraform file", "", client + "ezra/staging/README.md",
			"regions/r/clients/ezra/staging looks like a unit of layer clients but has no .tf file",
		},
		{
			"shell words", "", client + "x; rm -rf ~/staging/main.tf",
			`"regions/r/clients/x; rm -rf ~/staging": "x; rm -rf ~" cannot be the name of a unit's instance (layer clients): letters, digits, '.', - and _ are allowed, and a letter or digit comes first`,
		},
		{
			"option", "", client + "-auto-approve/staging/main.tf",
			`"regions/r/clients/-auto-approve/staging": "-auto-approve" cannot be the name of a unit's instance (layer clients): letters, digits, '.', - and _ are allowed, and a letter or digit comes first`,
		},
		{
			"space in a region", "", "regions/us east/layers/01-foundation/staging/main.tf",
			`"regions/us east/layers/01-foundation/staging": "us east" cannot be the name of a unit's region (layer foundation): letters, digits, '.', - and _ are allowed, and a letter or digit comes first`,
		},
		{
			"other letters", "", client + "café/staging/main.tf",
			`"regions/r/clients/café/staging": "café" cannot be the name of a unit's instance (layer clients): letters, digits, '.', - and _ are allowed, and a letter or digit comes first`,
		},
		{
			"var file", "layers: [{name: a, path: 'a/{env}', var-files: ['{path}/x.tfvars']}]", "a/staging/m.tf",
			"a@global:staging: variable file a/staging/x.tfvars of layer a does not exist",
		},
		{
			"backend file of a layer", "layers: [{name: a, path: 'a/{env}', backend: {config: 'b/{env}.hcl'}}]", "a/staging/m.tf",
			"a@global:staging: backend configuration b/staging.hcl of layer a does not exist",
		},
		{
			"backend file of all", "layers: [{name: a, path: 'a/{env}'}]\nbackend: {config: x.hcl}", "a/staging/m.tf\nx.hcl/y",
			"a@global:staging: backend configuration x.hcl of layer a does not exist",
		},
		{
			"ambiguous name", "layers: [{name: a, path: 'a/{region}-{instance}/{env}'}]", "a/x-y-z/staging/m.tf",
			"a/x-y-z: the name can be read as {region}-{instance} in more than one way: make the path of layer a clearer",
		},
		{
			"overlap", "layers: [{name: a, path: 'x/{env}'}, {name: b, path: '{instance}/{env}'}]", "x/staging/m.tf",
			"a@global:staging and b/x@global:staging are the same folder x/staging with the same settings: the paths of layers a and b overlap",
		},
		{
			"missing folder", "layers: [{name: a, path: 'a/{env}'}, {name: n, path: x/netwrok, environments: [staging]}]", "a/staging/m.tf\nx/network/m.tf",
			"layer n: there is no folder x/netwrok",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Discover(repo(test.files), mustLoad(t, test.config))
			if err == nil || err.Error() != test.want {
				t.Errorf("got:\n%v\nwant:\n%s", err, test.want)
			}
		})
	}
}

func TestDiscoverTellsAllProblems(t *testing.T) {
	fsys := repo("regions/r/clients/a/staging/x.md\nregions/r/clients/b/qa/x.tf\nregions/r/clients/b b/staging/x.tf\nregions/r/clients/b b/production/x.tf")
	_, err := Discover(fsys, Default())
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("got %v", err)
	}
}

func TestDiscoverIgnores(t *testing.T) {
	fsys := repo(live)
	for _, name := range []string{
		"regions/us-east-1/clients/ezra/docs/notes.md",              // no environment, no Terraform
		"regions/us-east-1/clients/ezra/production/.terraform/x",    // left behind by Terraform
		"regions/us-east-1/clients/ezra/.staging/main.tf",           // hidden
		"regions/us-east-1/clients/.ezra/staging/main.tf",           // hidden
		"regions/us-east-1/clients/x y/docs/notes.md",               // an odd name without a unit
		"regions/us-east-1/layers/01-foundation/README/x.md",        // no environment
		"regions/us-east-1/layers/05-something/staging/main.tf",     // no layer
		"regions/us-east-1/clients/modules-only/ignored/x.tfvars",   // no Terraform file
		"regions/us-east-1/clients/ezra/development",                // a file
		"regions/us-east-1/clients/ezra/qa/.#main.tf",               // an editor's
		"other/regions/eu-west-1/layers/01-foundation/staging/a.tf", // elsewhere
	} {
		fsys[name] = &fstest.MapFile{}
	}
	if got := len(mustDiscover(t, fsys, Default()).Units); got != 9 {
		t.Errorf("found %d units, want 9", got)
	}
}

func TestDiscoverNothing(t *testing.T) {
	_, err := Discover(repo("README.md"), Default())
	var none *NoUnitsError
	if !errors.As(err, &none) || len(none.Patterns) != 5 || !strings.Contains(err.Error(), "regions/{region}/clients/{instance}/{env}") {
		t.Errorf("error is %v", err)
	}
}

// onDisk writes a repository into a folder, with symbolic links: name -> target.
func onDisk(t testing.TB, lines string, links ...string) string {
	t.Helper()
	root := t.TempDir()
	for name, file := range repo(lines) {
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range links {
		name, target, _ := strings.Cut(link, " -> ")
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, full); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	return root
}

func TestDiscoverLinks(t *testing.T) {
	for _, test := range []struct{ name, link, want string }{
		{"to a folder", "regions/eu -> us", "foundation@eu:staging\nfoundation@us:staging"},
		{"to the root", "regions/us/layers/01-foundation/production/root -> ../../../../..", "foundation@us:staging"},
		{"back up", "regions/us/regions -> ..", "foundation@us:staging"},
		{"file to nothing", "regions/us/clients/README -> gone", "foundation@us:staging"},
		{"file to itself", "regions/loop -> loop", "!regions/loop is a symbolic link that cannot be followed: "},
		{"unit to nothing", "regions/us/clients/ezra/staging -> gone", "!regions/us/clients/ezra/staging is a symbolic link that cannot be followed: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := onDisk(t, "regions/us/layers/01-foundation/staging/main.tf", test.link)
			if test.name == "to the root" {
				if err := os.WriteFile(filepath.Join(root, "regions/us/layers/01-foundation/production/x.tf"), nil, 0o644); err != nil {
					t.Fatal(err)
				}
				test.want = "foundation@us:production\n" + test.want
			}
			tree, err := Discover(os.DirFS(root), Default())
			if want, fails := strings.CutPrefix(test.want, "!"); fails {
				if err == nil || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("error is %v, want %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := list(tree.Units); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestDiscoverLinkedFoldersAreShared(t *testing.T) {
	root := onDisk(t, "regions/us/layers/01-foundation/staging/main.tf", "regions/eu -> us")
	for _, u := range mustDiscover(t, os.DirFS(root), Default()).Units {
		if !u.Shared {
			t.Errorf("%s does not know that its folder is another's too", u.ID())
		}
	}
}
