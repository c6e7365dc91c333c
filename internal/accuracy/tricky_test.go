package accuracy

import (
	"path"
	"strings"
)

// tricky writes units whose paths are built in ways that only an evaluation of
// expressions follows. Each has files that nobody reads beside those that are
// read.
func tricky(t *tree, env string) {
	for _, unit := range []struct {
		name, main string
		files      map[string]string
	}{
		{"template", res("page", `templatefile("${path.module}/page.tpl", { part = "${path.module}/part.json" })`),
			map[string]string{"page.tpl": "a ${file(part)} b ${file(\"fixed part.json\")}\n", "part.json": "{}\n", "fixed part.json": "{}\n", "spare.json": "{}\n"}},

		{"paths", res("cwd", `file("${path.cwd}/cwd.json")`) + res("abs", `file(abspath("${path.module}/abs.json"))`) +
			res("up", `file("${abspath(path.root)}/../up.json")`) + res("folder", `file("${dirname("${path.module}/in/x")}/in.json")`) +
			res("plain", `file("plain.json")`) + res("replaced", `file(replace("plain-x.json", "/-x/", "-y"))`) +
			res("coalesced", `file(coalesce("", "coalesced.json"))`) + res("sorted", `file(tolist(toset(["sorted-b.json", "sorted-a.json"]))[0])`) +
			res("formatted", `file(format("%s-%02d.%s", "formatted", 7, lower("JSON")))`) + res("joined", `file(join("/", compact(["in", "", "joined.json"])))`) +
			res("wrapped", `file(element(["w0.json", "w1.json"], 3))`) + res("matched", `file(regex("m[0-9]+[.]json", "x m12.json y"))`) +
			res("chomped", "file(chomp(<<-EOT\n    chomped.json\n  EOT\n  ))"),
			map[string]string{"cwd.json": "{}\n", "abs.json": "{}\n", "../up.json": "{}\n", "in/in.json": "{}\n", "in/out.json": "{}\n",
				"plain.json": "{}\n", "plain-y.json": "{}\n", "plain-x.json": "{}\n", "spare.json": "{}\n", "coalesced.json": "{}\n", "sorted-a.json": "{}\n", "sorted-b.json": "{}\n",
				"formatted-07.json": "{}\n", "in/joined.json": "{}\n", "w0.json": "{}\n", "w1.json": "{}\n", "m12.json": "{}\n", "chomped.json": "{}\n"}},

		{"each", `locals {
  confs = { for f in fileset(path.module, "confs/*.yaml") : trimsuffix(basename(f), ".yaml") => yamldecode(file("${path.module}/${f}")) }
}

module "documents" {
  for_each = toset(["a", "b"])
  source   = "../../../shared/modules/document"
  path     = "${path.module}/docs/${each.key}.json"
}

resource "terraform_data" "conf" {
  for_each = local.confs
  input    = file("${path.module}/${each.value.script}")
}
`, map[string]string{"confs/one.yaml": "script: scripts/one.sh\n", "confs/two.yaml": "script: scripts/two.sh\n", "confs/three.yml": "script: scripts/three.sh\n",
			"scripts/one.sh": "one\n", "scripts/two.sh": "two\n", "scripts/three.sh": "three\n",
			"docs/a.json": "{}\n", "docs/b.json": "{}\n", "docs/c.json": "{}\n"}},

		{"output", call1("paths", "./modules/paths") + res("from_output", `file(module.paths.file)`) +
			res("path", `"${path.module}/named.json"`) + res("from_resource", `file(terraform_data.path.input)`) +
			"module \"counted\" {\n  count = 2\n  source = \"../../../shared/modules/document\"\n  path = \"${path.module}/n${count.index}.json\"\n}\n",
			map[string]string{"modules/paths/main.tf": "output \"file\" {\n  value = \"${path.module}/given.json\"\n}\n",
				"modules/paths/given.json": "{}\n", "modules/paths/other.json": "{}\n", "named.json": "{}\n", "n0.json": "{}\n", "n1.json": "{}\n", "n2.json": "{}\n", "spare.json": "{}\n"}},

		{"object", `variable "given" {
  type = object({
    file = optional(string, "default.json")
    more = optional(list(string), ["m1.json"])
  })
  default = {}
}

variable "env" {
  default = "` + env + `"
}

locals {
  table = csvdecode(file("${path.module}/table.csv"))
  deep  = { files = { main = "deep.json", other = "spare.json" } }
  first = [for row in local.table : row.file if row.use == "yes"][0]
}
` + res("optional", `file("${path.module}/${var.given.file}")`) + res("more", `[for f in var.given.more : filesha256("${path.module}/${f}")]`) +
			res("deep", `file("${path.module}/${local.deep.files.main}")`) + res("splat", `[for f in local.table[*].file : filemd5("${path.module}/${f}")]`) +
			res("first", `file("${path.module}/${local.first}")`) +
			res("conditional", `file(var.env == "production" ? "${path.module}/yes.json" : "${path.module}/no.json")`),
			map[string]string{"table.csv": "file,use\nt1.json,no\nt2.json,yes\n", "t1.json": "{}\n", "t2.json": "{}\n", "t3.json": "{}\n", "default.json": "{}\n", "m1.json": "{}\n", "m2.json": "{}\n",
				"deep.json": "{}\n", "spare.json": "{}\n", "yes.json": "{}\n", "no.json": "{}\n"}},

		{"try", res("try", `try(file("${path.module}/first.json"), file("${path.module}/second.json"))`) +
			res("can", `can(file("${path.module}/maybe.json")) ? "yes" : "no"`) +
			res("which", `file(fileexists("${path.module}/${terraform.workspace}.json") ? "${path.module}/${terraform.workspace}.json" : "${path.module}/fallback.json")`) +
			"resource \"terraform_data\" \"checked\" {\n  input = 1\n  lifecycle {\n    precondition {\n      condition = length(file(\"${path.module}/checked.json\")) > 0\n      error_message = \"Empty.\"\n    }\n  }\n}\n" +
			"output \"shown\" {\n  value = file(\"${path.module}/shown.json\")\n}\ncheck \"health\" {\n  assert {\n    condition = fileexists(\"${path.module}/health.json\")\n    error_message = \"None.\"\n  }\n}\n",
			map[string]string{"second.json": "{}\n", "fallback.json": "{}\n", "checked.json": "{}\n", "shown.json": "{}\n", "spare.json": "{}\n"}},

		{"vars", variable("v1", "") + variable("v2", "") + variable("v3", `"v3-default"`) +
			"variable \"names\" {\n  type = set(string)\n}\nvariable \"n\" {\n  type = string\n  validation {\n    condition = fileexists(\"${path.module}/valid.json\") || var.n == \"\"\n    error_message = \"No.\"\n  }\n}\n" +
			res("v", `[for v in [var.v1, var.v2, var.v3] : file("${v}.json")]`) + res("first", `file(tolist(var.names)[0])`) + res("n", `file("n${var.n}.json")`) +
			call1("null", "./modules/null", "file = null") + "import {\n  to = terraform_data.imported\n  id = file(\"imported.txt\")\n}\nresource \"terraform_data\" \"imported\" {}\n",
			map[string]string{"terraform.tfvars": "v1 = \"a\"\nv2 = \"a\"\nnames = [\"z.json\", \"y.json\"]\nn = 1.50\n", "terraform.tfvars.json": "{\"v2\": \"b\"}\n",
				"a.auto.tfvars": "v1 = \"b\"\n", "b.auto.tfvars.json": "{\"v1\": \"c\"}\n", "a.json": "{}\n", "b.json": "{}\n", "c.json": "{}\n", "v3-default.json": "{}\n",
				"y.json": "{}\n", "z.json": "{}\n", "n1.5.json": "{}\n", "n1.50.json": "{}\n", "valid.json": "{}\n", "imported.txt": "an-id",
				"modules/null/main.tf": "variable \"file\" {\n  default  = \"by-default.json\"\n  nullable = false\n}\n" + res("null", "file(var.file)"), "by-default.json": "{}\n"}},

		{"override", variable("f", `"a.json"`) + "locals {\n  l = \"b.json\"\n}\n" + res("f", "file(var.f)") + res("l", "file(local.l)") + res("r", `file("e.json")`) + call1("m", "./modules/one"),
			map[string]string{"z_override.tf": variable("f", `"c.json"`) + "locals {\n  l = \"d.json\"\n}\n" + res("r", `file("f.json")`) + "module \"m\" {\n  source = \"./modules/two\"\n}\n",
				"a.json": "{}\n", "b.json": "{}\n", "c.json": "{}\n", "d.json": "{}\n", "e.json": "{}\n", "f.json": "{}\n",
				"modules/one/main.tf": res("one", `file("${path.module}/one.json")`), "modules/one/one.json": "{}\n",
				"modules/two/main.tf": res("two", `file("${path.module}/two.json")`), "modules/two/two.json": "{}\n"}},

		{"json", "locals {\n  from_hcl = \"h.json\"\n}\n",
			map[string]string{"x.tf.json": `{
  "//": "a comment: ${file(\"spare.json\")}",
  "variable": [{"name": [{"default": "v"}]}],
  "locals": [{"a": "a.json"}, {"b": ["b.json", "${local.from_hcl}"]}],
  "resource": [{"terraform_data": [{"one": [{"input": ["${file(local.a)}", "${filemd5(local.b[1])}", "${file(\"${var.name}.json\")}"]}]}]}],
  "module": [{"m": [{"source": "./modules/m", "path": "${path.module}/${local.b[0]}"}]}],
  "output": {"o": {"value": "x ${filesha1(\"o.json\")} y"}}
}
`, "modules/m/m.tf.json": `{"variable": {"path": {}}, "output": {"x": {"value": "${file(var.path)}"}}}` + "\n",
				"a.json": "{}\n", "b.json": "{}\n", "h.json": "{}\n", "v.json": "{}\n", "o.json": "{}\n", "spare.json": "{}\n"}},

		{"links", res("through", `file("${path.module}/folder/a.json")`) + res("chain", `file("chain.json")`) + res("all", `[for f in fileset("folder", "*.dat") : file("folder/${f}")]`) + call1("m", "./mods/inner"),
			map[string]string{"real folder/a.json": "{}\n", "real folder/b.json": "{}\n", "real folder/c.dat": "{}\n", "end.json": "{}\n",
				"real mods/inner/main.tf": res("inner", `file("${path.module}/../beside/x.json")`), "real mods/beside/x.json": "{}\n", "real mods/beside/y.json": "{}\n"}},
	} {
		d := path.Join("stacks", "tricky-"+unit.name, env)
		beside(t, d)
		t.write(d+"/main.tf", unit.main)
		for name, text := range unit.files {
			t.write(path.Join(d, name), text)
		}
		if unit.name == "links" {
			t.link(d+"/folder", "real folder")
			t.link(d+"/chain.json", "middle.json")
			t.link(d+"/middle.json", "end.json")
			t.link(d+"/mods", "real mods")
			t.link(d+"/linked.tf", "first-link.txt")
			t.link(d+"/first-link.txt", "second-link.txt")
			t.write(d+"/second-link.txt", res("linked", `file("behind.json")`))
			t.write(d+"/behind.json", "{}\n")
		}
	}
}

