//go:build engine

package enginetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/report"
)

// Units that read files in several ways. What git ignores, and what it tracks
// all the same, are among the files.
const (
	reads = `module "label" {
  source = "../../../../../shared/modules/label"
}

resource "terraform_data" "this" {
  input = {
    policy  = templatefile("${path.module}/policy.tftpl", { name = "x" })
    linked  = file("${path.module}/linked.txt")
    scripts = [for f in fileset(path.module, "scripts/*") : filesha256("${path.module}/${f}")]
    kept    = filesha256("${path.module}/scripts/kept.log")
  }
}

output "name" {
  value = "foundation"
}
`
	label = `resource "terraform_data" "label" {
  input = file("${path.module}/label.txt")
}
`
	needsName = `variable "foundation_name" {}

resource "terraform_data" "this" {
  input = var.foundation_name
}

output "region" {
  value = var.foundation_name
}
`
	needsRegion = `variable "platform_region" {}

variable "db_password" {
  sensitive = true
}

resource "terraform_data" "this" {
  input = [var.platform_region, sha256(var.db_password)]
}
`
	smallConfig = `version: 1
layers:
  - {name: foundation, path: "regions/{region}/layers/01-foundation/{env}"}
  - {name: platform, path: "regions/{region}/layers/02-platform/{env}", needs: [foundation]}
  - {name: clients, path: "regions/{region}/clients/{instance}/{env}", needs: [platform], secrets: [db_password]}
`
)

