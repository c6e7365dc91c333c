package stack

import (
	"os"
	"strings"
	"testing"
)

// loadAll discovers a repository and loads all of its units.
func loadAll(t *testing.T, config, files string) error {
	t.Helper()
	fsys := repo(files)
	tree := mustDiscover(t, fsys, mustLoad(t, config))
	return tree.Load(NewReader(fsys), tree.Units)
}

func TestLoadModules(t *testing.T) {
	fsys := repo(live)
	tree := mustDiscover(t, fsys, Default())
	if err := tree.Load(NewReader(fsys), append(tree.Environment("staging"), tree.Units[0])); err != nil {
		t.Fatal(err)
	}
	for _, u := range tree.Units {
		if (u.Module != nil) != (u.Environment == "staging") {
			t.Errorf("%s has module %v", u.ID(), u.Module)
		}
	}
}

// A unit must not use the state of one that is not loaded, of another
// environment too.
func TestOneStateAcrossEnvironments(t *testing.T) {
	fsys := repo("a/main.tf = terraform {\\n backend \"s3\" {\\n bucket = \"b\"\\n key = \"k\"\\n}\\n}")
	tree := mustDiscover(t, fsys, mustLoad(t, "layers: [{name: a, path: a, environments: [staging, production]}]"))
	err := tree.Load(NewReader(fsys), tree.Environment("staging"))
	if err == nil || !strings.Contains(err.Error(), "a@global:production, a@global:staging would use one state") {
		t.Errorf("got %v", err)
	}
}

func TestLoadFaults(t *testing.T) {
	err := loadAll(t, "layers: [{name: a, path: 'a/{instance}/{env}'}]", `
a/x/staging/main.tf = terraform {\n  cloud {}\n}
a/y/staging/main.tf = module "m" { source = "../../../m" }
a/z/staging/main.tf = module "m" { source = "../../../m" }
m/main.tf = variable "v" {`)
	want := []string{
		"a/x/staging/main.tf:2:3: a/x@global:staging has a cloud block: Terraform Cloud is not supported; use a backend block",
		"m/main.tf:1:14: Unclosed configuration block",
	}
	got := strings.Split(err.Error(), "\n")
	if len(got) != len(want) {
		t.Fatalf("got:\n%v", err)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %s, want %s", got[i], want[i])
		}
	}
}

func TestOneState(t *testing.T) {
	const two = "layers: [{name: a, path: 'a/{instance}/{env}'%}]\n"
	const shared = "layers: [{name: a, path: a, environments: [staging, production]%}]\n"
	block := func(name, text string) string {
		return "a/x/staging/main.tf = terraform {\\n backend \"" + name + "\" {\\n" + text + "\\n}\\n}\n" +
			"a/y/staging/main.tf = terraform {\\n backend \"" + name + "\" {\\n" + text + "\\n}\\n}\n"
	}
	const ids = "a/x@global:staging, a/y@global:staging would use one state "
	const key = `: give each its own place, for example backend values key: "{layer}/{region}/{instance}/{env}.tfstate" in strata.yaml`
	for _, test := range []struct{ name, config, layer, files, want string }{
		{"local, each its folder", two, "", "a/x/staging/m.tf\na/y/staging/m.tf", ""},
		{
			"local, one folder", shared, "", "a/m.tf",
			`a@global:production, a@global:staging would use one state (local backend, path=a/terraform.tfstate): set workspace: "{env}" for the layer in strata.yaml, or a path in the backend "local" block`,
		},
		{"local, one folder, workspaces", shared, ", workspace: '{env}'", "a/m.tf", ""},
		{"local, values without a block", shared, ", backend: {values: {path: '{env}.tfstate'}}", "a/m.tf", "a@global:production, a@global:staging would use one state "},
		{"local, values with a block", shared, ", backend: {values: {path: '{env}.tfstate'}}", `a/m.tf = terraform {\n backend "local" {}\n}`, ""},
		{"local, the same path", two, "", block("local", `path = "/tmp/x"`), ids + "(local backend, path=/tmp/x)"},
		{"local, paths that meet", two, "", block("local", `path = "../../t"`), ids + "(local backend, path=a/t)"},
		{"local, computed path", two, "", block("local", `path = var.x`), ""},
		{"s3, the same key", two, "", block("s3", `key = "k"\n bucket = "b"`), ids + "(s3 backend, bucket=b, key=k)" + key},
		{"s3, no key", two, "", block("s3", `bucket = "b"`), ""},
		{"s3, computed key", two, "", block("s3", `key = "${var.x}"`), ""},
		{"s3, keys from values", two, ", backend: {values: {key: '{instance}'}}", block("s3", `bucket = "b"`), ""},
		{"s3, the same key from values", two, ", backend: {values: {key: '{layer}'}}", block("s3", `bucket = "b"`), ids + "(s3 backend, bucket=b, key=a)" + key},
		{"s3, keys from files", two, ", backend: {config: '{instance}.hcl'}", block("s3", "") + "x.hcl = key = \"x\"\ny.hcl = key = \"y\"", ""},
		{"s3, the same key from files", two, ", backend: {config: '{instance}.hcl'}", block("s3", "") + "x.hcl = key = \"x\"\ny.hcl = key = \"x\"", ids + "(s3 backend, key=x)" + key},
		{"s3, workspaces", two, ", workspace: '{instance}'", block("s3", `key = "k"`), ""},
		{"gcs", two, "", block("gcs", `bucket = "b"\n prefix = "p"`), ids + "(gcs backend, bucket=b, prefix=p): give each its own prefix"},
		{"another backend", two, "", block("remote", `organization = "b"`), ""},
		{"broken file", two, ", backend: {config: x.hcl}", block("s3", "") + "x.hcl = key = ", "x.hcl:1:6: Missing expression: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := loadAll(t, strings.Replace(test.config, "%", test.layer, 1), test.files)
			switch {
			case test.want == "" && err != nil, test.want != "" && err == nil:
				t.Errorf("error is %v, want %q", err, test.want)
			case err != nil && !strings.HasPrefix(err.Error(), test.want):
				t.Errorf("got:\n%v\nwant:\n%s", err, test.want)
			}
		})
	}
}

func TestOneStateThroughLinks(t *testing.T) {
	root := onDisk(t, "regions/us/layers/01-foundation/staging/main.tf", "regions/eu -> us")
	tree := mustDiscover(t, os.DirFS(root), Default())
	err := tree.Load(NewReader(os.DirFS(root)), tree.Units)
	if err == nil || !strings.HasPrefix(err.Error(), "foundation@eu:staging, foundation@us:staging would use one state") {
		t.Errorf("error is %v", err)
	}
}
