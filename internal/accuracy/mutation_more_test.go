package accuracy

import (
	"fmt"
	"path"
	"strings"
)

func linkKinds() []kind {
	clientVars := func(w *world) string { return one(w, w.links(`clients/.*/terraform\.tfvars$`)) }
	return []kind{
		{"link: retargeted .tf", 4, func(w *world) mutation {
			name := one(w, w.links(`versions\.tf$`))
			return mutation{what: "retarget " + name, change: func(t *tree) {
				t.link(name, strings.Repeat("../", strings.Count(name, "/"))+"shared/common/versions-next.tf")
			}}
		}},
		{"link: retargeted tfvars", 6, func(w *world) mutation {
			name := clientVars(w)
			return mutation{what: "retarget " + name, change: func(t *tree) { t.link(name, "client.json.none") }}
		}},
		{"link: retargeted module", 3, func(w *world) mutation {
			return mutation{what: "alias leads elsewhere", change: func(t *tree) {
				t.link("shared/modules/alias", []string{"../../vendor/real/common", "crlf", "labels"}[w.n%3])
			}}
		}},
		{"link: what it leads to is edited", 10, func(w *world) mutation {
			return editing(w, []string{"shared/common/versions.tf", "shared/tfvars/client.tfvars", "vendor/real/net/main.tf", "vendor/real/net/net.json",
				"vendor/real/common/main.tf", "vendor/real/common/common.json", one(w, w.any(`stack-c/.*/linked items/`)),
				one(w, w.any(`clients/delta/[a-z]*/client.json$`)), "shared/modules/common/main.tf", "shared/common/versions-next.tf"}[w.n%10:w.n%10+1])
		}},
		{"link: becomes a file", 6, func(w *world) mutation {
			name := one(w, w.links(`versions\.tf$|terraform\.tfvars$|linked\.json$`))
			return mutation{what: "file for " + name, change: func(t *tree) {
				t.remove(name)
				t.write(name, map[string]string{".tf": "terraform {}\n", ".tfvars": "owner = \"five\"\n", ".json": "{}\n"}[path.Ext(name)])
			}}
		}},
		{"link: becomes a file of the same content", 4, func(w *world) mutation {
			name := one(w, w.links(`versions\.tf$|linked\.json$`))
			return mutation{what: "same file for " + name, change: func(t *tree) {
				text := t.read(name)
				t.remove(name)
				t.write(name, text)
			}}
		}},
		{"link: in the place of a file", 6, func(w *world) mutation {
			name := one(w, w.read(`clients/.*/(client|other client)\.json$|own\.json$|profiles/[^s].*json$`, 9))
			return mutation{what: "link for " + name, change: func(t *tree) {
				t.rename(name, path.Dir(name)+"/behind.txt")
				t.link(name, "behind.txt")
			}}
		}},
		{"link: in the place of a module", 3, func(w *world) mutation {
			name := []string{"shared/modules/jsonmod", "shared/modules/crlf", "shared/modules/network-extra"}[w.n%3]
			return mutation{what: "link for " + name, change: func(t *tree) {
				t.rename(name, "vendor/moved/"+path.Base(name))
				t.link(name, "../../vendor/moved/"+path.Base(name))
				if strings.HasSuffix(name, "extra") {
					t.replace("vendor/moved/network-extra/main.tf", "../subnets", "../../../shared/modules/subnets")
				}
			}}
		}},
		{"link: that nobody follows", 3, func(w *world) mutation {
			return mutation{what: "a link in docs", setup: func(t *tree) { t.link("docs/link.md", "guide-00.md") },
				change: func(t *tree) { t.link("docs/link.md", []string{"guide-01.md", "../README.md", "nowhere"}[w.n%3]) }}
		}},
	}
}

