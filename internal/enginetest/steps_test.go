//go:build engine

package enginetest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/strata-tf/strata/internal/report"
)

// A hook runs in an image of its own, over the repository; what it writes is
// there for Terraform, and one that fails fails its unit.
func TestEngineHooksRunInTheirOwnImage(t *testing.T) {
	alpine, err := image("alpine")
	if err != nil {
		t.Fatal(err)
	}
	r := newRepo(t, tree(
		map[string]string{"shared/note.txt": "written once, read by the hook\n", "strata.yaml": `version: 1
hooks:
  before-plan:
    - {run: [cp, shared/note.txt, "` + foundation + `/from-hook.txt"], image: "` + alpine + `", dir: ".", layers: [foundation]}
    - {run: [cat, /etc/alpine-release], image: "` + alpine + `"}
  after-apply:
    - {run: [test, -f, no-such-file], image: "` + alpine + `", layers: [platform]}
`},
		unit(foundation, `resource "terraform_data" "this" {
  input = file("from-hook.txt")
}
`), unit(platform, trivial), unit(databases, trivial),
	))
	out := filepath.Join(t.TempDir(), "bundle")
	r.call(t, "plan", "--env", "staging", "--only", "foundation", "bundle", "export", "--path", out).ok(t, 0)
	bundle := files(t, out)
	if log := bundle["foundation@us-east-1@staging/log.txt"]; !strings.Contains(log, "3.22") {
		t.Errorf("the hook's words are not in the log:\n%s", log)
	}
	if run := bundle["run.json"]; !strings.Contains(run, "written once, read by the hook") {
		t.Errorf("Terraform has not seen what the hook wrote:\n%s", run)
	}
	r.call(t, "deploy", "--env", "staging", "--all").ok(t, 1).
		says(t, "foundation@us-east-1:staging  applied", "hook after-apply", "databases@us-east-1:staging   not run")

	r.write(t, "strata.yaml", "version: 1\nhooks:\n  before-plan:\n    - {run: [cat, note.txt], dir: shared}\n")
	r.call(t, "deploy", "--env", "staging", "--only", "foundation").ok(t, 1).says(t, "no image is known", "with-image --tool cat")
	run := r.call(t, "with-image", "--tool", "cat", "--image", alpine, "deploy", "--env", "staging", "--only", "databases", "--format", "json").ok(t, 0).run(t)
	if run.Units[0].Result != report.Applied {
		t.Errorf("%+v", run.Units[0])
	}
}

// Exec runs any command in a unit; its exit code is the call's.
func TestEngineExecRunsAnyCommandInAUnit(t *testing.T) {
	r := live(t)
	id := "databases@us-east-1:staging"
	r.call(t, "deploy", "--env", "staging", "--region", "us-east-1", "--only", "foundation", "--only", "platform", "--only", "databases").ok(t, 0)
	if list := r.call(t, "exec", "--unit", id, "--args", "state", "--args", "list").ok(t, 0).stdout; !strings.Contains(list, "module.postgres.terraform_data.instance\n") {
		t.Errorf("state list:\n%s", list)
	}
	var outputs map[string]struct {
		Sensitive bool
		Value     any
	}
	document := r.call(t, "exec", "--unit", databases, "--args", "output", "--args=-json").ok(t, 0).stdout
	if err := json.Unmarshal([]byte(document), &outputs); err != nil || !outputs["master_password"].Sensitive {
		t.Errorf("output -json: %v\n%s", err, document)
	}
	// With the values of its needs, as in a run.
	r.call(t, "exec", "--unit", id, "--args", "plan", "--args=-detailed-exitcode", "--args=-input=false").ok(t, 0)
	r.write(t, databases+"/change.auto.tfvars", "storage_gb = 41\n")
	r.call(t, "exec", "--unit", id, "--args", "plan", "--args=-detailed-exitcode", "--args=-input=false", "--args=-no-color").ok(t, 2).
		says(t, "module.postgres.terraform_data.instance will be updated in-place")
	r.call(t, "exec", "--unit", id, "--args", "state", "--args", "show", "--args", "terraform_data.none").ok(t, 1).says(t, "No instance found")
	r.call(t, "exec", "--unit", "databases@mars:staging", "--args", "state").ok(t, 1).says(t, `no unit "databases@mars:staging"`)
}

