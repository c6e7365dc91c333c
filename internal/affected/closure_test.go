package affected

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/strata-tf/strata/internal/stack"
)

func mapFS(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		if target, ok := cutLink(text); ok {
			m[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
			continue
		}
		m[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return m
}

const linkMark = "-> "

func cutLink(text string) (string, bool) {
	if len(text) > len(linkMark) && text[:len(linkMark)] == linkMark {
		return text[len(linkMark):], true
	}
	return "", false
}

// Which files a unit's expressions read, one way of naming them per case. The
// unit stands at live/app, a module at modules/m.
func TestInputsOfExpressions(t *testing.T) {
	checkInputs(t, map[string]inputsCase{
		"own files": {
			unit: ``,
			yes:  []string{"live/app/main.tf", "live/app/new.tf", "live/app/new.tf.json", "live/app/a.auto.tfvars", "live/app/terraform.tfvars", "live/app/.terraform.lock.hcl"},
			no:   []string{"live/app/README.md", "live/app/sub/main.tf", "live/app/other.tfvars", "live/app2/main.tf", "live/app/.terraform/modules/x.tf", "live/app/terraform.tfstate"},
		},
		"file, relative to the unit": {
			unit: `locals { a = file("data/x.txt") }`,
			yes:  []string{"live/app/data/x.txt"}, no: []string{"live/app/data/y.txt", "data/x.txt"},
		},
		"path.module of a module": {
			unit:   `module "m" { source = "../../modules/m" }`,
			module: `locals { a = filesha256("${path.module}/x.json") }`,
			yes:    []string{"modules/m/x.json", "modules/m/new.tf"}, no: []string{"live/app/x.json", "modules/m/y.json", "modules/mm/x.json"},
		},
		"path.root in a module": {
			unit:   `module "m" { source = "../../modules/m" }`,
			module: `locals { a = file("${path.root}/x.json") }`,
			yes:    []string{"live/app/x.json"}, no: []string{"modules/m/x.json"},
		},
		"a path passed to a module": {
			unit: `module "m" {
  source = "./../../modules/m/"
  file   = "${path.root}/conf/a.yaml"
}`,
			module: "variable \"file\" {}\nlocals { a = yamldecode(file(var.file)) }",
			yes:    []string{"live/app/conf/a.yaml"}, no: []string{"live/app/conf/b.yaml", "live/app/README.md"},
		},
		"a template in a folder chosen at run time": {
			unit: `data "x" "y" {}
locals { a = templatefile("${path.module}/templates/${data.x.y.name}.tpl", {}) }`,
			yes: []string{"live/app/templates/a.tpl", "live/app/templates/b/c"}, no: []string{"live/app/templates2/a.tpl", "live/app/README.md"},
		},
		"a path of which nothing is known": {
			unit: `data "x" "y" {}
module "m" {
  source = "../../modules/m"
  file   = data.x.y.name
}`,
			module: "variable \"file\" {}\nlocals { a = file(var.file) }",
			yes:    []string{"live/app/anything", "modules/m/anything"}, no: []string{"live/other/anything"},
		},
		"fileset": {
			unit: `locals { a = { for f in fileset(path.module, "policies/*.json") : f => file("${path.module}/${f}") } }`,
			more: map[string]string{"live/app/policies/a.json": "{}"},
			yes:  []string{"live/app/policies/a.json", "live/app/policies/new.json"},
			no:   []string{"live/app/policies/a.txt", "live/app/policies/sub/a.json"},
		},
		"fileexists of a file that is absent": {
			unit: `locals { a = fileexists("${path.root}/maybe.txt") }`,
			yes:  []string{"live/app/maybe.txt"},
		},
		"locals and functions": {
			unit: `locals {
  env  = basename(abspath(path.root))
  path = join("/", ["..", "..", "shared", format("%s.yaml", local.env)])
  text = try(file(local.path), "")
}`,
			yes: []string{"shared/app.yaml"}, no: []string{"shared/other.yaml"},
		},
		"variable of terraform.tfvars": {
			unit: "variable \"f\" {}\nlocals { a = file(var.f) }",
			more: map[string]string{"live/app/terraform.tfvars": `f = "x/y.txt"`},
			yes:  []string{"live/app/x/y.txt"}, no: []string{"live/app/x/z.txt"},
		},
		"archive_file": {
			unit: `data "archive_file" "a" {
  type        = "zip"
  source_dir  = "${path.module}/../../src/fn"
  output_path = "${path.module}/out.zip"
}`,
			yes: []string{"src/fn/a.py", "src/fn/b/c.py"}, no: []string{"live/app/out.zip", "src/fn2/a.py"},
		},
		"a path for a provider": {
			unit: `resource "helm_release" "a" { chart = "${path.module}/../../charts/a" }`,
			more: map[string]string{"charts/a/Chart.yaml": "x"},
			yes:  []string{"charts/a/values.yaml"}, no: []string{"charts/ab/values.yaml"},
		},
		"comments and heredocs": {
			unit: `# file("a.txt")
/* module "m" { source = "../../modules/m" } */
locals {
  a = <<EOT
file("b.txt") source = "../../modules/m"
EOT
}`,
			no: []string{"live/app/a.txt", "live/app/b.txt", "modules/m/main.tf"},
		},
		"half written": {
			unit: `locals { a = `,
			yes:  []string{"live/app/anything", "live/app/main.tf"}, no: []string{"live/other"},
		},
		"terraform 0.11": {
			unit: "module \"m\" {\n  source = \"../../modules/m\"\n  x = \"${var.a}\n}\n",
			yes:  []string{"modules/m/main.tf"},
		},
		"json syntax": {
			more:   map[string]string{"live/app/x.tf.json": `{"module":{"m":{"source":"../../modules/m","file":"${path.root}/a.yaml"}},"locals":{"b":"${file(\"b.txt\")}"}}`},
			module: "variable \"file\" {}\nlocals { a = file(var.file) }",
			yes:    []string{"modules/m/main.tf", "live/app/b.txt", "live/app/a.yaml"},
		},
		"linked file": {
			more: map[string]string{"live/app/common.tf": linkMark + "../../shared/common.tf", "shared/common.tf": `locals { a = file("z.txt") }`},
			yes:  []string{"live/app/common.tf", "shared/common.tf", "live/app/z.txt"}, no: []string{"shared/other.tf"},
		},
		"linked module": {
			unit: `module "m" { source = "../../linked/m" }`,
			more: map[string]string{"linked": linkMark + "modules"},
			yes:  []string{"modules/m/main.tf", "linked"},
		},
		"a path through a linked folder": {
			unit: `locals { a = file("${path.root}/conf/a.yaml") }`,
			more: map[string]string{"live/app/conf": linkMark + "../../shared/conf", "shared/conf/a.yaml": "x"},
			yes:  []string{"live/app/conf", "shared/conf/a.yaml"}, no: []string{"shared/conf/b.yaml"},
		},
		"fileset that enters a linked folder": {
			unit: `locals { a = fileset(path.module, "conf/**/*.yaml") }`,
			more: map[string]string{"live/app/conf/all": linkMark + "../../../shared/conf", "shared/conf/x/a.yaml": "x"},
			yes:  []string{"live/app/conf/all", "shared/conf/x/a.yaml", "shared/conf/b.yaml"}, no: []string{"shared/conf/b.txt", "shared/other/b.yaml"},
		},
		"links in a circle": {
			unit: `locals { a = fileset(path.module, "conf/**") }`,
			more: map[string]string{"live/app/conf/again": linkMark + ".", "live/app/conf/a.yaml": "x"},
			yes:  []string{"live/app/conf/a.yaml"},
		},
		"variable files in Terraform's order": {
			unit: "variable \"f\" {}\nlocals { a = file(var.f) }",
			more: map[string]string{
				"live/app/a.auto.tfvars": `f = "auto.txt"`, "live/app/terraform.tfvars": `f = "plain.txt"`, "live/app/terraform.tfvars.json": `{"f": "json.txt"}`,
			},
			yes: []string{"live/app/auto.txt"}, no: []string{"live/app/plain.txt", "live/app/json.txt"},
		},
		"types of variables": {
			unit: `variable "names" {
  type    = set(string)
  default = ["b", "a", "b"]
}
variable "n" { type = object({ dir = optional(string, "conf") }) }
locals { a = file("${var.n.dir}/${join("-", var.names)}.txt") }`,
			more: map[string]string{"live/app/terraform.tfvars": "n = {}"},
			yes:  []string{"live/app/conf/a-b.txt"}, no: []string{"live/app/conf/b-a-b.txt", "live/app/x"},
		},
		"a null for a variable that takes none": {
			unit: `module "m" {
  source = "../../modules/m"
  file   = null
}`,
			module: "variable \"file\" {\n  default = \"d.txt\"\n  nullable = false\n}\nlocals { a = file(\"${path.module}/${var.file}\") }",
			yes:    []string{"modules/m/d.txt"}, no: []string{"modules/m/e.txt"},
		},
		"an override of a default": {
			unit: "variable \"f\" { default = \"a.txt\" }\nlocals { a = file(var.f) }",
			more: map[string]string{"live/app/a_override.tf": `variable "f" { default = "b.txt" }`},
			yes:  []string{"live/app/b.txt"}, no: []string{"live/app/a.txt"},
		},
		"coalesce, replace, one": {
			unit: `locals {
  a = file(coalesce("", null, "a.txt"))
  b = file(replace("x1y", "/[0-9]/", "/"))
  c = file(replace("1.2", ".", "-"))
  d = file(one(["d.txt"]))
}`,
			yes: []string{"live/app/a.txt", "live/app/x/y", "live/app/1-2", "live/app/d.txt"}, no: []string{"live/app/README.md"},
		},
		"yamldecode": {
			unit: `locals { a = [for f in yamldecode(file("list.yaml")).files : file(f)] }`,
			more: map[string]string{"live/app/list.yaml": "files: [one.txt, sub/two.txt]"},
			yes:  []string{"live/app/list.yaml", "live/app/one.txt", "live/app/sub/two.txt"}, no: []string{"live/app/three.txt"},
		},
		"a file that a template reads": {
			unit: `locals { a = templatefile("${path.module}/t.tpl", { name = "n" }) }`,
			more: map[string]string{"live/app/t.tpl": `${file("direct.txt")} ${file("${name}.txt")}`},
			yes:  []string{"live/app/t.tpl", "live/app/direct.txt", "live/app/n.txt"}, no: []string{"live/app/other.txt"},
		},
		"a file that a template reads, of an unknown name": {
			unit: "data \"x\" \"y\" {}\nlocals { a = templatefile(\"t.tpl\", { name = data.x.y.z }) }",
			more: map[string]string{"live/app/t.tpl": `${file("${name}.txt")}`},
			yes:  []string{"live/app/anything.txt"},
		},
		"the workspace": {
			unit: `locals { a = file("${terraform.workspace}.txt") }`,
			yes:  []string{"live/app/default.txt"}, no: []string{"live/app/other.txt"},
		},
		"hidden files and those of editors": {
			unit: ``,
			no:   []string{"live/app/.hidden.tf", "live/app/main.tf~", "live/app/#main.tf#"},
		},
		"tests": {
			unit: ``,
			yes:  []string{"live/app/a.tftest.hcl", "live/app/tests/a.tftest.hcl", "live/app/tests/b.tftest.json"}, no: []string{"live/app/tests/README.md"},
		},
		"tofu files, byte order marks and carriage returns": {
			more: map[string]string{"live/app/x.tofu": "\ufefflocals {\r\n  a = file(\"x.txt\")\r\n}\r\n"},
			yes:  []string{"live/app/x.txt", "live/app/x.tofu"}, no: []string{"live/app/y.txt"},
		},
		"modules in a circle": {
			unit:   `module "m" { source = "../../modules/m" }`,
			module: `module "m" { source = "../m" }`,
			yes:    []string{"modules/m/main.tf"},
		},
	})
}

// inputsCase says which files are inputs of a unit and which are not.
type inputsCase struct {
	unit   string // live/app/main.tf
	module string // modules/m/main.tf
	more   map[string]string
	with   func(*stack.Unit)
	yes    []string
	no     []string
}

func checkInputs(t *testing.T, cases map[string]inputsCase) {
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"live/app/main.tf": c.unit, "modules/m/main.tf": c.module}
			for file, text := range c.more {
				files[file] = text
			}
			unit := &stack.Unit{Layer: "app", Path: "live/app"}
			if c.with != nil {
				c.with(unit)
			}
			// Of a snapshot more is known than of other file systems.
			for _, fsys := range []fs.FS{mapFS(files), snapshotOf(t, files).FS} {
				in := NewClosures(fsys).Unit(unit)
				for _, file := range c.yes {
					if _, ok := in.Why(file); !ok {
						t.Errorf("%T: %s is no input", fsys, file)
					}
				}
				for _, file := range c.no {
					if why, ok := in.Why(file); ok {
						t.Errorf("%T: %s is an input: %s", fsys, file, why)
					}
				}
			}
		})
	}
}