// ofLayer is what a change of one layer's configuration means.
func ofLayer(layer string, also ...func(unit) bool) func(unit) verdict {
	return func(u unit) verdict {
		for _, f := range also {
			if !f(u) {
				return no
			}
		}
		if u.layer == layer {
			return must_
		}
		return no
	}
}

// nothing: the change of strata.yaml means nothing for any unit.
func nothing(unit) verdict { return no }

func configKinds() []kind {
	yaml := func(what, old, new string, means func(unit) verdict) mutation {
		return mutation{what: what, change: func(t *tree) { t.replace("strata.yaml", old, new) }, configured: means}
	}
	return []kind{
		{"strata.yaml: one layer's settings", 10, func(w *world) mutation {
			return []mutation{
				yaml("services: other backend values", `{path: "{env}.tfstate"}`, `{path: "{env}-2.tfstate"}`, ofLayer("services")),
				yaml("edge: other workspace", `workspace: "{env}"`, `workspace: "{env}-{region}"`, ofLayer("edge")),
				yaml("clients: inputs", `needs: [platform, databases]}`, `needs: [platform, databases], inputs: {owner: platform.owner}}`, ofLayer("clients")),
				yaml("clients: secrets", `needs: [platform, databases]}`, `needs: [platform, databases], secrets: [owner]}`, ofLayer("clients")),
				yaml("stacks: other watch", `["{path}/.terraform-version"]`, `["{path}/.terraform-version", "{path}/.tool-versions"]`, ofLayer("stacks")),
				yaml("services: one var file fewer", `"shared/tfvars/{env}.tfvars", "{path}`, `"{path}`, ofLayer("services")),
				yaml("services: other order of var files", `["shared/tfvars/{env}.tfvars", "{path}/envs/{env}.tfvars"]`, `["{path}/envs/{env}.tfvars", "shared/tfvars/{env}.tfvars"]`, ofLayer("services")),
				yaml("platform: secrets", `needs: [foundation]}`, `needs: [foundation], secrets: [names]}`, ofLayer("platform")),
				yaml("nested: backend", `/{env}/nested", `, `/{env}/nested", backend: {values: {path: x.tfstate}}, `, ofLayer("nested")),
				yaml("applications: watches more", `/**/*.yaml"]`, `/**/*.yaml", "shared/common/*"]`, ofLayer("applications")),
			}[w.n%10]
		}},
		{"strata.yaml: nothing that concerns a unit", 8, func(w *world) mutation {
			return []mutation{
				yaml("a comment", "version: 1\n", "# More.\nversion: 1 # one\n", nothing),
				yaml("written otherwise", `{name: stacks, path: "stacks/{instance}/{env}", watch: ["{path}/.terraform-version"]}`,
					"name: stacks\n    path: stacks/{instance}/{env}\n    watch:\n      - '{path}/.terraform-version'", nothing),
				yaml("a tool's place", "version: 1\n", "version: 1\ntools: {opa: {binary: opa}}\n", nothing),
				yaml("an environment's branch", "version: 1\n", "version: 1\nenvironments: {production: {branch: release}, staging: {}, development: {}}\n", nothing),
				yaml("another layer, without units", "unknown:\n", "  - {name: more, path: \"more/{instance}/{env}\"}\nunknown:\n", nothing),
				yaml("a rule for unknown files", "unknown:\n", "unknown:\n  - {glob: \"docs/**\", select: warn}\n", nothing),
				yaml("how long a lock is waited for", "version: 1\n", "version: 1\nterraform: {lock-timeout: 7m}\n", nothing),
				{what: "the order of layers", configured: nothing, change: func(t *tree) {
					const line = `  - {name: stacks, path: "stacks/{instance}/{env}", watch: ["{path}/.terraform-version"]}` + "\n"
					t.replace("strata.yaml", line, "")
					t.replace("strata.yaml", "layers:\n", "layers:\n"+line)
				}},
			}[w.n%8]
		}},
		{"strata.yaml: a layer goes", 2, func(w *world) mutation {
			line := []string{`  - {name: edge, path: "edge/{instance}", environments: [production, staging], workspace: "{env}"}` + "\n",
				`  - {name: nested, path: "regions/{region}/clients/{instance}/{env}/nested", needs: [clients]}` + "\n"}[w.n%2]
			layer := []string{"edge", "nested"}[w.n%2]
			return mutation{what: "no layer " + layer, configured: nothing, gone: layer,
				change: func(t *tree) { t.replace("strata.yaml", line, "") }}
		}},
		{"var file: edited", 8, func(w *world) mutation {
			return editing(w, w.any(`^shared/tfvars/(prod|stag|dev)|^services/.*/envs/`))
		}},
		{"var file: one that nobody gives", 3, func(w *world) mutation {
			name := []string{one(w, w.any(`off\.tfvars$`)), "shared/tfvars/none.tfvars", "services/svc-0/envs/none.tfvars"}[w.n%3]
			return mutation{what: "change " + name, setup: func(t *tree) { t.write(name, "# one\n") }, change: func(t *tree) { edit(t, name) }}
		}},
		{"backend config: edited", 6, func(w *world) mutation { return editing(w, w.any(`^shared/backend-configs/`)) }},
		{"backend config: added or deleted", 4, func(w *world) mutation {
			name := "shared/backend-configs/" + environments[w.n%3] + ".hcl"
			if w.n%2 == 0 {
				return mutation{what: "delete " + name, change: func(t *tree) { t.remove(name) }}
			}
			return mutation{what: "add " + name, setup: func(t *tree) { t.remove(name) },
				change: func(t *tree) { t.write(name, "workspace_dir = \"terraform.tfstate.d\"\n") }}
		}},
		{"lock file: edited", 4, func(w *world) mutation { return editing(w, w.any(`\.terraform\.lock\.hcl$`)) }},
		{"watch: a watched file changes", 10, func(w *world) mutation {
			env := environments[w.n%3]
			name := []string{"shared/catalog/" + env + "/a.yaml", "shared/catalog/" + env + "/more/b.yaml", "shared/catalog/" + env + "/new/c.yaml",
				one(w, w.any(`^stacks/.*/\.terraform-version$`))}[w.n%4]
			return mutation{what: "change " + name, change: func(t *tree) {
				if !t.exists(name) {
					t.write(name, "new: true\n")
				} else if w.n > 6 {
					t.remove(name)
				} else {
					edit(t, name)
				}
			}}
		}},
		{"watch: beside a watched file", 6, func(w *world) mutation {
			env := environments[w.n%3]
			name := []string{"shared/catalog/" + env + "/notes.md", "shared/catalog/" + env + "-2/a.yaml", "shared/catalog/a.yaml",
				one(w, w.unitDirs(`clients`)) + "/.terraform-version"}[w.n%4]
			return mutation{what: "change " + name, setup: func(t *tree) { t.write(name, "one\n") }, change: func(t *tree) { edit(t, name) }}
		}},
		{"unknown: a file that a rule gives to all", 3, func(w *world) mutation {
			return editing(w, []string{"Terraform.image", "ci/versions/terraform"}[w.n%2:w.n%2+1])
		}},
		{"unknown: a file that a rule only warns of", 2, func(w *world) mutation { return editing(w, w.any(`^ci/pipeline`)) }},
	}
}

