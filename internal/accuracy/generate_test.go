package accuracy

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// scale is how much of everything a generated repository has.
type scale struct{ regions, clients, services, edges, nested int }

var (
	// whole has 500 units (506 with providers).
	whole = scale{regions: 3, clients: 40, services: 16, edges: 3, nested: 5}
	// small has a unit of every sort.
	small = scale{regions: 1, clients: variants, services: 2, edges: 2, nested: 2}
)

const (
	submodule    = "vendor/platform-modules"
	submoduleTag = "pinned"
)

var regionNames = []string{"us-east-1", "eu-west-1", "ap-southeast-2"}

const strataYAML = `# What Strata knows of this repository.
version: 1
layers:
  - {name: foundation, path: "regions/{region}/layers/01-foundation/{env}"}
  - {name: platform, path: "regions/{region}/layers/02-platform/{env}", needs: [foundation]}
  - {name: databases, path: "regions/{region}/layers/03-databases/{env}", needs: [platform]}
  - name: applications
    path: "regions/{region}/layers/04-applications/{env}"
    needs: [databases]
    watch: ["shared/catalog/{env}/**/*.yaml"]
  - {name: clients, path: "regions/{region}/clients/{instance}/{env}", needs: [platform, databases]}
  - {name: nested, path: "regions/{region}/clients/{instance}/{env}/nested", needs: [clients]}
  - name: services
    path: "services/{instance}"
    environments: [production, staging, development]
    var-files: ["shared/tfvars/{env}.tfvars", "{path}/envs/{env}.tfvars"]
    backend: {config: shared/backend-configs/services.hcl, values: {path: "{env}.tfstate"}}
  - {name: edge, path: "edge/{instance}", environments: [production, staging], workspace: "{env}"}
  - {name: stacks, path: "stacks/{instance}/{env}", watch: ["{path}/.terraform-version"]}
  - name: users
    path: "users/{instance}/{env}"
    needs: [databases@us-east-1]
    inputs: {mapped: databases@us-east-1.size}
    secrets: [hidden]
unknown:
  - {glob: Terraform.image, select: all}
  - {glob: "ci/versions/*", select: all}
  - {glob: "ci/**", select: warn}
`

// generate writes a repository and commits it.
func generate(dir string, s scale, archive bool) *tree {
	t := &tree{dir: dir}
	t.write("strata.yaml", strataYAML)
	t.write(".gitignore", ".terraform/\n*.tfstate\n*.tfstate.*\nterraform.tfstate.d/\n*.tfplan\n*.ignored\n")
	shared(t)
	modules(t)
	vendored(t)
	for _, region := range regionNames[:s.regions] {
		for _, env := range environments {
			layers(t, region, env)
			for client := range s.clients {
				clientUnit(t, region, env, client)
			}
		}
	}
	for n := range s.nested {
		nestedUnit(t, n)
	}
	for n := range s.services {
		service(t, n)
	}
	for n := range s.edges {
		edge(t, n)
	}
	for _, env := range environments {
		stacks(t, env, archive)
		tricky(t, env)
		user(t, env)
	}
	t.git("init", "--quiet", "--initial-branch", "main")
	t.commit()
	return t
}

