package stack

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestReadModule(t *testing.T) {
	fsys := fstest.MapFS{
		"u/main.tf": {Data: []byte("\xef\xbb\xbf" + `terraform {
  required_version = ">= 1.6"
  required_providers {
    aws    = { source = "hashicorp/aws", version = "~> 5.0" }
    ours   = { source = "registry.example.com/Acme/ours" }
    random = "~> 3.0"
    std    = { "source" = "registry.terraform.io/hashicorp/local" }
    tf     = { source = "terraform.io/builtin/terraform" }
  }
  backend "s3" {
    bucket  = "states"
    encrypt = true
    key     = "a/b.tfstate"
    acl     = null
    assume_role { role_arn = "x" }
  }
}
provider "google" {}
resource "terraform_data" "a" {}
resource "aws_vpc" "a" { provider = aws.west }
resource "random_id" "a" { provider = beta }
data "null_data_source" "a" {}
ephemeral "vault_secret" "a" {}
# resource "commented_out" "a" {}
locals {
  text = <<-EOT
    module "fake" { source = "./fake" }
  EOT
}
`)},
		"u/variables.tf": {Data: []byte("variable \"region\" {\r\n  type = string\r\n}\r\n" + `
variable "sizes" {
  type      = map(object({ n = optional(number, 1) }))
  default   = {}
  sensitive = true
}
variable "token" {
  ephemeral = true
  validation {
    condition     = length(var.token) > 0
    error_message = "no"
  }
}
output "id" {
  value = 1
}
output "secret" {
  value     = var.sizes
  sensitive = true
}
`)},
		"u/modules.tf": {Data: []byte(`
module "near" {
  source = "../shared/near/"
}
module "below" { source = "./x/../below" }
module "registry" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "5.1.0"
}
module "git" { source = "git::https://example.com/x.git" }
module "computed" { source = "${path.module}/x" }
module "outside" { source = "../../x" }
`)},
		"u/j.tf.json":    {Data: []byte(`{"variable": {"j": {"type": "string", "default": 1}}, "output": {"j": {"value": "${var.j}", "sensitive": true}}, "module": {"j": {"source": "./j"}}}`)},
		"u/x.tofu":       {Data: []byte(`variable "tofu" {}`)},
		"u/.hidden.tf":   {Data: []byte(`{{{`)},
		"u/old.tf~":      {Data: []byte(`{{{`)},
		"u/x.tftest.hcl": {Data: []byte(`{{{`)},
		"u/sub/x.tf":     {Data: []byte(`{{{`)},
	}
	got, err := NewReader(fsys).Module("u")
	if err != nil {
		t.Fatal(err)
	}
	want := &Module{
		Files:    []string{"j.tf.json", "main.tf", "modules.tf", "variables.tf", "x.tofu"},
		Required: ">= 1.6", Reads: true,
		Backend: &BackendBlock{
			Type: "s3", Settings: map[string]string{"bucket": "states", "encrypt": "true", "key": "a/b.tfstate"},
			Pos: Position{"u/main.tf", 10, 3},
		},
		Variables: map[string]Variable{
			"region": {Type: "string", Pos: Position{"u/variables.tf", 1, 1}},
			"sizes": {
				Type: "map(object({ n = optional(number, 1) }))", HasDefault: true, Sensitive: true,
				Pos: Position{"u/variables.tf", 5, 1},
			},
			"token": {Ephemeral: true, Pos: Position{"u/variables.tf", 10, 1}},
			"j":     {Type: "string", HasDefault: true, Pos: Position{"u/j.tf.json", 1, 20}},
			"tofu":  {Pos: Position{"u/x.tofu", 1, 1}},
		},
		Outputs: map[string]Output{
			"id":     {Pos: Position{"u/variables.tf", 17, 1}},
			"secret": {Sensitive: true, Pos: Position{"u/variables.tf", 20, 1}},
			"j":      {Sensitive: true, Pos: Position{"u/j.tf.json", 1, 71}},
		},
		Providers: []string{
			"hashicorp/aws", "hashicorp/beta", "hashicorp/google", "hashicorp/local", "hashicorp/null", "hashicorp/random",
			"hashicorp/vault", "registry.example.com/acme/ours",
		},
		Calls: []Call{
			{Name: "j", Source: "./j", Dir: "u/j"},
			{Name: "near", Source: "../shared/near/", Dir: "shared/near"},
			{Name: "below", Source: "./x/../below", Dir: "u/below"},
			{Name: "registry", Source: "terraform-aws-modules/vpc/aws", Version: "5.1.0"},
			{Name: "git", Source: "git::https://example.com/x.git"},
			{Name: "computed"},
			{Name: "outside", Source: "../../x"},
		},
	}
	if p := got.Calls[1].Pos; p != (Position{"u/modules.tf", 2, 1}) {
		t.Errorf("a call stands at %v", p)
	}
	for i := range got.Calls {
		got.Calls[i].Pos = Position{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadModuleOverrides(t *testing.T) {
	fsys := repo(`
u/a_override.tf = terraform {\n backend "s3" {\n key = var.key\n }\n}\nvariable "v" { default = 1 }\nmodule "m" { source = "./y" }
u/main.tf = terraform {\n cloud {}\n}\nvariable "v" { type = string }\nmodule "m" { source = "./x" }\nmodule "n" { source = "./x" }`)
	m, err := NewReader(fsys).Module("u")
	if err != nil {
		t.Fatal(err)
	}
	if m.Cloud != nil || m.Backend == nil || m.Backend.Type != "s3" || !slices.Equal(m.Backend.Dynamic, []string{"key"}) {
		t.Errorf("backend is %+v, cloud %v", m.Backend, m.Cloud)
	}
	if v := m.Variables["v"]; !v.HasDefault || v.Type != "string" || v.Pos.File != "u/main.tf" {
		t.Errorf("variable is %+v", v)
	}
	if len(m.Calls) != 2 || m.Calls[0].Dir != "u/y" || m.Calls[1].Dir != "u/x" {
		t.Errorf("calls are %+v", m.Calls)
	}
}

func TestReadModuleFaults(t *testing.T) {
	for _, test := range []struct{ name, files, want string }{
		{"no folder", "x/main.tf", "folder u does not exist"},
		{"no file", "u/README.md", "folder u has no .tf file"},
		{"syntax", `u/main.tf = variable "a" {}\nresource "x" "y" {`, "u/main.tf:2:18: Unclosed configuration block: There is no closing brace"},
		{"label", `u/main.tf = variable {}`, "u/main.tf:1:10: Missing name for variable: All variable blocks must have 1 labels (name)."},
		{"JSON", "u/main.tf.json = {", "u/main.tf.json:1:"},
		{"several files", "u/a.tf = a {\nu/b.tf = b {", "u/a.tf:1:3: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewReader(repo(test.files)).Module("u")
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error is %v, want %s", err, test.want)
			}
			if test.name == "several files" && strings.Count(err.Error(), "\n") != 1 {
				t.Errorf("not all faults are told: %v", err)
			}
		})
	}
}

// What does not parse is told, and what could be read is there all the same.
func TestReadModuleKeepsWhatItCouldRead(t *testing.T) {
	m, err := NewReader(repo(`u/a.tf = module "m" { source = "../m" }\nvariable "v" {\n type = \n}\nu/b.tf = module "n" { source = "../n" }`)).Module("u")
	var faulty *ModuleError
	if !errors.As(err, &faulty) || m == nil {
		t.Fatalf("module %v, error %v", m, err)
	}
	if len(m.Calls) == 0 {
		t.Error("calls are lost")
	}
}

func TestTree(t *testing.T) {
	fsys := repo(`
u/main.tf = module "a" { source = "../m/a" }
m/a/main.tf = module "b" { source = "../b" }
m/b/main.tf = module "a" { source = "../a" }\nmodule "self" { source = "./" }
m/c/main.tf`)
	r := NewReader(fsys)
	modules, err := r.Tree("u/")
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for dir := range modules {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	if got := strings.Join(dirs, " "); got != "m/a m/b u" {
		t.Errorf("found %s", got)
	}
	if again, _ := r.Module("m/a"); again != modules["m/a"] {
		t.Error("a module was read twice")
	}
}

func TestTreeFaults(t *testing.T) {
	fsys := repo(`
u/main.tf = module "a" { source = "../m/a" }\nmodule "gone" { source = "../m/gone" }\nmodule "out" { source = "../../x" }\nmodule "empty" { source = "../m/empty" }
m/a/main.tf = module "b" {
m/empty/README.md`)
	modules, err := NewReader(fsys).Tree("u")
	want := `m/a/main.tf:1:12: Unclosed configuration block`
	for _, line := range []string{
		want, `u/main.tf:2:1: module "gone": folder m/gone does not exist`,
		`u/main.tf:3:1: module "out": its source "../../x" leads out of the repository`,
		`u/main.tf:4:1: module "empty": folder m/empty has no .tf file`,
	} {
		if err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("%v\nlacks %s", err, line)
		}
	}
	if len(modules) != 2 {
		t.Errorf("%d modules were read, want 2", len(modules))
	}
	if _, err := NewReader(fsys).Tree("gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}

// Terraform goes on from where a linked folder really is.
func TestTreeFollowsLinks(t *testing.T) {
	root := onDisk(t, `
real/deep/mod/main.tf = module "beside" { source = "../beside" }
real/deep/beside/main.tf
u/main.tf = module "m" { source = "./mod" }`, "u/mod -> ../real/deep/mod", "u/loop -> loop", "u/self -> .")
	modules, err := NewReader(os.DirFS(root)).Tree("u/self")
	if err != nil {
		t.Fatal(err)
	}
	if modules["real/deep/beside"] == nil {
		t.Errorf("found %v", modules)
	}
	if _, err := NewReader(os.DirFS(root)).Module("u/loop"); err == nil {
		t.Error("a link to itself was read")
	}
}

func TestReaderIsSafeForConcurrentUse(t *testing.T) {
	r := NewReader(repo(`
u/main.tf = module "a" { source = "../m/a" }
m/a/main.tf = module "b" { source = "../b" }
m/b/main.tf`))
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if modules, err := r.Tree("u"); err != nil || len(modules) != 3 {
				t.Errorf("%v %v", modules, err)
			}
		})
	}
	group.Wait()
}