func moveKinds() []kind {
	return []kind{
		{"rename: a .tf file", 6, func(w *world) mutation {
			name := one(w, w.read(`/(main|variables|outputs)\.tf$`, 60))
			return mutation{what: "rename " + name, change: func(t *tree) { t.rename(name, path.Dir(name)+"/renamed.tf") }}
		}},
		{"rename: a file that is read", 6, func(w *world) mutation {
			name := one(w, without(w.read(`\.(json|tpl|yaml|bin|sh)$`, 60), notModuleTF))
			return mutation{what: "rename " + name, change: func(t *tree) { t.rename(name, name+".old") }}
		}},
		{"rename: within what a fileset matches", 4, func(w *world) mutation {
			name := one(w, w.any(`handlers/handlers/[abc][^/]*json$|/policies/.*/?[a-z]*\.json$`))
			return mutation{what: "rename " + name, change: func(t *tree) { t.rename(name, path.Dir(name)+"/renamed.json") }}
		}},
		{"rename: only the case", 4, func(w *world) mutation {
			name := one(w, w.read(`clients/.*/(client|other client)\.json$|/main\.tf$|labels\.json$`, 60))
			return mutation{what: "case of " + name, change: func(t *tree) {
				t.rename(name, path.Join(path.Dir(name), strings.ToUpper(path.Base(name)[:1])+path.Base(name)[1:]))
			}}
		}},
		{"rename: a file that nobody reads", 6, func(w *world) mutation {
			name := one(w, w.unread(`\.(md|txt)$|/run\.sh$|^docs/`))
			return mutation{what: "rename " + name, change: func(t *tree) { t.rename(name, name+".bak") }}
		}},
		{"rename: a file that nobody reads becomes one that is", 4, func(w *world) mutation {
			dir := one(w, w.unitDirs(`clients/(bolt2|client-16)/`))
			return mutation{what: "notes.txt becomes extra.json in " + dir, change: func(t *tree) { t.rename(dir+"/notes.txt", dir+"/extra.json") }}
		}},
		{"move: a module, its callers follow", 4, func(w *world) mutation {
			name := []string{"jsonmod", "optional", "catalog", "conf"}[w.n%4]
			return mutation{what: "move module " + name, change: func(t *tree) {
				t.rename("shared/modules/"+name, "shared/moved/"+name)
				for _, file := range w.any(`\.tf(\.json)?$`) {
					if t.exists(file) && strings.Contains(t.read(file), "shared/modules/"+name) {
						t.replace(file, "shared/modules/"+name, "shared/moved/"+name)
					}
				}
			}}
		}},
		{"move: a module from below others", 2, func(w *world) mutation {
			return mutation{what: "move module labels", change: func(t *tree) {
				t.rename("shared/modules/labels", "shared/labels")
				t.replace("shared/modules/subnets/main.tf", "./../labels/", "./../../labels/")
				for _, file := range w.any(`(clients|nested)/.*main\.tf$`) {
					if strings.Contains(t.read(file), "shared/modules/labels") {
						t.replace(file, "shared/modules/labels", "shared/labels")
					}
				}
			}}
		}},
		{"move: a unit", 5, func(w *world) mutation {
			dir := one(w, w.unitDirs(`clients/[^/]*/[a-z]*$|stacks/stack-c`))
			parent := path.Dir(dir)
			return mutation{what: "move " + dir, change: func(t *tree) { t.rename(dir, parent+"-moved/"+path.Base(dir)) }}
		}},
		{"move: a unit's folder becomes a module", 3, func(w *world) mutation {
			dir := one(w, w.unitDirs(`clients/(fox|client-22|echo|client-21)/[a-z]*$`))
			return mutation{what: dir + " becomes a module", change: func(t *tree) {
				t.rename(dir, "shared/was/a/unit/once") // as deep as before
				t.write(dir+"/main.tf", call1("old", "../../../../../shared/was/a/unit/once"))
			}}
		}},
		{"switch: a unit calls another module", 6, func(w *world) mutation {
			dir := one(w, w.unitDirs(`clients/(acme|client-12|client-24)/[a-z]*$`))
			if w.n%2 == 0 {
				return mutation{what: "switch in " + dir, change: func(t *tree) { t.replace(dir+"/main.tf", "/network\"", "/network-extra\"") }}
			}
			return mutation{what: "edit a module no longer called by " + dir, setup: func(t *tree) {
				t.replace(dir+"/main.tf", "/network\"", "/network-extra\"")
			}, change: func(t *tree) { edit(t, "shared/modules/network/outputs.tf") }}
		}},
	}
}

