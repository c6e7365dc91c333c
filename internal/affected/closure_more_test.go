package affected

import (
	"testing"

	"github.com/strata-tf/strata/internal/stack"
)

// More ways of naming files, and what must not be taken for one.
func TestMoreInputsOfExpressions(t *testing.T) {
	checkInputs(t, map[string]inputsCase{
		"a path through a linked folder": {
			unit: `locals { a = [file("dir/x.json"), file("dir/${data.x.y}")] }`,
			more: map[string]string{"live/app/dir": linkMark + "real dir", "live/app/real dir/x.json": "{}"},
			yes:  []string{"live/app/dir", "live/app/real dir/x.json", "live/app/real dir/more"}, no: []string{"live/app/other/x.json"},
		},
		"a path through two links": {
			unit: `locals { a = file("one/x.json") }`,
			more: map[string]string{"live/app/one": linkMark + "two", "live/app/two": linkMark + "../../shared/dir", "shared/dir/x.json": linkMark + "y.json", "shared/dir/y.json": "{}"},
			yes:  []string{"live/app/one", "live/app/two", "shared/dir/x.json", "shared/dir/y.json"}, no: []string{"shared/dir/z.json"},
		},
		"fileset enters linked folders": {
			unit: `locals { a = fileset("items", "**/*.json") }`,
			more: map[string]string{"live/app/items/a.json": "{}", "live/app/items/linked": linkMark + "../elsewhere", "live/app/elsewhere/b.json": "{}", "live/app/items/self": linkMark + "."},
			yes:  []string{"live/app/items/linked", "live/app/elsewhere/b.json", "live/app/elsewhere/deep/new.json", "live/app/items/new.json"},
			no:   []string{"live/app/elsewhere/b.txt", "live/app/elsewhere2/b.json"},
		},
		"fileset of one level leaves linked folders out": {
			unit: `locals { a = fileset("items", "*.json") }`,
			more: map[string]string{"live/app/items/linked": linkMark + "../elsewhere", "live/app/elsewhere/b.json": "{}"},
			no:   []string{"live/app/elsewhere/b.json", "live/app/items/linked"},
		},
		"order of variable files": {
			unit: "variable \"f\" {}\nvariable \"g\" {}\nlocals { a = [file(var.f), file(var.g)] }",
			more: map[string]string{"live/app/terraform.tfvars": "f = \"1\"\ng = \"1\"", "live/app/terraform.tfvars.json": `{"g": "2", "f": "2"}`, "live/app/a.auto.tfvars": `f = "3"`, "live/app/b.auto.tfvars.json": `{"f": "4"}`},
			yes:  []string{"live/app/4", "live/app/2"}, no: []string{"live/app/1", "live/app/3"},
		},
		"a variable file of the configuration comes last": {
			unit: "variable \"f\" {}\nlocals { a = file(var.f) }",
			more: map[string]string{"live/app/z.auto.tfvars": `f = "1"`, "env/a.tfvars": "\ufefff = \"2\"\r\n"},
			with: func(u *stack.Unit) { u.VarFiles = []string{"env/a.tfvars"} },
			yes:  []string{"live/app/2", "env/a.tfvars"}, no: []string{"live/app/1"},
		},
		"types of variables": {
			unit: "variable \"n\" { type = string }\nvariable \"b\" { type = bool }\nvariable \"s\" { type = set(string) }\nvariable \"o\" {\n  type    = object({ f = optional(string, \"by-default\") })\n  default = {}\n}\n" +
				`locals { a = [file("n${var.n}"), file(var.b ? "yes" : "no"), file(tolist(var.s)[0]), file(var.o.f)] }`,
			more: map[string]string{"live/app/terraform.tfvars": "n = 1.50\nb = \"true\"\ns = [\"z\", \"y\", \"y\"]\n"},
			yes:  []string{"live/app/n1.5", "live/app/yes", "live/app/y", "live/app/by-default"}, no: []string{"live/app/n1.50", "live/app/no", "live/app/z", "live/app/README.md"},
		},
		"coalesce, replace, length as Terraform has them": {
			unit: `locals { a = [file(coalesce("", null, "c")), file(replace("x-1", "/-[0-9]/", "")), file("l${length("abc")}")] }`,
			yes:  []string{"live/app/c", "live/app/x", "live/app/l3"}, no: []string{"live/app", "live/app/x-1", "live/app/README.md"},
		},
		"null for what is not nullable": {
			unit:   "module \"m\" {\n  source = \"../../modules/m\"\n  file   = null\n}",
			module: "variable \"file\" {\n  default  = \"d\"\n  nullable = false\n}\nlocals { a = file(var.file) }",
			yes:    []string{"live/app/d"}, no: []string{"live/app/README.md"},
		},
		"files of templates": {
			unit: `locals { a = templatefile("${path.module}/a.tpl", { part = "${path.module}/part", list = ["l1", "l2"] }) }`,
			more: map[string]string{"live/app/a.tpl": "${file(part)} ${file(\"fixed\")} %{ for l in list }${file(l)}%{ endfor } ${templatefile(\"b.tpl\", { x = \"deep\" })}", "live/app/b.tpl": "${file(x)}"},
			yes:  []string{"live/app/a.tpl", "live/app/part", "live/app/fixed", "live/app/l1", "live/app/l2", "live/app/b.tpl", "live/app/deep"}, no: []string{"live/app/README.md"},
		},
		"tests": {
			yes: []string{"live/app/a.tftest.hcl", "live/app/tests/b.tftest.hcl", "live/app/tests/c.tftest.json"}, no: []string{"live/app/tests/readme.md", "live/app/other/a.tftest.hcl"},
		},
		"an output of a need": {
			unit: "variable \"core_net_file\" { default = \"d\" }\nvariable \"other\" { default = \"o\" }\nlocals {\n  a = file(\"x/${var.core_net_file}\")\n  b = file(var.other)\n}",
			more: map[string]string{"strata.yaml": "layers:\n  - {name: core-net, path: core, environments: [staging]}\n  - {name: mid, path: mid, needs: [core-net], environments: [staging]}\n  - {name: app, path: live/app, needs: [mid], environments: [staging]}\n"},
			yes:  []string{"live/app/x/d", "live/app/x/e", "live/app/o"}, no: []string{"live/app/README.md"},
		},
		"inputs and secrets": {
			unit: "variable \"a\" { default = \"a\" }\nvariable \"b\" { default = \"b\" }\nlocals { a = [file(\"x/${var.a}\"), file(\"y/${var.b}\")] }",
			with: func(u *stack.Unit) { u.Inputs, u.Secrets = map[string]stack.Ref{"a": {}}, []string{"b"} },
			yes:  []string{"live/app/x/other", "live/app/y/other"}, no: []string{"live/app/README.md"},
		},
		"backend configuration, with a backend": {
			unit: `terraform {
  backend "s3" {}
}`,
			with: func(u *stack.Unit) { u.Backend.Config = "backends/s.hcl" },
			yes:  []string{"backends/s.hcl"},
		},
		"backend configuration, with a backend in JSON": {
			more: map[string]string{"live/app/b.tofu.json": `{"terraform": [{"backend": {"s3": {}}}]}`},
			with: func(u *stack.Unit) { u.Backend.Config = "backends/s.hcl" },
			yes:  []string{"backends/s.hcl"},
		},
		"backend configuration, without a backend": {
			unit: "# backend\nvariable \"backend\" {}",
			with: func(u *stack.Unit) { u.Backend.Config = "backends/s.hcl" },
			no:   []string{"backends/s.hcl"},
		},
		"yamldecode": {
			unit: `locals { a = file(yamldecode(file("c.yaml")).script) }`,
			more: map[string]string{"live/app/c.yaml": "script: s.sh\n"},
			yes:  []string{"live/app/c.yaml", "live/app/s.sh"}, no: []string{"live/app/README.md"},
		},
		"hidden files and backups": {
			unit: `locals { a = file(".read.tf") }`,
			more: map[string]string{"live/app/.hidden.tf": `locals { x = file("h") }`},
			yes:  []string{"live/app/.read.tf", "live/app/new.tofu", "live/app/new.tofu.json", "live/app/new_override.tf"},
			no:   []string{"live/app/.hidden.tf", "live/app/main.tf~", "live/app/#main.tf#", "live/app/h", "live/app/.new.tofu"},
		},
		"no workspace": {
			unit: `locals { a = file("${terraform.workspace}.json") }`,
			yes:  []string{"live/app/default.json"}, no: []string{"live/app/README.md"},
		},
		"a workspace": {
			unit: `locals { a = file("${terraform.workspace}.json") }`,
			with: func(u *stack.Unit) { u.Workspace = "blue" },
			yes:  []string{"live/app/blue.json"}, no: []string{"live/app/default.json"},
		},
		"override files": {
			unit: "variable \"f\" { default = \"a\" }\nlocals { l = \"c\" }\nresource \"x\" \"y\" { input = file(\"e\") }\nlocals { a = [file(var.f), file(local.l)] }\nmodule \"m\" { source = \"../../modules/gone\" }",
			more: map[string]string{"live/app/a_override.tf": "variable \"f\" { default = \"b\" }\nlocals { l = \"d\" }\nresource \"x\" \"y\" { input = file(\"f\") }\nmodule \"m\" { source = \"../../modules/m\" }"},
			yes:  []string{"live/app/b", "live/app/d", "live/app/f", "modules/m/x.tf"}, no: []string{"live/app/a", "live/app/c", "live/app/e", "modules/gone/x.tf"},
		},
		"OpenTofu's files, CRLF and a BOM": {
			more: map[string]string{"live/app/x.tofu": "\ufefflocals {\r\n  a = file(\"a.txt\")\r\n}\r\nmodule \"m\" {\r\n  source = \"../../modules/m\"\r\n}\r\n"},
			yes:  []string{"live/app/a.txt", "modules/m/main.tf"},
		},
		"CRLF without anything else": {
			unit: "module \"m\" {\r\n  source = \"../../modules/m\"\r\n}\r\n",
			yes:  []string{"modules/m/main.tf"},
		},
		"a condition that nobody knows": {
			unit: `locals {
  f = data.x.y ? "a" : "b"
  t = file("${path.module}/d/${local.f}.json")
}`,
			yes: []string{"live/app/d/a.json", "live/app/d/b.json"}, no: []string{"live/app/d/c.json"},
		},
		"for_each of a module": {
			unit:   "module \"m\" {\n  for_each = toset([\"a\", \"b\"])\n  source   = \"../../modules/m\"\n  file     = \"d/${each.key}\"\n}",
			module: "variable \"file\" {}\nlocals { a = file(var.file) }",
			yes:    []string{"live/app/d/a", "live/app/d/b"}, no: []string{"live/app/d/c"},
		},
		"one module called from two": {
			unit:   "module \"a\" {\n  source = \"../../modules/m\"\n  file   = \"a\"\n}\nmodule \"b\" {\n  source = \"../../modules/m\"\n  file   = \"b\"\n}",
			module: "variable \"file\" {}\nmodule \"n\" {\n  source = \"../n\"\n  file   = \"${var.file}.txt\"\n}",
			more:   map[string]string{"modules/n/main.tf": "variable \"file\" {}\nlocals { a = file(var.file) }"},
			yes:    []string{"live/app/a.txt", "live/app/b.txt", "modules/n/x.tf"}, no: []string{"live/app/c.txt"},
		},
		"a chart whose folder is gone": {
			unit: `resource "helm_release" "a" { chart = "${path.module}/../../charts/a" }`,
			yes:  []string{"charts/a/values.yaml"},
		},
		"paths for providers, without path.module": {
			unit: `resource "x" "a" { source = "./files/a" }
module "r" {
  source = "org/lambda/aws"
  src    = "../../src"
}`,
			more: map[string]string{"live/app/files/a": "x", "src/f.py": "x"},
			yes:  []string{"live/app/files/a", "src/f.py"}, no: []string{"live/app/files/b"},
		},
		"a comment in JSON": {
			more: map[string]string{"live/app/x.tf.json": `{"//": "${file(\"no\")}", "resource": {"a": {"b": {"//": "${file(\"no\")}", "c": {"//": "${file(\"yes\")}"}}}}, "locals": {"l": ["x", "${file(\"y\")}"], "m": "${file(local.l[0])}"}}`},
			yes:  []string{"live/app/yes", "live/app/x", "live/app/y"}, no: []string{"live/app/no"},
		},
		"half-written variable files": {
			unit: "variable \"f\" { default = \"d\" }\nlocals { a = file(\"x/${var.f}\") }",
			more: map[string]string{"live/app/a.auto.tfvars": `f = {`},
			yes:  []string{"live/app/x/other"},
		},
	})
}