// shared writes what lies beside modules, and what nobody reads.
func shared(t *tree) {
	for _, env := range environments {
		t.write("shared/backend-configs/"+env+".hcl", "# where "+env+" keeps its states\nworkspace_dir = \"terraform.tfstate.d\"\n")
		t.write("shared/tfvars/"+env+".tfvars", "# for all services\nplan    = \""+env+"\"\nprofile = \"spare\"\n")
		t.write("shared/catalog/"+env+"/a.yaml", "name: a\n")
		t.write("shared/catalog/"+env+"/more/b.yaml", "name: b\n")
		t.write("shared/catalog/"+env+"/notes.md", "Nobody reads this.\n")
	}
	t.write("shared/backend-configs/services.hcl", "# the path comes from strata.yaml\n")
	t.write("shared/tfvars/client.tfvars", "owner = \"all\"\n")
	t.write("shared/common/versions.tf", "terraform {\n  required_version = \">= 1.6\"\n}\n")
	t.write("shared/common/versions-next.tf", "terraform {\n  required_version = \">= 1.5\"\n}\n")
	t.write("shared/scripts/start.sh", "#!/bin/sh\necho start\n")
	t.flip("shared/scripts/start.sh")
	t.write("README.md", "# Infrastructure\n")
	t.write("Makefile", "all:\n\ttrue\n")
	t.write("Terraform.image", "1.11\n")
	t.write("ci/pipeline.yml", "jobs: []\n")
	t.write("ci/versions/terraform", "1.11\n")
	t.write(".github/workflows/ci.yml", "on: push\n")
	for n := range 12 {
		t.write(fmt.Sprintf("docs/guide-%02d.md", n), "# Guide\n\n```hcl\nfile(\"x\")\n```\n")
		t.write(fmt.Sprintf("docs/examples/example-%02d.json", n), "{}\n")
	}
	t.write("scripts/release.sh", "#!/bin/sh\n")
	t.write("policies/deny.rego", "package terraform\n")
}

const resource = "resource \"terraform_data\" \"%s\" {\n  input = %s\n}\n"

// res is a resource with one input.
func res(name, input string) string { return fmt.Sprintf(resource, name, input) }

func variable(name, fallback string) string {
	if fallback == "" {
		return fmt.Sprintf("variable %q {}\n", name)
	}
	return fmt.Sprintf("variable %q {\n  default = %s\n}\n", name, fallback)
}

func call1(name, source string, args ...string) string {
	return fmt.Sprintf("module %q {\n  source = %q\n  %s\n}\n", name, source, strings.Join(args, "\n  "))
}