func brokenKinds() []kind {
	return []kind{
		{"broken: a half-written file", 10, func(w *world) mutation {
			name := one(w, w.read(`\.tf(\.json)?$`, 60))
			return mutation{what: "cut " + name, change: func(t *tree) {
				text := t.read(name)
				t.write(name, text[:len(text)*2/3]+"\nresource \"x\" {")
			}}
		}},
		{"broken: mended again", 6, func(w *world) mutation {
			name := one(w, w.read(`\.tf$`, 60))
			return mutation{what: "mend " + name, setup: func(t *tree) { t.add(name, "\nresource \"x\" {") },
				change: func(t *tree) { t.write(name, strings.TrimSuffix(t.read(name), "\nresource \"x\" {")) }}
		}},
		{"broken: a change while a unit's file is half-written", 12, func(w *world) mutation {
			u := w.o.units[one(w, w.ids(`^(clients/(bolt|bolt2|delta|delta-1|echo|acme|fox)@|foundation|platform|services|stacks)`))]
			name := one(w, w.inputsOf(u.id))
			return mutation{what: "edit " + name + " while " + u.path + "/main.tf is half-written",
				setup: func(t *tree) { t.add(u.path+"/main.tf", "\nresource \"x\" {") }, change: func(t *tree) { edit(t, name) }}
		}},
		{"broken: a change while a module's file is half-written", 8, func(w *world) mutation {
			module := []string{"handlers", "labels", "network-extra", "conf", "policies", "document", "optional", "catalog"}[w.n%8]
			files := w.read(`^shared/modules/`+module+`/.*\.(json|yaml|sh)$|^shared/modules/labels`, 400)
			name := one(w, without(append(files, "shared/modules/labels/labels.json"), func(name string) bool { return strings.HasSuffix(name, "/main.tf") }))
			return mutation{what: "edit " + name + " while module " + module + " is half-written",
				setup: func(t *tree) { t.add("shared/modules/"+module+"/main.tf", "\n}}} ${") }, change: func(t *tree) { edit(t, name) }}
		}},
		{"broken: syntax of Terraform 0.11", 6, func(w *world) mutation {
			u := w.o.units[one(w, w.ids(`^(clients/(bolt|bolt2|delta|echo|acme)@|foundation|platform)`))]
			name := one(w, w.inputsOf(u.id))
			return mutation{what: "edit " + name + " while " + u.path + " is of 0.11",
				setup: func(t *tree) {
					t.add(u.path+"/main.tf", "\nvariable \"old\" {\n  type = \"map\"\n\n  default = {\n    a.b = \"1\"\n  }\n}\n\nresource \"terraform_data\" \"old\" {\n  count = \"${var.old[\"a.b\"]}\" \"\"\n}\n")
				}, change: func(t *tree) { edit(t, name) }}
		}},
		{"broken: a file that is read goes, then comes back", 4, func(w *world) mutation {
			name := one(w, without(w.read(`\.(json|tpl|bin|sh)$`, 60), notModuleTF))
			return mutation{what: "back: " + name, setup: func(t *tree) { t.remove(name) }, change: func(t *tree) { t.write(name, "{}\n") }}
		}},
		{"broken: half-written tfvars", 4, func(w *world) mutation {
			name := one(w, w.read(`\.tfvars$`, 60))
			if w.n%2 == 0 {
				return mutation{what: "cut " + name, change: func(t *tree) { t.add(name, "x = {") }}
			}
			u := w.o.units[one(w, w.ids(`^(platform|stacks/tricky-vars)`))]
			file := one(w, w.inputsOf(u.id))
			return mutation{what: "edit " + file + " while tfvars of " + u.path + " are half-written",
				setup: func(t *tree) { t.write(u.path+"/0.auto.tfvars", "x = {") }, change: func(t *tree) { edit(t, file) }}
		}},
		{"broken: not UTF-8", 3, func(w *world) mutation {
			name := one(w, w.read(`\.tf$`, 60))
			return mutation{what: "bytes in " + name, change: func(t *tree) { t.add(name, "\n# \xff\xfe\x00\n") }}
		}},
		{"broken: a cycle of modules", 2, func(w *world) mutation {
			return mutation{what: "labels calls subnets", change: func(t *tree) {
				t.add("shared/modules/labels/main.tf", call1("round", "../subnets"))
			}}
		}},
		{"broken: a module that is missing, then comes", 3, func(w *world) mutation {
			dir := one(w, w.unitDirs(`clients/(fox|echo|golf)/[a-z]*$`))
			name := fmt.Sprintf("shared/modules/late-%d", w.n)
			return mutation{what: name + " comes", setup: func(t *tree) { t.add(dir+"/main.tf", call1("late", "../../../../../"+name)) },
				change: func(t *tree) { t.write(name+"/main.tf", res("late", "1")) }}
		}},
	}
}