func trickyKinds() []kind {
	inside := func(name string) func(*world) mutation {
		return func(w *world) mutation {
			files := w.any(`^stacks/tricky-` + name + `/(` + environments[w.n%3] + `/)?[^/]*(/[^/]*)*\.(json|tpl|yaml|yml|sh|csv|txt|tfvars|dat|tf)$`)
			files = without(files, func(file string) bool {
				return strings.Count(file, "/") > 2 && !strings.Contains(file, environments[w.n%3])
			})
			return editing(w, files[w.n%len(files):w.n%len(files)+1])
		}
	}
	return []kind{
		{"paths: in templates", 8, inside("template")},
		{"paths: path.cwd, functions of strings", 22, inside("paths")},
		{"paths: for_each of modules and of files' content", 14, inside("each")},
		{"paths: outputs, resources, count", 12, inside("output")},
		{"paths: objects, defaults, tables, conditions", 14, inside("object")},
		{"paths: try, can, checks, outputs", 9, inside("try")},
		{"paths: variables of every origin", 20, inside("vars")},
		{"paths: overrides", 14, inside("override")},
		{"paths: .tf.json", 11, inside("json")},
		{"paths: through links", 12, inside("links")},
		{"paths: values that a run gives (needs, secrets)", 6, func(w *world) mutation {
			return editing(w, w.any(`^users/.*/(by-name|mapped|hidden)/given\.json$`))
		}},
		{"paths: beside values that a run gives", 4, func(w *world) mutation {
			return editing(w, w.any(`^users/.*/(plain/(given|plain)\.json|notes\.txt|scripts/run\.sh)$`))
		}},
		{"paths: an absent file comes", 10, func(w *world) mutation {
			dir := one(w, w.unitDirs(`tricky-(try|each)`))
			name := dir + []string{"/first.json", "/maybe.json", "/default.json", "/health.json", "/staging.json"}[w.n%5]
			if matches("each", dir) {
				name = dir + []string{"/confs/new.yaml", "/confs/new.yml", "/docs/d.json", "/scripts/new.sh", "/confs/deep/new.yaml"}[w.n%5]
			}
			return mutation{what: "add " + name, change: func(t *tree) { t.write(name, "script: scripts/one.sh\n") }}
		}},
		{"paths: a file that is read goes", 8, func(w *world) mutation {
			name := one(w, w.read(`^stacks/tricky-.*\.(json|sh|yaml|csv)$`, 9))
			return mutation{what: "delete " + name, change: func(t *tree) { t.remove(name) }}
		}},
	}
}