// Every step has the variables, secret variables and secret files that were
// given before the verb.
func TestEngineStepsHaveWhatWasGiven(t *testing.T) {
	r := newRepo(t, tree(unit(foundation, `variable "size" {
  type = number
}

resource "terraform_data" "this" {
  input = var.size
  provisioner "local-exec" {
    command = "test \"$GREETING\" = 'hello, world' && test \"$A_TOKEN\" = \"token 'with' quotes\" && grep -qx 'second line' /run/strata-key"
  }
}
`), map[string]string{"shared/sizes.tfvars": "size = 7\n"}))
	r.environ = append(r.environ, "A_VARIABLE_SECRET=token 'with' quotes", "A_FILE_SECRET=first line\nsecond line")
	r.chain = append(r.chain, "with-variable", "--name", "GREETING", "--value", "hello, world",
		"with-secret-variable", "--name", "A_TOKEN", "--value", "env:A_VARIABLE_SECRET",
		"with-secret-file", "--path", "/run/strata-key", "--content", "env:A_FILE_SECRET")
	r.call(t, "deploy", "--env", "staging", "--all", "--var-file", "shared/sizes.tfvars").ok(t, 0)
}

// The environment can be said once, before the verb, and the repository can be
// another one than that in which dagger is called.
func TestEngineRepositoryAndEnvironmentCanBeSaidBeforeTheVerb(t *testing.T) {
	r := newRepo(t, unit(foundation, trivial))
	elsewhere := *r
	elsewhere.dir = t.TempDir()
	elsewhere.chain = append([]string{"--source", r.dir, "--environment", "staging"}, r.chain...)
	run := elsewhere.call(t, "deploy", "--all", "--format", "json").ok(t, 0).run(t)
	if run.Environment != "staging" || run.Units[0].Result != report.Applied {
		t.Errorf("%+v", run)
	}
	if want := r.git(t, "rev-parse", "HEAD"); run.Commit != want {
		t.Errorf("commit %q, not %s", run.Commit, want)
	}
	// From a folder within the repository it is the same one.
	within := *r
	within.dir = filepath.Join(r.dir, filepath.FromSlash(foundation))
	if run := within.call(t, "plan", "--env", "staging", "--all", "json").ok(t, 0).run(t); run.Units[0].Result != report.Unchanged {
		t.Errorf("from within: %+v", run.Units[0])
	}
}

// Folders and files of a unit may be symbolic links, as they may natively.
func TestEngineSymbolicLinksAreFollowed(t *testing.T) {
	r := newRepo(t, tree(unit(foundation, `module "this" {
  source = "../../../../../shared/modules/current"
  size   = var.size
}

variable "size" {
  type = number
}

output "size" {
  value = module.this.size
}
`), map[string]string{
		"shared/modules/v1/main.tf": "variable \"size\" {\n  type = number\n}\n\nresource \"terraform_data\" \"this\" {\n  input = var.size\n}\n\noutput \"size\" {\n  value = terraform_data.this.output\n}\n",
		"shared/sizes.tfvars":       "size = 41\n",
	}))
	for link, to := range map[string]string{
		"shared/modules/current":           "v1",
		foundation + "/sizes.auto.tfvars":  "../../../../../shared/sizes.tfvars",
		"shared/no-such-file":              "nowhere",
		"regions/us-east-1/layers/03-base": "01-foundation",
	} {
		if err := os.Symlink(to, filepath.Join(r.dir, filepath.FromSlash(link))); err != nil {
			t.Fatal(err)
		}
	}
	native := r.native(t, "units").ok(t, 0)
	if module := r.call(t, "units").ok(t, 0); module.stdout != native.stdout {
		t.Errorf("native units:\n%s\nthe module's:\n%s", native.stdout, module.stdout)
	}
	a := r.call(t, "deploy", "--env", "staging", "--all", "--format", "json").ok(t, 0)
	if got := a.run(t).Units[0]; got.Result != report.Applied || !strings.Contains(a.stdout, `"after": 41`) {
		t.Errorf("deploy: %s", a.stdout)
	}
	if got := s3.resources(t, r.bucket, stateKey(foundation)); len(got) != 1 {
		t.Errorf("the state holds %v", got)
	}
}