// ids lists the units that match.
func (w *world) ids(pattern string) []string {
	var found []string
	for _, id := range sortedKeys(w.o.units) {
		if matches(pattern, id) {
			found = append(found, id)
		}
	}
	return found
}

// inputsOf lists files that a unit reads besides its .tf files.
func (w *world) inputsOf(id string) []string {
	var found []string
	for _, name := range sortedKeys(w.o.traces[id].opened) {
		if w.o.now.state(name).shape == "file" && !strings.HasSuffix(name, "/main.tf") && !strings.HasSuffix(name, ".hcl") {
			found = append(found, name)
		}
	}
	return found
}

func quietKinds() []kind {
	return []kind{
		{"nobody's: docs, scripts, README, CI files", 16, func(w *world) mutation {
			return editing(w, w.unread(`README\.md$|notes\.(txt|md)$|/scripts/(run|release)\.sh$|^docs/|^\.github|^Makefile|^policies/`))
		}},
		{"nobody's: a file is added", 10, func(w *world) mutation {
			name := []string{"docs/new.md", one(w, w.unitDirs(`.`)) + "/CHANGELOG.md", "shared/modules/subnets/templates/new.tpl",
				"shared/modules/labels/test/main.tf", one(w, w.unitDirs(`.`)) + "/files/new.json", "new/main.tf", "shared/modules/new/main.tf",
				one(w, w.unitDirs(`clients`)) + "/main.tf.bak", one(w, w.unitDirs(`clients`)) + "/.hidden.tf", one(w, w.unitDirs(`clients`)) + "/main.tf~"}[w.n%10]
			return mutation{what: "add " + name, change: func(t *tree) { t.write(name, "# nothing\n") }}
		}},
		{"nobody's: a look-alike names the file", 12, func(w *world) mutation {
			dir := one(w, w.unitDirs(`clients|foundation`))
			target := fmt.Sprintf("docs/guide-%02d.md", w.n)
			up := strings.Repeat("../", strings.Count(dir, "/")+1)
			text := []string{
				"# file(\"" + up + target + "\")\n",
				"/* module \"x\" { source = \"" + up + "docs\" } */\n",
				"locals {\n  t = <<EOT\nfile(\"" + up + target + "\")\nEOT\n}\n",
				"locals {\n  t = \"$${file(\\\"" + up + target + "\\\")}\"\n}\n",
				"// templatefile(\"" + up + target + "\", {})\n",
				"locals {\n  t = \"see " + target + "\"\n}\n",
			}[w.n%6]
			return mutation{what: "a look-alike in " + dir, setup: func(t *tree) { t.add(dir+"/main.tf", text) }, change: func(t *tree) { edit(t, target) }}
		}},
		{"nobody's: what Terraform writes", 6, func(w *world) mutation {
			dir := one(w, w.unitDirs(`.`))
			name := dir + []string{"/.terraform/modules/modules.json", "/terraform.tfstate", "/terraform.tfstate.backup", "/out.tfplan", "/.terraform/x.tf", "/errored.tfstate"}[w.n%6]
			return mutation{what: "commit " + name, change: func(t *tree) {
				t.write(name, "{}\n")
				t.git("add", "--force", name)
			}}
		}},
		{"nobody's: a module that is not called", 4, func(w *world) mutation {
			return editing(w, []string{"shared/modules/unused/main.tf", "shared/modules/unused/unused.txt", "shared/modules/common/main.tf",
				one(w, w.any(`stack-a/.*/modules/inner-2/main.tf`))}[w.n%4:w.n%4+1])
		}},
		{"nobody's: an empty commit", 1, func(w *world) mutation {
			return mutation{what: "empty", change: func(*tree) {}}
		}},
	}
}