// small is a repository of four units: the platform needs the foundation, and
// two clients the platform.
func small(t testing.TB) *repo {
	t.Helper()
	r := newRepo(t, tree(
		unit(foundation, reads), unit(platform, needsName), unit(client("acme"), needsRegion), unit(client("ezra"), needsRegion),
		map[string]string{
			"strata.yaml":                         smallConfig,
			".gitignore":                          "*.log\n/out/\n",
			foundation + "/policy.tftpl":          "policy of ${name}\n",
			foundation + "/scripts/.gitignore":    "*.tmp\n!wanted.tmp\n",
			foundation + "/scripts/run.sh":        "#!/bin/sh\n",
			foundation + "/scripts/wanted.tmp":    "wanted\n",
			"shared/modules/label/main.tf":        label,
			"shared/modules/label/label.txt":      "label\n",
			"shared/text.txt":                     "text\n",
			"README.md":                           "# Infrastructure\n",
			foundation + "/scripts/kept.log":      "tracked although ignored\n",
			foundation + "/scripts/untracked.log": "ignored\n",
			foundation + "/scripts/other.tmp":     "ignored\n",
			"out/large.txt":                       "ignored\n",
		},
	))
	for name, to := range map[string]string{foundation + "/linked.txt": "../../../../../shared/text.txt", "shared/modules/broken": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(r.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(r.dir, foundation, "scripts/run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.git(t, "add", "-A")
	r.git(t, "add", "-f", foundation+"/scripts/kept.log")
	r.commit(t)
	r.chain = append(r.chain, "with-secret", "--name", "db_password", "--value", "env:STRATA_SECRET_DB_PASSWORD")
	return r
}

// What a change affects is the same to the module as to the native command, and
// is told in the same words.
func TestEngineAffectedIsTheNative(t *testing.T) {
	r := small(t)
	r.git(t, "checkout", "-q", "-b", "change")
	r.write(t, "shared/modules/label/label.txt", "another label\n")
	r.write(t, "README.md", "# Changed\n")
	r.git(t, "rm", "-q", "-r", client("ezra"))
	r.git(t, "add", "-A")
	r.commit(t)
	r.write(t, client("new")+"/main.tf", needsRegion) // not committed
	r.write(t, foundation+"/scripts/untracked.log", "ignored, and another\n")
	r.write(t, foundation+"/scripts/kept.log", "tracked although ignored, and another\n")
	same := func(t *testing.T, args ...string) string {
		t.Helper()
		args = append([]string{"affected"}, args...)
		native, module := r.native(t, args...).ok(t, 0), r.call(t, args...).ok(t, 0)
		if diff := cmp.Diff(native.stdout, module.stdout); diff != "" {
			t.Errorf("%s: native (-) and module (+) differ:\n%s", strings.Join(args, " "), diff)
		}
		return module.stdout
	}
	found := same(t, "--format", "json")
	for _, words := range []string{"foundation@us-east-1:staging", "module label", "clients/ezra@us-east-1:staging", "README.md"} {
		if !strings.Contains(found, words) {
			t.Errorf("%q is not in:\n%s", words, found)
		}
	}
	for _, words := range []string{"clients/new", "kept.log"} {
		if strings.Contains(found, words) {
			t.Errorf("%q is in:\n%s", words, found)
		}
	}
	found = same(t, "--working-tree", "--include-dependents", "--env", "staging", "--base", "main", "--format", "json")
	for _, words := range []string{"clients/new@us-east-1:staging", "kept.log", "platform@us-east-1:staging"} {
		if !strings.Contains(found, words) {
			t.Errorf("%q is not in:\n%s", words, found)
		}
	}
	if strings.Contains(found, "untracked.log") || strings.Contains(found, "other.tmp") {
		t.Errorf("what git ignores is in:\n%s", found)
	}
	same(t, "--ref", "staging", "--base", "main")
	same(t, "--base", "main", "--why", "platform@us-east-1:staging")
	for _, format := range []string{"matrix", "dotenv", "clients"} {
		same(t, "--base", "main", "--working-tree", "--format", format)
	}
	native, module := r.native(t, "affected", "--base", "nowhere").ok(t, 1), r.call(t, "affected", "--base", "nowhere").ok(t, 1)
	for _, a := range []answer{native, module} {
		a.says(t, "compare with nowhere (--base)", "there is no commit, branch or tag nowhere")
	}
}

// A repository below the git root has the paths and the ignore files of its own.
func TestEngineAffectedBelowTheGitRoot(t *testing.T) {
	r := small(t)
	r.git(t, "checkout", "-q", "-b", "change")
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(r.dir, "infra"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != ".git" && e.Name() != ".gitignore" {
			if err := os.Rename(filepath.Join(r.dir, e.Name()), filepath.Join(r.dir, "infra", e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.git(t, "add", "-A")
	r.git(t, "add", "-f", "infra/"+foundation+"/scripts/kept.log")
	r.commit(t)
	r.write(t, "infra/"+foundation+"/policy.tftpl", "another policy\n")
	r.write(t, "infra/"+foundation+"/scripts/more.log", "ignored by the file above\n")
	r.write(t, "elsewhere.txt", "beside it\n")
	r.dir = filepath.Join(r.dir, "infra", "shared")
	for _, args := range [][]string{
		{"affected", "--base", "HEAD", "--working-tree", "--format", "json"},
		{"affected", "--base", "main", "--format", "json"},
	} {
		native, module := r.native(t, args...).ok(t, 0), r.call(t, args...).ok(t, 0)
		if diff := cmp.Diff(native.stdout, module.stdout); diff != "" {
			t.Errorf("%s: native (-) and module (+) differ:\n%s", strings.Join(args, " "), diff)
		}
		if !strings.Contains(module.stdout, foundation) || strings.Contains(module.stdout, "more.log") {
			t.Errorf("%s:\n%s", strings.Join(args, " "), module.stdout)
		}
	}
}

// Where there is no history to read, it is said what to do.
func TestEngineAffectedWithoutAHistory(t *testing.T) {
	r := small(t)
	main, worktree := r.dir, filepath.Join(t.TempDir(), "worktree")
	r.git(t, "worktree", "add", "-q", "-b", "other", worktree)
	r.chain, r.dir = withImages(), worktree
	r.call(t, "affected", "--base", "main").ok(t, 1).says(t, ".git is a file", "a clone of its own", "natively")
	r.dir = t.TempDir()
	r.call(t, "affected", "--base", "main").ok(t, 1).says(t, "no git repository")
	r.chain = append([]string{"--source", filepath.Join(main, "regions")}, withImages()...)
	r.call(t, "affected", "--base", "main").ok(t, 1).says(t, "--source has no .git")
	r.chain = append([]string{"--source", main}, withImages()...)
	a := r.call(t, "affected", "--base", "HEAD^", "--env", "staging").ok(t, 0)
	if !strings.Contains(a.stdout, "foundation@us-east-1:staging") {
		t.Errorf("of another folder:\n%s", a.stdout)
	}
}

// A plan that names no units plans what is affected since a base.
func TestEnginePlansWhatIsAffected(t *testing.T) {
	r := small(t)
	r.write(t, client("acme")+"/size.auto.tfvars", "# nothing yet\n")
	native := r.native(t, "plan", "--ref", "refs/heads/staging", "--base", "main", "--format", "json").ok(t, 0).run(t)
	module := r.call(t, "plan", "--ref", "refs/heads/staging", "--base", "main", "json").ok(t, 0).run(t)
	if diff := cmp.Diff(canonical(t, native), canonical(t, module)); diff != "" {
		t.Errorf("native (-) and module (+) differ:\n%s", diff)
	}
	want := map[string]report.Result{"clients/acme@us-east-1": report.Deferred}
	if diff := cmp.Diff(want, results(module)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if module.Environment != "staging" {
		t.Errorf("environment %q", module.Environment)
	}
	r.call(t, "plan", "--env", "staging", "--base", "main", "--all", "json").ok(t, 1).says(t, "say one")
	run := r.call(t, "plan", "--env", "staging", "--base", "main", "--include-dependents", "json").ok(t, 0).run(t)
	if len(run.Units) != 1 {
		t.Errorf("%v", results(run))
	}
}

// Of 5,003 units and 15,012 files, only git's own travel: what one module's
// change affects is told in seconds.
func TestEngineAffectedOfManyUnits(t *testing.T) {
	files := map[string]string{
		"shared/modules/label/main.tf":   label,
		"shared/modules/label/label.txt": "label\n",
		"README.md":                      "# Infrastructure\n",
	}
	add := func(dir string) {
		files[dir+"/main.tf"] = "module \"label\" {\n  source = \"../../../../../shared/modules/label\"\n}\n"
		files[dir+"/variables.tf"] = fmt.Sprintf("variable \"name\" {\n  type = string\n}\n\nvariable \"size\" {\n  default = %d\n}\n", len(files))
		files[dir+"/terraform.tfvars"] = fmt.Sprintf("name = %q\n", dir)
	}
	for _, dir := range []string{foundation, platform, databases} {
		add(dir)
	}
	for i := range 5000 {
		add(client(fmt.Sprintf("client-%04d", i)))
	}
	r := newRepo(t, files)
	r.git(t, "repack", "-a", "-d", "-q")
	r.git(t, "checkout", "-q", "-b", "module")
	r.write(t, "shared/modules/label/label.txt", "another label\n")
	r.git(t, "add", "-A")
	r.commit(t)
	args := []string{"affected", "--base", "main"}
	native := r.native(t, args...).ok(t, 0)
	if !strings.HasSuffix(native.stdout, "5003 affected, 0 deleted\n") {
		t.Fatalf("natively: …%s", native.stdout[max(0, len(native.stdout)-200):])
	}
	best := time.Hour
	for range 4 {
		a, read := r.watched(t, args...)
		a.ok(t, 0)
		t.Logf("%.1fs; the client read %.1f MiB", a.took.Seconds(), float64(read)/(1<<20))
		best = min(best, a.took)
		if a.stdout != native.stdout {
			t.Errorf("native (-) and module (+) differ:\n%s", cmp.Diff(native.stdout, a.stdout))
		}
	}
	t.Logf("natively %.1fs, at best %.1fs through the engine", native.took.Seconds(), best.Seconds())
	if best > 5*time.Second {
		t.Errorf("affected took %s", best)
	}
}
