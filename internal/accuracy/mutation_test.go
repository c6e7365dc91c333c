package accuracy

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// mutation is one change of the repository.
type mutation struct {
	kind, what string
	setup      func(*tree) // committed before; may be nil
	change     func(*tree)
	// side goes to the branch that is compared with after the two part: it must
	// count for nothing.
	side func(*tree)
	// uncommitted leaves the change in the working tree.
	uncommitted bool
	// configured is what the change of strata.yaml means for a unit, where
	// nothing else tells; nil for no meaning.
	configured func(unit) verdict
	gone       string // the layer whose units are deleted by it
}

// kind makes mutations of one sort.
type kind struct {
	name  string
	count int // in the whole corpus
	make  func(*world) mutation
}

// world is what mutations are chosen from.
type world struct {
	*rand.Rand
	o     *oracle
	files []string            // tracked
	users map[string][]string // file -> units that read it
	n     int                 // number of the mutation within its kind
}

func newWorld(o *oracle, seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 5)), o: o, files: o.tree.tracked(), users: map[string][]string{}}
	for id, t := range o.traces {
		for name := range t.opened {
			w.users[name] = append(w.users[name], id)
		}
	}
	return w
}

// for_ gives each kind numbers of its own, so that a new kind changes no other.
func (w *world) for_(name string, n int) *world {
	h := fnv.New64a()
	h.Write([]byte(name))
	c := *w
	c.Rand, c.n = rand.New(rand.NewPCG(h.Sum64(), uint64(n))), n
	return &c
}

func one[T any](w *world, list []T) T {
	if len(list) == 0 {
		panic("nothing to choose from")
	}
	return list[w.IntN(len(list))]
}

// read lists files of the pattern that some unit reads, and no more than most
// do.
func (w *world) read(pattern string, most int) []string {
	return w.matching(pattern, func(name string) bool { return len(w.users[name]) > 0 && len(w.users[name]) <= most })
}

// unread lists files of the pattern that no unit reads.
func (w *world) unread(pattern string) []string {
	return w.matching(pattern, func(name string) bool { return len(w.users[name]) == 0 })
}

func (w *world) matching(pattern string, keep func(string) bool) []string {
	re := regexp.MustCompile(pattern)
	var found []string
	for _, name := range w.files {
		if re.MatchString(name) && keep(name) {
			found = append(found, name)
		}
	}
	return found
}

func (w *world) any(pattern string) []string {
	return w.matching(pattern, func(string) bool { return true })
}

// links lists the symbolic links of the pattern.
func (w *world) links(pattern string) []string {
	var found []string
	for line := range strings.SplitSeq(w.o.tree.git("ls-files", "-s"), "\n") {
		if rest, ok := strings.CutPrefix(line, "120000 "); ok {
			_, name, _ := strings.Cut(rest, "\t")
			if regexp.MustCompile(pattern).MatchString(strings.Trim(name, `"`)) {
				found = append(found, strings.Trim(name, `"`))
			}
		}
	}
	return found
}