// What is given at run time is not what the files say.
func TestInputsOfRunTimeValues(t *testing.T) {
	files := map[string]string{
		"live/app/main.tf": `variable "base_file" { default = "a.txt" }
variable "mapped" { default = "b.txt" }
variable "secret" { default = "c.txt" }
variable "plain" { default = "d.txt" }
locals { x = [file(var.base_file), file("m/${var.mapped}"), file("s/${var.secret}"), file("p/${var.plain}")] }`,
	}
	unit := &stack.Unit{
		Layer: "app", Path: "live/app", Needs: []string{"base@global:staging"},
		Inputs: map[string]stack.Ref{"mapped": {Unit: "base@global:staging", Output: "x"}}, Secrets: []string{"secret"},
	}
	in := NewClosures(mapFS(files)).Unit(unit)
	for name, want := range map[string]bool{
		"live/app/anything": true, "live/app/m/anything": true, "live/app/s/anything": true, "live/app/p/d.txt": true,
	} {
		if _, ok := in.Why(name); ok != want {
			t.Errorf("%s: %v", name, ok)
		}
	}
	unit.Needs = nil
	if _, ok := NewClosures(mapFS(files)).Unit(unit).Why("live/app/anything"); ok {
		t.Error("a variable of no need widens")
	}
}