func FuzzReadModule(f *testing.F) {
	f.Add(`terraform { backend "s3" { key = var.x } }`)
	f.Add(`variable { type = `)
	f.Add("module \"a\" { source = <<EOT\n./x\nEOT\n}")
	f.Add(`terraform { required_providers { a = { source = [] }, b = 1 } }`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"u/main.tf", "u/main.tf.json"} {
			m, err := NewReader(fstest.MapFS{name: {Data: []byte(text)}}).Module("u")
			if m == nil {
				t.Fatal(err)
			}
		}
	})
}

// TestReaderReads: what makes a module's plan depend on more than its files and
// values.
func TestReaderReads(t *testing.T) {
	for text, want := range map[string]bool{
		`resource "a" "b" {}`:                                         false,
		`data "a" "b" {}`:                                             true,
		`ephemeral "a" "b" {}`:                                        true,
		"check \"c\" {\n  data \"a\" \"b\" {}\n}\n":                   true,
		`output "data" { value = 1 }`:                                 false,
		"resource \"a\" \"b\" {\n  lifecycle {}\n}\nlocals { d = 1 }": false,
	} {
		m, err := NewReader(fstest.MapFS{"u/main.tf": {Data: []byte(text)}}).Module("u")
		if err != nil || m.Reads != want {
			t.Errorf("%s: %v, %v", text, m.Reads, err)
		}
	}
}