// unitDirs lists the folders of units.
func (w *world) unitDirs(pattern string) []string {
	re := regexp.MustCompile(pattern)
	found := map[string]bool{}
	for _, u := range w.o.units {
		if re.MatchString(u.path) {
			found[u.path] = true
		}
	}
	var dirs []string
	for dir := range found {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs
}

// edit changes a file so that it stays valid.
func edit(t *tree, name string) {
	switch {
	case strings.HasSuffix(name, ".tf"):
		t.add(name, fmt.Sprintf("\nlocals {\n  edited_%d = true\n}\n", len(t.read(name))))
	case strings.HasSuffix(name, ".tfvars"), strings.HasSuffix(name, ".hcl"), strings.HasSuffix(name, ".yaml"), strings.HasSuffix(name, ".yml"):
		t.add(name, "# edited\n")
	default:
		t.add(name, "\n")
	}
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

func matches(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }

// writeSame writes a file's text and keeps its mode.
func writeSame(t *tree, name, text string) error {
	info, err := os.Stat(t.path(name))
	if err != nil {
		return err
	}
	return os.WriteFile(t.path(name), []byte(text), info.Mode().Perm())
}

const (
	unitTF   = `^(regions/.*/(production|staging|development)(/nested)?|services/[^/]*|edge/[^/]*|stacks/[^/]*/[^/]*)/[^/]*\.tf(\.json)?$`
	moduleTF = `^(shared/modules|vendor)/.*\.tf(\.json)?$|/modules/.*\.tf$`
	dataFile = `\.(json|tpl|yaml|bin|dat|sh|txt|py)$`
)

func editing(w *world, files []string) mutation {
	name := one(w, files)
	return mutation{what: "edit " + name, change: func(t *tree) { edit(t, name) }}
}

func notModuleTF(name string) bool {
	return strings.HasSuffix(name, ".tf.json") || strings.HasSuffix(name, ".tfvars.json")
}

// kinds is the corpus.
func kinds(archive bool) []kind {
	all := slices.Concat(editKinds(), addKinds(), removeKinds(), linkKinds(), configKinds(), moveKinds(), trickyKinds(), brokenKinds(), quietKinds(), historyKinds())
	if archive {
		all = append(all, archiveKinds()...)
	}
	return all
}

func editKinds() []kind {
	return []kind{
		{"edit: a unit's own .tf", 14, func(w *world) mutation { return editing(w, w.read(unitTF, 9)) }},
		{"edit: a module's .tf, through any depth", 14, func(w *world) mutation { return editing(w, w.read(moduleTF, 400)) }},
		{"edit: a file that is read (file, templatefile, …)", 20, func(w *world) mutation {
			return editing(w, without(w.read(dataFile, 400), notModuleTF))
		}},
		{"edit: a file with a space in its name", 6, func(w *world) mutation { return editing(w, w.any(` .*\.json$|folder/`)) }},
		{"edit: any file of the repository", 24, func(w *world) mutation {
			return editing(w, w.matching(`.`, func(name string) bool {
				return name != submodule && name != "strata.yaml" && w.o.now.state(name).shape == "file"
			}))
		}},
		{"edit: only a comment", 8, func(w *world) mutation {
			name := one(w, w.read(`\.tf$`, 60))
			return mutation{what: "comment in " + name, change: func(t *tree) { t.add(name, "\n# Only a comment.\n") }}
		}},
		{"edit: another name of the file to read", 6, func(w *world) mutation {
			dir := one(w, w.unitDirs(`clients/(bolt|client-15|client-27)/[a-z]*$`))
			return mutation{what: "edit what a variable names: " + dir,
				setup:  func(t *tree) { t.write(dir+"/z.auto.tfvars", "pick = \"other client\"\n") },
				change: func(t *tree) { edit(t, dir+"/"+[]string{"other client.json", "client.json"}[w.n%2]) }}
		}},
		{"edit: the file that a file names", 6, func(w *world) mutation {
			name := []string{"scripts/a.sh", "scripts/b.sh"}[w.n%2]
			return mutation{what: "conf.yaml names scripts/b.sh, edit " + name,
				setup:  func(t *tree) { t.replace("shared/modules/conf/conf.yaml", "scripts/a.sh", "scripts/b.sh") },
				change: func(t *tree) { edit(t, "shared/modules/conf/"+name) }}
		}},
		{"edit: of one environment's choice", 8, func(w *world) mutation {
			return editing(w, w.any(`^services/.*/profiles/|^edge/.*/sites/|^shared/modules/catalog/catalogs/`))
		}},
		{"edit: a unit's own module that others use", 6, func(w *world) mutation { return editing(w, w.any(`^stacks/.*/modules/inner/`)) }},
		{"edit: below a nested unit, or its parent", 6, func(w *world) mutation {
			dir := one(w, w.unitDirs(`/nested$`))
			if w.n%2 == 0 {
				dir = path.Dir(dir)
				return mutation{what: "edit " + dir + "/main.tf", change: func(t *tree) { edit(t, dir+"/main.tf") }}
			}
			name := []string{"main.tf", "nested.json", "README.md"}[w.n%3]
			return mutation{what: "edit " + dir + "/" + name, change: func(t *tree) { edit(t, dir+"/"+name) }}
		}},
		{"edit: names that begin alike", 10, func(w *world) mutation {
			return editing(w, w.any(`^stacks/stack-a(a|-b)?/[^/]*/(main.tf|own.json|modules/)|^shared/modules/network|clients/(acme|delta|bolt2?)[^/]*/[a-z]*/(main.tf|client.json)`))
		}},
		{"edit: line ends (CRLF) or a BOM", 8, func(w *world) mutation {
			name := one(w, w.read(`\.tf$`, 60))
			if w.n%2 == 0 {
				return mutation{what: "CRLF in " + name, change: func(t *tree) {
					t.write(name, strings.ReplaceAll(strings.ReplaceAll(t.read(name), "\r\n", "\n"), "\n", "\r\n")+"\r\n")
				}}
			}
			return mutation{what: "BOM in " + name, change: func(t *tree) {
				text, had := strings.CutPrefix(t.read(name), "\ufeff")
				if !had {
					text = "\ufeff" + text
				}
				t.write(name, text)
			}}
		}},
		{"mode: executable bit of a file", 12, func(w *world) mutation {
			name := one(w, w.read(`.`, 60))
			if w.n%3 == 0 {
				name = one(w, w.unread(`\.(md|txt|sh|json)$`))
			}
			return mutation{what: "mode of " + name, change: func(t *tree) { t.flip(name) }}
		}},
		{"submodule: another commit", 4, func(w *world) mutation {
			return mutation{what: "submodule", change: func(t *tree) {
				sub := &tree{dir: t.path(submodule)}
				edit(sub, []string{"zone/main.tf", "zone/zone.json"}[w.n%2])
				sub.commit()
			}}
		}},
		{"edit: several files at once", 10, func(w *world) mutation {
			var names []string
			for range 2 + w.n%5 {
				names = append(names, one(w, w.read(`.`, 40)), one(w, w.unread(`\.(md|txt|sh)$`)))
			}
			return mutation{what: "edit " + strings.Join(names, ", "), change: func(t *tree) {
				for _, name := range names {
					edit(t, name)
				}
			}}
		}},
	}
}

func addKinds() []kind {
	anyDir := `.`
	return []kind{
		{"add: a .tf file in a unit", 8, func(w *world) mutation {
			name := one(w, w.unitDirs(anyDir)) + "/new file.tf"
			return mutation{what: "add " + name, change: func(t *tree) { t.write(name, res("added", "1")) }}
		}},
		{"add: override.tf or .tf.json", 8, func(w *world) mutation {
			dir := one(w, w.unitDirs(`clients`))
			if w.n%2 == 0 {
				return mutation{what: "add override.tf in " + dir, change: func(t *tree) {
					t.write(dir+"/override.tf", "resource \"terraform_data\" \"own\" {\n  triggers_replace = 1\n}\n")
				}}
			}
			return mutation{what: "add x.tf.json in " + dir, change: func(t *tree) { t.write(dir+"/x.tf.json", "{\"locals\": {\"x\": 1}}\n") }}
		}},
		{"add: a .tf file in a module", 6, func(w *world) mutation {
			dir := path.Dir(one(w, w.read(moduleTF, 60)))
			return mutation{what: "add in " + dir, change: func(t *tree) { t.write(dir+"/added.tf", res("added", "1")) }}
		}},
		{"add: a file that a fileset matches", 12, func(w *world) mutation {
			var name string
			switch w.n % 4 {
			case 0:
				name = "shared/modules/handlers/handlers/new.json"
			case 1:
				name = one(w, w.unitDirs(`02-platform|clients/(delta|client-18)/`)) + "/policies/new/deep.json"
			case 2:
				name = one(w, w.unitDirs(`clients/(delta-1|client-19)/`)) + "/data/new.dat"
			case 3:
				name = one(w, w.unitDirs(`stack-c|edge`))
				if strings.HasPrefix(name, "edge") {
					name += "/sites/new.json"
				} else {
					name += []string{"/items/new", "/linked items/new"}[w.IntN(2)]
				}
			}
			return mutation{what: "add " + name, change: func(t *tree) { t.write(name, "{\"new\": 1}\n") }}
		}},
		{"add: a file beside what a fileset matches", 12, func(w *world) mutation {
			name := []string{
				"shared/modules/handlers/handlers/new.txt", "shared/modules/handlers/handlers/sub/new.json", "shared/modules/handlers/new.json",
				one(w, w.unitDirs(`02-platform|clients/(delta|client-18)/`)) + "/policies/new.yaml",
				one(w, w.unitDirs(`clients/(delta-1|client-19)/`)) + "/data/new.txt",
				one(w, w.unitDirs(`edge`)) + "/sites/new.txt",
			}[w.n%6]
			return mutation{what: "add " + name, change: func(t *tree) { t.write(name, "new\n") }}
		}},
		{"add: a file that fileexists asked for", 8, func(w *world) mutation {
			name := []string{
				one(w, w.unitDirs(`clients/(bolt2|client-16)/`)) + "/extra.json", "shared/modules/optional/extra.json",
				one(w, w.unitDirs(`04-applications`)) + "/more.json",
			}[w.n%3]
			return mutation{what: "add " + name, change: func(t *tree) { t.write(name, "{}\n") }}
		}},
		{"add: tfvars of every sort", 12, func(w *world) mutation {
			dir := one(w, w.unitDirs(`.`))
			name := dir + []string{"/terraform.tfvars", "/terraform.tfvars.json", "/new.auto.tfvars", "/new.auto.tfvars.json", "/new.tfvars", "/new.tfvars.json"}[w.n%6]
			text := "# nothing yet\n"
			if strings.HasSuffix(name, ".json") {
				text = "{}\n"
			}
			return mutation{what: "add " + name, setup: func(t *tree) {
				if t.exists(name) {
					t.remove(name)
				}
			}, change: func(t *tree) { t.write(name, text) }}
		}},
		{"add: a lock file", 4, func(w *world) mutation {
			name := one(w, w.unitDirs(`clients|stacks/stack-[abc]`)) + "/.terraform.lock.hcl"
			return mutation{what: "add " + name, change: func(t *tree) { t.write(name, "# No providers.\n") }}
		}},
		{"add: what a dangling link leads to", 4, func(w *world) mutation {
			dir := path.Dir(one(w, w.unitDirs(`clients/(bolt2|echo|client-14|client-19|client-24)/[a-z]*$`)))
			return mutation{what: "add " + dir + "/local.tfvars", change: func(t *tree) { t.write(dir+"/local.tfvars", "owner = \"four\"\n") }}
		}},
		{"add: a unit", 6, func(w *world) mutation {
			name := fmt.Sprintf("regions/us-east-1/clients/new-%d/staging/main.tf", w.n)
			if w.n%3 == 2 {
				name = fmt.Sprintf("services/new-%d", w.n)
			}
			return mutation{what: "add " + name, change: func(t *tree) {
				if !strings.HasSuffix(name, ".tf") {
					t.write(name+"/main.tf", variable("plan", "")+res("new", "var.plan"))
					for _, env := range environments {
						t.write(name+"/envs/"+env+".tfvars", "")
					}
					return
				}
				t.write(name, res("new", "1"))
			}}
		}},
		{"add: a file in a folder named like a unit's", 4, func(w *world) mutation {
			name := []string{"stacks/stack-a/production.tf", "shared/modules/network.tf", "stacks/stack-a/main.tf", "regions/us-east-1/main.tf"}[w.n%4]
			return mutation{what: "add " + name, change: func(t *tree) { t.write(name, res("new", "1")) }}
		}},
		{"tests of Terraform", 6, func(w *world) mutation {
			if w.n%3 == 2 {
				return editing(w, w.any(`\.tftest\.hcl$`))
			}
			dir := one(w, w.unitDirs(`01-foundation|clients/.*[a-z]$`))
			name := dir + []string{"/tests/more.tftest.hcl", "/top.tftest.hcl"}[w.n%3]
			return mutation{what: "add " + name, change: func(t *tree) { t.write(name, "run \"more\" {\n  command = plan\n}\n") }}
		}},
		{"add: a hidden file, or an editor's", 6, func(w *world) mutation {
			name := one(w, w.unitDirs(`.`)) + []string{"/.hidden.tf", "/main.tf~", "/.main.tf.swp", "/.x.auto.tfvars~", "/#main.tf#", "/.override.tf"}[w.n%6]
			return mutation{what: "add " + name, change: func(t *tree) { t.write(name, res("hidden", "1")) }}
		}},
	}
}

func removeKinds() []kind {
	removing := func(w *world, files []string) mutation {
		name := one(w, files)
		return mutation{what: "delete " + name, change: func(t *tree) { t.remove(name) }}
	}
	return []kind{
		{"delete: a .tf file", 8, func(w *world) mutation {
			return removing(w, w.any(`/(backend|versions|variables|outputs|more|override)\.tf$|extra\.tf\.json$|more_override\.tf$`))
		}},
		{"delete: a file that is read", 10, func(w *world) mutation {
			return removing(w, without(w.read(dataFile, 60), notModuleTF))
		}},
		{"delete: a file that a fileset matches", 8, func(w *world) mutation {
			return removing(w, w.any(`handlers/handlers/[^/]*\.json$|/policies/.*\.json$|/data/[ab]\.(bin|dat)$|/sites/development.json$`))
		}},
		{"delete: tfvars", 6, func(w *world) mutation {
			return removing(w, w.any(`clients/.*\.tfvars(\.json)?$|02-platform/.*tfvars`))
		}},
		{"delete: a lock file", 3, func(w *world) mutation { return removing(w, w.any(`\.terraform\.lock\.hcl$`)) }},
		{"delete: a file that nobody reads", 8, func(w *world) mutation {
			return removing(w, w.unread(`\.(md|txt)$|/run\.sh$|unused|spare|old\.tpl$|^docs/`))
		}},
		{"delete: a unit", 8, func(w *world) mutation {
			dir := one(w, w.unitDirs(`clients/[^/]*/[a-z]*$|^stacks/stack-(aa|b|c)|^edge|services`))
			return mutation{what: "delete " + dir, change: func(t *tree) { t.remove(dir) }}
		}},
		{"delete: a unit's .tf files, others stay", 4, func(w *world) mutation {
			dir := one(w, w.unitDirs(`clients/(fox|golf|client-22|client-23)/[a-z]*$|stacks/stack-c`))
			return mutation{what: "delete the .tf files of " + dir, change: func(t *tree) {
				for _, name := range w.files {
					if path.Dir(name) == dir && matches(`\.tf(\.json)?$`, name) {
						t.remove(name)
					}
				}
			}}
		}},
		{"delete: a change while a unit's folder has no .tf files", 4, func(w *world) mutation {
			dir := one(w, w.unitDirs(`clients/(fox|golf|client-22|client-23)/[a-z]*$`))
			name := one(w, w.read(`\.(tf|json|tpl)$`, 60))
			for strings.HasPrefix(name, dir+"/") {
				name = one(w, w.read(`\.(tf|json|tpl)$`, 60))
			}
			return mutation{what: "edit " + name + " while " + dir + " has no .tf files",
				setup: func(t *tree) {
					for _, file := range w.files {
						if path.Dir(file) == dir && matches(`\.tf(\.json)?$`, file) {
							t.remove(file)
						}
					}
				}, change: func(t *tree) { edit(t, name) }}
		}},
		{"delete: a unit whose module others use", 3, func(w *world) mutation {
			dir := "stacks/stack-a/" + environments[w.n%3]
			return mutation{what: "delete " + dir, change: func(t *tree) { t.remove(dir) }}
		}},
		{"delete: a module, called no more", 4, func(w *world) mutation {
			return mutation{what: "delete module optional", change: func(t *tree) {
				t.remove("shared/modules/optional")
				for _, dir := range w.unitDirs(`clients/(bolt2|client-16|client-28)/[a-z]*$`) {
					t.replace(dir+"/main.tf", call1("optional", "../../../../../shared/modules/optional"), "")
				}
			}}
		}},
	}
}