// modules writes the local modules that units share.
func modules(t *tree) {
	m := func(name string) string { return "shared/modules/" + name }
	t.write(m("labels/main.tf"), "locals {\n  raw = jsondecode(file(\"${path.module}/labels.json\"))\n}\n"+res("labels", "local.raw"))
	t.write(m("labels/labels.json"), "{\"team\": \"infra\"}\n")
	t.write(m("labels/README.md"), "# labels\n")

	for _, name := range []string{"network", "network-extra"} {
		t.write(m(name+"/main.tf"), call1("subnets", "../subnets")+
			"locals {\n  dir = \"${path.module}/rules\"\n}\n"+
			res("rules", `file("${local.dir}/base rules.json")`))
		t.write(m(name+"/outputs.tf"), "output \"done\" {\n  value = true\n}\n")
		t.write(m(name+"/rules/base rules.json"), "[]\n")
		t.write(m(name+"/rules/unused.json"), "[]\n")
	}
	t.write(m("subnets/main.tf"), call1("labels", "./../labels/")+
		res("subnet", `templatefile("${path.module}/templates/subnet.tpl", { name = "a" })`))
	t.write(m("subnets/templates/subnet.tpl"), "subnet ${name}\n")
	t.write(m("subnets/templates/old.tpl"), "subnet ${name}\n")

	t.write(m("handlers/main.tf"), "resource \"terraform_data\" \"handler\" {\n"+
		"  for_each = fileset(\"${path.module}/handlers\", \"*.json\")\n"+
		"  input    = file(\"${path.module}/handlers/${each.key}\")\n}\n")
	for _, name := range []string{"a", "b", "c d"} {
		t.write(m("handlers/handlers/"+name+".json"), "{}\n")
	}
	t.write(m("handlers/handlers/README.txt"), "Handlers.\n")
	t.write(m("handlers/handlers/off/z.json"), "{}\n")

	t.write(m("policies/main.tf"), variable("dir", "")+
		"locals {\n  all = merge([for f in fileset(var.dir, \"**/*.json\") : { (f) = jsondecode(file(\"${var.dir}/${f}\")) }]...)\n}\n"+
		res("policies", "keys(local.all)"))

	t.write(m("document/main.tf"), variable("path", "")+res("document", "file(var.path)")+res("sum", "filesha256(var.path)"))

	t.write(m("numbered/main.tf"), variable("files", "")+"resource \"terraform_data\" \"n\" {\n"+
		"  count = length(var.files)\n  input = filebase64(element(var.files, count.index))\n}\n")

	t.write(m("conf/main.tf"), "locals {\n  conf = yamldecode(file(\"${path.module}/conf.yaml\"))\n}\n"+
		res("script", `file("${path.module}/${local.conf.script}")`)+
		res("start", `filemd5("${path.module}/../../scripts/${local.conf.start}")`))
	t.write(m("conf/conf.yaml"), "script: scripts/a.sh\nstart: start.sh\n")
	t.write(m("conf/scripts/a.sh"), "echo a\n")
	t.write(m("conf/scripts/b.sh"), "echo b\n")

	t.write(m("optional/main.tf"), variable("name", `"extra"`)+
		res("root", `fileexists("${path.root}/extra.json") ? file("${path.root}/extra.json") : "none"`)+
		res("own", `fileexists("${path.module}/${var.name}.json") ? filesha1("${path.module}/${var.name}.json") : "none"`))

	t.write(m("catalog/main.tf"), variable("env", "")+
		"locals {\n  files = {\n    production  = \"prod\"\n    staging     = \"stage\"\n    development = \"dev\"\n  }\n}\n"+
		res("catalog", `yamldecode(file(format("%s/catalogs/%s.yaml", path.module, lookup(local.files, var.env, "none"))))`))
	for _, name := range []string{"prod", "stage", "dev", "none"} {
		t.write(m("catalog/catalogs/"+name+".yaml"), "name: "+name+"\n")
	}

	t.write(m("jsonmod/main.tf.json"), `{
  "resource": {
    "terraform_data": {
      "data": {"input": "${filemd5(\"${path.module}/data.bin\")}"}
    }
  }
}
`)
	t.write(m("jsonmod/data.bin"), "data\n")
	t.write(m("crlf/main.tf"), "\ufeff"+strings.ReplaceAll(res("crlf", `file("${path.module}/text.txt")`), "\n", "\r\n"))
	t.write(m("crlf/text.txt"), "text\r\n")
	t.write(m("crlf/more_override.tf"), strings.ReplaceAll("resource \"terraform_data\" \"crlf\" {\n  triggers_replace = 1\n}\n", "\n", "\r\n"))
	// A module's folder that is a link: what it calls starts from the real one.
	t.link(m("alias"), "../../vendor/real/net")
	t.write(m("unused/main.tf"), res("unused", `file("${path.module}/unused.txt")`))
	t.write(m("unused/unused.txt"), "unused\n")
}

// vendored writes the folder behind the linked module, and a submodule.
func vendored(t *tree) {
	t.write("vendor/real/net/main.tf", call1("common", "../common")+res("net", `file("${path.module}/net.json")`))
	t.write("vendor/real/net/net.json", "{}\n")
	t.write("vendor/real/common/main.tf", res("common", `file("${path.module}/common.json")`))
	t.write("vendor/real/common/common.json", "{}\n")
	// Not there for anybody: the link's own neighbour would be this.
	t.write("shared/modules/common/main.tf", res("decoy", "1"))
	t.write(".gitmodules", "[submodule \"platform-modules\"]\n\tpath = "+submodule+"\n\turl = ../platform-modules\n")
	t.write(submodule+"/zone/main.tf", res("zone", `file("${path.module}/zone.json")`))
	t.write(submodule+"/zone/zone.json", "{}\n")
	sub := &tree{dir: t.path(submodule)}
	sub.git("init", "--quiet", "--initial-branch", "main")
	sub.commit()
	sub.git("tag", submoduleTag)
}

const backend = "terraform {\n  backend \"local\" {}\n}\n"

// lookAlikes are references that are none.
const lookAlikes = `
# module "comment" { source = "../../../../../shared/modules/unused" }
// file("${path.module}/notes.txt")
/*
resource "terraform_data" "gone" {
  input = file("${path.module}/README.md")
}
*/
locals {
  text = <<-EOT
    module "heredoc" {
      source = "../../../../../shared/modules/unused"
    }
    $${file("notes.txt")} file("README.md")
  EOT
}
`