// A backend's file is an input where the code has a backend.
func TestInputsOfBackend(t *testing.T) {
	unit := &stack.Unit{Layer: "app", Path: "live/app", Backend: stack.Backend{Config: "backends/staging.hcl"}}
	for text, want := range map[string]bool{
		"terraform {\n  backend \"s3\" {}\n}": true, "terraform {}": false, "terraform {": true,
	} {
		in := NewClosures(mapFS(map[string]string{"live/app/main.tf": text})).Unit(unit)
		if _, ok := in.Why(unit.Backend.Config); ok != want {
			t.Errorf("%q: %v", text, ok)
		}
	}
	in := NewClosures(mapFS(map[string]string{"live/app/main.tf.json": `{"terraform": [{"backend": {"s3": {}}}]}`})).Unit(unit)
	if _, ok := in.Why(unit.Backend.Config); !ok {
		t.Error("not in JSON")
	}
}

// Of a submodule only its commit is known: it is an input of what reads below
// it.
func TestInputsBelowSubmodule(t *testing.T) {
	for text, want := range map[string]bool{
		`module "m" { source = "../../vendor/m" }`:                 true,
		`locals { a = file("../../vendor/a.txt") }`:                true,
		`locals { a = fileset("../../vendor/conf", "*.yaml") }`:    true,
		`locals { a = fileset("../..", "vendor/*/x.yaml") }`:       true,
		`locals { a = fileset("../..", "vendored/*/x.yaml") }`:     false,
		`locals { a = file("../../vendored/a.txt") }`:              false,
		`module "m" { source = "../../modules/m" }`:                false,
		`resource "x" "y" { dir = "${path.module}/../../vendor" }`: true,
	} {
		s := withSubmodule(t, map[string]string{"live/app/main.tf": text, "modules/m/main.tf": ""}, "vendor", "1")
		in := NewClosures(s.FS).Unit(&stack.Unit{Layer: "app", Path: "live/app"})
		if _, ok := in.Why("vendor"); ok != want {
			t.Errorf("%s: %v", text, ok)
		}
	}
}

func BenchmarkClosures(b *testing.B) {
	root := b.TempDir()
	write := func(name, text string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	write("modules/m/main.tf", "variable \"name\" {}\nlocals { a = file(\"${path.module}/x.json\") }\nresource \"terraform_data\" \"a\" { input = var.name }\n")
	units := make([]*stack.Unit, 5000)
	for i := range units {
		dir := fmt.Sprintf("regions/us-east-1/clients/c%04d/staging", i)
		write(dir+"/main.tf", "module \"m\" {\n  source = \"../../../../../modules/m\"\n  name   = var.name\n}\n")
		write(dir+"/variables.tf", "variable \"name\" {}\n")
		write(dir+"/terraform.tfvars", "name = \"x\"\n")
		units[i] = &stack.Unit{Layer: "clients", Path: dir}
	}
	for b.Loop() {
		c := NewClosures(os.DirFS(root))
		for _, u := range units {
			c.Unit(u)
		}
	}
}
