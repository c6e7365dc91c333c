package accuracy

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// unit is one root module as the oracle sees it: found with regular
// expressions, its command lines written out by hand.
type unit struct {
	id, path, layer, env string
	backendFile          string            // relative to the root, "" for none
	backendValues        map[string]string // single settings
	varFiles             []string          // relative to the root
	vars                 []string          // what a run gives, NAME=VALUE
	workspace            string
	watch                []*regexp.Regexp // files that only strata.yaml ties to it
}

func (u unit) initArgs(root string) []string {
	args := []string{"init", "-input=false", "-no-color"}
	if _, err := os.Stat(filepath.Join(root, u.path, ".terraform.lock.hcl")); err == nil {
		args = append(args, "-lockfile=readonly")
	}
	if u.backendFile != "" {
		args = append(args, "-backend-config="+filepath.Join(root, u.backendFile))
	}
	for name, value := range u.backendValues {
		args = append(args, "-backend-config="+name+"="+value)
	}
	return args
}

func (u unit) planArgs(root string) []string {
	args := []string{"plan", "-input=false", "-no-color", "-lock=false"}
	for _, file := range u.varFiles {
		args = append(args, "-var-file="+filepath.Join(root, file))
	}
	for _, value := range u.vars {
		args = append(args, "-var="+value)
	}
	return args
}

func (u unit) environ() []string {
	if u.workspace == "" {
		return nil
	}
	return []string{"TF_WORKSPACE=" + u.workspace}
}

var (
	byEnvironment = regexp.MustCompile(`^regions/([^/]+)/layers/0\d-(foundation|platform|databases|applications)/(production|staging|development)$`)
	byClient      = regexp.MustCompile(`^regions/([^/]+)/clients/([^/]+)/(production|staging|development)(/nested)?$`)
	byService     = regexp.MustCompile(`^services/([^/]+)$`)
	byEdge        = regexp.MustCompile(`^edge/([^/]+)$`)
	byStack       = regexp.MustCompile(`^stacks/([^/]+)/(production|staging|development)$`)
)

var byUser = regexp.MustCompile(`^users/([^/]+)/(production|staging|development)$`)

var environments = []string{"production", "staging", "development"}

// findUnits finds the units of a tree of the generator's layout.
func findUnits(t *tree) map[string]unit {
	found := map[string]unit{}
	for _, dir := range moduleFolders(t) {
		for _, u := range unitsOf(dir) {
			if hasBackend(t, dir) && u.backendFile == "" {
				u.backendFile = "shared/backend-configs/" + u.env + ".hcl"
				if !t.exists(u.backendFile) {
					u.backendFile = ""
				}
			}
			found[u.id] = u
		}
	}
	return found
}

// moduleFolders lists the folders below those of units that hold Terraform
// files.
func moduleFolders(t *tree) []string {
	found := map[string]bool{}
	for _, top := range []string{"regions", "services", "edge", "stacks", "users"} {
		_ = filepath.WalkDir(t.path(top), func(name string, _ os.DirEntry, err error) error {
			if err == nil && (strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".tf.json")) {
				rel, err := filepath.Rel(t.dir, filepath.Dir(name))
				must(err)
				found[rel] = true
			}
			return nil
		})
	}
	var dirs []string
	for dir := range found {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs
}

func unitsOf(dir string) []unit {
	if m := byEnvironment.FindStringSubmatch(dir); m != nil {
		u := unit{id: m[2] + "@" + m[1] + ":" + m[3], path: dir, layer: m[2], env: m[3]}
		if u.layer == "applications" {
			u.watch = []*regexp.Regexp{regexp.MustCompile(`^shared/catalog/` + m[3] + `/(.*/)?[^/]*\.yaml$`)}
		}
		return []unit{u}
	}
	if m := byClient.FindStringSubmatch(dir); m != nil {
		if m[4] != "" {
			return []unit{{id: "nested/" + m[2] + "@" + m[1] + ":" + m[3], path: dir, layer: "nested", env: m[3]}}
		}
		return []unit{{id: "clients/" + m[2] + "@" + m[1] + ":" + m[3], path: dir, layer: "clients", env: m[3]}}
	}
	if m := byStack.FindStringSubmatch(dir); m != nil {
		return []unit{{id: "stacks/" + m[1] + "@global:" + m[2], path: dir, layer: "stacks", env: m[2],
			watch: []*regexp.Regexp{regexp.MustCompile(`^` + regexp.QuoteMeta(dir) + `/\.terraform-version$`)}}}
	}
	if m := byUser.FindStringSubmatch(dir); m != nil {
		return []unit{{id: "users/" + m[1] + "@global:" + m[2], path: dir, layer: "users", env: m[2],
			vars: []string{"foundation_name=given", "mapped=given", "hidden=given"}}}
	}
	if m := byService.FindStringSubmatch(dir); m != nil {
		var units []unit
		for _, env := range environments {
			units = append(units, unit{id: "services/" + m[1] + "@global:" + env, path: dir, layer: "services", env: env,
				varFiles:      []string{"shared/tfvars/" + env + ".tfvars", dir + "/envs/" + env + ".tfvars"},
				backendFile:   "shared/backend-configs/services.hcl",
				backendValues: map[string]string{"path": env + ".tfstate"}})
		}
		return units
	}
	if m := byEdge.FindStringSubmatch(dir); m != nil {
		var units []unit
		for _, env := range environments[:2] {
			units = append(units, unit{id: "edge/" + m[1] + "@global:" + env, path: dir, layer: "edge", env: env, workspace: env})
		}
		return units
	}
	return nil
}

// hasBackend says whether a unit has a backend block: only then is init told of
// a file for it.
func hasBackend(t *tree, dir string) bool {
	text, err := os.ReadFile(t.path(path.Join(dir, "backend.tf")))
	return err == nil && strings.Contains(string(text), "backend \"local\" {}")
}

// unknown are the changed files that strata.yaml makes everybody's.
var unknown = regexp.MustCompile(`^(Terraform\.image|ci/versions/[^/]*)$`)