// beside writes what lies in a unit's folder and nobody reads.
func beside(t *tree, dir string) {
	t.write(dir+"/README.md", "# "+dir+"\n")
	t.write(dir+"/notes.txt", "Notes.\n")
	t.write(dir+"/scripts/run.sh", "#!/bin/sh\n")
}

// layers writes one region's and environment's four layers.
func layers(t *tree, region, env string) {
	up := "../../../../../shared/modules/"
	dir := func(layer string) string { return path.Join("regions", region, "layers", layer, env) }

	d := dir("01-foundation")
	beside(t, d)
	t.write(d+"/backend.tf", backend)
	t.write(d+"/main.tf", call1("network", up+"network")+
		call1("document", up+"document", `path = "${path.root}/policy.json"`)+
		call1("relative", up+"document/", `path = "policies/second policy.json"`)+
		variable("region", "")+variable("size", "1")+res("region", "\"${var.region}-${var.size}\""))
	t.write(d+"/policy.json", "{}\n")
	t.write(d+"/policies/second policy.json", "{}\n")
	t.write(d+"/policies/third.json", "{}\n")
	t.write(d+"/terraform.tfvars", "region = \""+region+"\"\n")
	t.write(d+"/.terraform.lock.hcl", "# This file is maintained automatically by \"terraform init\".\n")
	t.write(d+"/tests/basic.tftest.hcl", "run \"basic\" {\n  command = plan\n}\n")

	d = dir("02-platform")
	beside(t, d)
	t.write(d+"/backend.tf", backend)
	t.write(d+"/main.tf", call1("handlers", up+"handlers")+
		call1("policies", "./"+up+"policies", `dir = "${path.module}/policies"`)+
		variable("names", "[]")+variable("tags", "{}")+res("names", "[var.names, var.tags]")+lookAlikes)
	t.write(d+"/policies/a.json", "{\"a\": 1}\n")
	t.write(d+"/policies/deep/er/b.json", "{\"b\": 1}\n")
	t.write(d+"/policies/c.txt", "no policy\n")
	t.write(d+"/app.auto.tfvars", "names = [\"a\"]\n")
	t.write(d+"/tags.auto.tfvars.json", "{\"tags\": {\"a\": \"b\"}}\n")
	t.write(d+"/off.tfvars", "names = [\"nobody gives this\"]\n")

	d = dir("03-databases")
	beside(t, d)
	t.write(d+"/main.tf", call1("numbered", up+"numbered", `files = [for f in ["a.bin", "b.bin"] : "${path.module}/data/${f}"]`)+
		call1("conf", up+"conf")+variable("size", "1")+res("size", "var.size"))
	t.write(d+"/override.tf", "module \"numbered\" {\n  files = [\"${path.module}/data/b.bin\", \"${path.module}/data/c.bin\"]\n}\n")
	for _, name := range []string{"a", "b", "c"} {
		t.write(d+"/data/"+name+".bin", name+"\n")
	}
	t.link(d+"/versions.tf", "../../../../../shared/common/versions.tf")

	d = dir("04-applications")
	beside(t, d)
	t.write(d+"/backend.tf", backend)
	t.write(d+"/main.tf", call1("alias", up+"alias")+call1("crlf", up+"crlf")+lookAlikes)
	t.write(d+"/extra.tf.json", "{\"module\": {\"json\": {\"source\": \""+up+"jsonmod\"}}}\n")
	t.write(d+"/more.tf", "\ufeff"+strings.ReplaceAll(res("more", `fileexists("${path.module}/more.json") ? file("${path.module}/more.json") : "none"`), "\n", "\r\n"))
}

// variants is how many sorts of clients there are.
const variants = 12

func clientName(n int) string {
	names := []string{"acme", "acme-west", "acme.eu", "bolt", "bolt2", "cargo", "delta", "delta-1", "delta-10", "echo", "fox", "golf"}
	if n < len(names) {
		return names[n]
	}
	return fmt.Sprintf("client-%d", n)
}