func historyKinds() []kind {
	return []kind{
		{"history: changed and changed back", 4, func(w *world) mutation {
			name := one(w, w.read(`.`, 60))
			return mutation{what: "edit and revert " + name, change: func(t *tree) {
				text := t.read(name)
				edit(t, name)
				t.commit()
				must(writeSame(t, name, text))
			}}
		}},
		{"history: several commits", 4, func(w *world) mutation {
			a, b := one(w, w.read(`.`, 60)), one(w, w.read(`.`, 60))
			return mutation{what: "edit " + a + ", then " + b, change: func(t *tree) {
				edit(t, a)
				t.commit()
				edit(t, b)
			}}
		}},
		{"history: the other branch went on", 6, func(w *world) mutation {
			a, b := one(w, w.read(`.`, 60)), one(w, w.read(`.`, 60))
			return mutation{what: "edit " + a + ", on the other branch " + b, change: func(t *tree) { edit(t, a) }, side: func(t *tree) { edit(t, b) }}
		}},
		{"working tree: uncommitted and untracked", 10, func(w *world) mutation {
			name := one(w, w.read(`.`, 60))
			m := mutation{what: "edit " + name, change: func(t *tree) { edit(t, name) }}
			switch w.n % 3 {
			case 1:
				dir := one(w, w.unitDirs(`.`))
				m = mutation{what: "untracked .tf in " + dir, change: func(t *tree) { t.write(dir+"/untracked.tf", res("u", "1")) }}
			case 2:
				m = mutation{what: "delete " + name, change: func(t *tree) { t.remove(name) }}
			}
			m.uncommitted = true
			return m
		}},
		{"working tree: a file that git ignores", 3, func(w *world) mutation {
			dir := one(w, w.unitDirs(`.`))
			return mutation{what: "ignored file in " + dir, uncommitted: true, change: func(t *tree) {
				t.write(dir+"/x.ignored", "x\n")
				t.write(dir+"/.terraform/modules/modules.json", "{}\n")
				t.write(dir+"/terraform.tfstate", "{}\n")
				t.remove(dir + "/terraform.tfstate")
			}}
		}},
	}
}

func archiveKinds() []kind {
	return []kind{
		{"archive_file: a source is edited", 6, func(w *world) mutation { return editing(w, w.any(`stack-zip.*/(lambda/|single/handler)`)) }},
		{"archive_file: a source is added or deleted", 4, func(w *world) mutation {
			dir := one(w, w.unitDirs(`stack-zip`))
			if w.n%2 == 0 {
				return mutation{what: "add in " + dir, change: func(t *tree) { t.write(dir+"/lambda/lib/new.py", "print(5)\n") }}
			}
			return mutation{what: "delete in " + dir, change: func(t *tree) { t.remove(dir + "/lambda/lib/util.py") }}
		}},
		{"archive_file: beside a source", 4, func(w *world) mutation { return editing(w, w.any(`stack-zip.*/single/other|stack-zip.*README`)) }},
	}
}