func clientUnit(t *tree, region, env string, n int) {
	up := "../../../../../shared/modules/"
	d := path.Join("regions", region, "clients", clientName(n), env)
	beside(t, d)
	t.write(d+"/variables.tf", variable("owner", `"nobody"`)+variable("pick", `"client"`))
	main := res("owner", "var.owner")
	switch n % variants {
	case 0:
		main += call1("network", up+"network") + lookAlikes
	case 1:
		main += call1("subnets", "./"+up+"subnets/")
	case 2:
		main += call1("labels", up+"labels") + call1("catalog", up+"catalog", fmt.Sprintf("env = %q", env))
	case 3:
		main += call1("document", up+"document", `path = "${path.root}/${var.pick}.json"`)
	case 4:
		main += call1("document", up+"document", `path = "./client.json"`) + call1("optional", up+"optional")
	case 5:
		main += call1("handlers", up+"handlers")
	case 6:
		main += call1("policies", up+"policies", `dir = "${path.module}/policies"`)
		t.write(d+"/policies/one.json", "{\"one\": 1}\n")
		t.write(d+"/policies/sub folder/two.json", "{\"two\": 1}\n")
		t.write(d+"/policies/notes.md", "Notes.\n")
		t.link(d+"/policies/linked.json", "../client.json")
	case 7:
		main += call1("numbered", up+"numbered", `files = tolist([for f in fileset(path.module, "data/*.{bin,dat}") : "${path.module}/${f}"])`)
		t.write(d+"/data/a.bin", "a\n")
		t.write(d+"/data/b.dat", "b\n")
		t.write(d+"/data/c.txt", "c\n")
	case 8:
		main += call1("conf", up+"conf")
		t.link(d+"/versions.tf", "../../../../../shared/common/versions.tf")
	case 9:
		main += call1("alias", up+"alias")
	case 10:
		main += call1("crlf", up+"crlf")
		t.write(d+"/more.tf.json", "{\"module\": {\"json\": {\"source\": \""+up+"jsonmod/\"}}}\n")
	case 11:
		main += call1("extra", up+"network-extra") + call1("zone", "../../../../../"+submodule+"/zone")
	}
	t.write(d+"/client.json", "{\"client\": 1}\n")
	t.write(d+"/other client.json", "{\"client\": 2}\n")
	main += res("own", `filebase64sha256("${path.module}/other client.json")`)
	if n%2 == 0 {
		t.write(d+"/backend.tf", backend)
	}
	switch n % 5 {
	case 0:
		t.write(d+"/terraform.tfvars", "owner = \"one\"\npick  = \"client\"\n")
	case 1:
		t.link(d+"/terraform.tfvars", "../../../../../shared/tfvars/client.tfvars")
	case 2:
		t.write(d+"/terraform.tfvars.json", "{\"owner\": \"two\"}\n")
	case 3:
		t.write(d+"/owner.auto.tfvars", "owner = \"three\"\n")
	case 4:
		t.link(d+"/terraform.tfvars", "../local.tfvars") // nothing there
	}
	t.write(d+"/main.tf", main)
}

// nestedUnit writes a unit below a client's folder.
func nestedUnit(t *tree, n int) {
	d := path.Join("regions", regionNames[0], "clients", clientName(n), environments[n%3], "nested")
	beside(t, d)
	t.write(d+"/main.tf", res("nested", `file("${path.module}/nested.json")`)+
		call1("labels", "../../../../../../shared/modules/labels"))
	t.write(d+"/nested.json", "{}\n")
}

// service writes a folder that three units share.
func service(t *tree, n int) {
	d := fmt.Sprintf("services/svc-%d", n)
	beside(t, d)
	t.write(d+"/backend.tf", backend)
	t.write(d+"/main.tf", variable("plan", "")+variable("profile", "")+variable("unset", `"x"`)+
		res("plan", "var.plan")+res("profile", `jsondecode(file("${path.module}/profiles/${var.profile}.json"))`))
	for _, env := range environments {
		t.write(d+"/envs/"+env+".tfvars", "profile = \""+env+"\"\n")
		t.write(d+"/profiles/"+env+".json", "{}\n")
	}
	t.write(d+"/profiles/spare.json", "{}\n")
	t.link(d+"/versions.tf", "../../shared/common/versions.tf")
}

// edge writes a folder that workspaces tell apart.
func edge(t *tree, n int) {
	d := fmt.Sprintf("edge/site-%d", n)
	beside(t, d)
	t.write(d+"/main.tf", res("site", `file("${path.module}/sites/${terraform.workspace}.json")`)+
		res("all", `sort(fileset("${path.module}", "sites/*.json"))`))
	for _, env := range environments {
		t.write(d+"/sites/"+env+".json", "{}\n")
	}
}

// stacks writes units whose names begin alike, and whose own modules others
// use.
func stacks(t *tree, env string, archive bool) {
	for i, name := range []string{"stack-a", "stack-aa", "stack-a-b", "stack-b", "stack-c"} {
		d := path.Join("stacks", name, env)
		beside(t, d)
		t.write(d+"/.terraform-version", "1.11.4\n")
		main := res("own", `file("${path.module}/own.json")`)
		switch i {
		case 0, 1:
			main += call1("inner", "./modules/inner")
			t.write(d+"/modules/inner/main.tf", res("inner", `file("${path.module}/inner.json")`))
			t.write(d+"/modules/inner/inner.json", "{}\n")
			t.write(d+"/modules/inner-2/main.tf", res("nobody", "1"))
		case 2, 3:
			main += call1("inner", "../../stack-a/"+env+"/modules/inner/")
		case 4:
			main += res("items", `{ for f in fileset("${path.module}/items", "**") : f => filesha256("${path.module}/items/${f}") }`)
			t.write(d+"/items/a", "a\n")
			t.write(d+"/items/deep/b", "b\n")
			t.link(d+"/items/linked", "../linked items")
			t.write(d+"/linked items/c", "c\n")
		}
		t.write(d+"/own.json", "{}\n")
		t.write(d+"/main.tf", main)
	}
	if !archive {
		return
	}
	for _, name := range []string{"stack-zip", "stack-zip-2"} {
		d := path.Join("stacks", name, env)
		beside(t, d)
		t.write(d+"/main.tf", `locals {
  name = "handler"
}

data "archive_file" "folder" {
  type        = "zip"
  source_dir  = "${path.module}/lambda"
  output_path = "${path.module}/.terraform/folder.zip"
}

data "archive_file" "file" {
  type        = "zip"
  source_file = "${path.module}/single/${local.name}.py"
  output_path = "${path.module}/.terraform/file.zip"
}
`)
		t.write(d+"/lambda/index.py", "print(1)\n")
		t.write(d+"/lambda/lib/util.py", "print(2)\n")
		t.write(d+"/single/handler.py", "print(3)\n")
		t.write(d+"/single/other.py", "print(4)\n")
	}
}

// user writes a unit that gets values when it runs: of a need by name (through
// another need), of one by strata.yaml, a secret. The files that they name are
// not those of the defaults.
func user(t *tree, env string) {
	d := path.Join("users", "one", env)
	beside(t, d)
	t.write(d+"/main.tf", variable("foundation_name", `"default"`)+variable("mapped", `"default"`)+variable("hidden", `"default"`)+variable("foundry_name", `"plain"`)+
		res("name", `file("${path.module}/by-name/${var.foundation_name}.json")`)+res("mapped", `file("${path.module}/mapped/${var.mapped}.json")`)+
		res("hidden", `file("${path.module}/hidden/${var.hidden}.json")`)+res("plain", `file("${path.module}/plain/${var.foundry_name}.json")`))
	for _, dir := range []string{"by-name", "mapped", "hidden"} {
		t.write(d+"/"+dir+"/given.json", "{}\n")
	}
	t.write(d+"/plain/plain.json", "{}\n")
	t.write(d+"/plain/given.json", "{}\n")
}

// pickFrom is the list without what drop says.
func without(list []string, drop func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(list), drop)
}
