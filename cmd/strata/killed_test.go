//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
)

// needGit skips a test that cannot have its part.
func needGit(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
}

// git runs git in the repository.
func (r *repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = r.dir, append(slices.Clone(r.env), gitEnviron...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit commits all there is.
func (r *repo) commit() {
	r.t.Helper()
	if !r.exists(".git") {
		r.git("init", "-q")
	}
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", "change")
}

// chain is a unit, one that reads two of its outputs, and one that reads one.
func chain(t *testing.T) *repo {
	t.Helper()
	needGit(t)
	return newRepo(t, map[string]string{
		".gitignore": ".strata\n.terraform\n*.tfstate*\n",
		"strata.yaml": `
layers:
  - {name: net, path: "net/{env}"}
  - {name: app, path: "app/{env}", needs: [net]}
  - {name: web, path: "web/{env}", needs: [net]}
`,
		"net/staging/main.tf": `
resource "terraform_data" "a" {
  input = "one"
}
resource "terraform_data" "b" {
  input = terraform_data.a.output
  provisioner "local-exec" {
    command = "[ ! -e ../../../kill-in-apply ] || { rm ../../../kill-in-apply; kill -9 $PPID; }"
  }
}
output "a" {
  value = terraform_data.a.output
}
output "constant" {
  value = "same"
}
`,
		"app/staging/main.tf": `
variable "net_a" {}
variable "net_constant" {}
resource "terraform_data" "app" {
  input = [var.net_a, var.net_constant]
}
output "of_app" {
  value = terraform_data.app.output
}
`,
		"web/staging/main.tf": `
variable "net_constant" {}
resource "terraform_data" "web" {
  input = var.net_constant
}
`,
	})
}

// killer is a Terraform that kills Strata: at its N-th call "before" it runs
// the real one, "after" that, or "beside" it, which then goes on alone.
const killer = `#!/bin/sh
at=%q
n=$(($(cat "$at/calls" 2>/dev/null | wc -l) + 1))
echo "$1" >> "$at/calls"
kill=$(cat "$at/kill" 2>/dev/null)
case $kill in
"before $n") kill -9 $PPID; exit 1;;
"beside $n") kill -9 $PPID;;
esac
%q "$@"
code=$?
if [ "$kill" = "after $n" ]; then kill -9 $PPID; fi
exit $code
`

// endState is what a repository's states and records hold in the end, without
// what no two runs share: ids, runs and times.
func (r *repo) endState() string {
	r.t.Helper()
	var text strings.Builder
	files, err := tree(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, unit := range []string{"net", "app", "web"} {
		var state struct {
			Outputs   map[string]any
			Resources []struct {
				Name      string
				Instances []struct {
					Status     string
					Attributes map[string]any
				}
			}
		}
		if err := json.Unmarshal([]byte(files[unit+"/staging/terraform.tfstate"]), &state); err != nil {
			r.t.Fatalf("state of %s: %v", unit, err)
		}
		for _, resource := range state.Resources {
			for _, instance := range resource.Instances {
				delete(instance.Attributes, "id")
			}
		}
		var known record.Record
		if err := json.Unmarshal([]byte(files[".strata/store/records/staging/"+unit+"@global@staging.json"]), &known); err != nil {
			r.t.Fatalf("record of %s: %v", unit, err)
		}
		known.Run, known.Result, known.Time = "", "", time.Time{}
		encoder := json.NewEncoder(&text)
		encoder.SetIndent("", " ")
		if err := encoder.Encode([]any{unit, state, known}); err != nil {
			r.t.Fatal(err)
		}
	}
	return text.String()
}

// sameEnd lets a run be killed at each call of Terraform, and says whether a
// repeated one reaches what a run reaches that is left alone. In base all is
// ready for that run.
func sameEnd(t *testing.T, base *repo) {
	t.Helper()
	// The digests of all copies have one key.
	base.write(".strata/store/keys/contract-values", strings.Repeat("0123456789abcdef", 4)+"\n")
	attempt := func(t *testing.T, kill string) (r *repo, binary string) {
		r = newRepo(t, nil)
		if err := os.CopyFS(r.dir, os.DirFS(base.dir)); err != nil {
			t.Fatal(err)
		}
		at := filepath.Dir(r.dir)
		binary = filepath.Join(at, "terraform")
		if err := os.WriteFile(binary, fmt.Appendf(nil, killer, at, terraformBinary()), 0o755); err != nil {
			t.Fatal(err)
		}
		if kill == "in the apply" {
			r.write("../kill-in-apply", "")
		} else {
			r.write("../kill", kill)
		}
		return r, binary
	}
	deploy := func(r *repo, binary string) *process {
		return r.start("deploy", "--env", "staging", "--parallelism", "1", "--format", "json", "--binary", binary)
	}
	whole, binary := attempt(t, "")
	deploy(whole, binary).exits(0)
	want := whole.endState()
	calls, err := os.ReadFile(whole.path("../calls"))
	if err != nil {
		t.Fatal(err)
	}
	var kills []string
	for n, call := range strings.Fields(string(calls)) {
		for _, when := range []string{"before", "after"} {
			kills = append(kills, when+" "+strconv.Itoa(n+1))
		}
		if call == "plan" || call == "apply" {
			kills = append(kills, "beside "+strconv.Itoa(n+1))
		}
	}
	if len(kills) < 16 || !strings.Contains(string(calls), "apply") {
		t.Fatalf("too few calls:\n%s", calls)
	}
	for _, kill := range append(kills, "in the apply") {
		t.Run(kill, func(t *testing.T) {
			t.Parallel()
			r, binary := attempt(t, kill)
			if kill == "in the apply" {
				deploy(r, binary).exits(1)
			} else {
				deploy(r, binary).exits(-1)
			}
			r.write("../kill", "")
			deploy(r, binary).exits(0)
			if diff := cmp.Diff(want, r.endState()); diff != "" {
				t.Errorf("not the same end (-left alone +killed):\n%s", diff)
			}
			p := deploy(r, binary).exits(0)
			if units := p.run().Units; len(units) != 0 {
				t.Errorf("it is not at its end: %v", units)
			}
		})
	}
}

func TestKilledAtEveryStepOfAFirstDeploy(t *testing.T) {
	t.Parallel()
	r := chain(t)
	r.commit()
	sameEnd(t, r)
}

func TestKilledAtEveryStepOfAChange(t *testing.T) {
	t.Parallel()
	r := chain(t)
	r.commit()
	r.write(".strata/store/keys/contract-values", strings.Repeat("0123456789abcdef", 4)+"\n")
	r.start("deploy", "--env", "staging").exits(0)
	text, err := os.ReadFile(r.path("net/staging/main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `"one"`, `"two"`, 1)
	changed = strings.Replace(changed, "  input = terraform_data.a.output\n", "  triggers_replace = terraform_data.a.output\n", 1)
	r.write("net/staging/main.tf", changed)
	r.commit()
	sameEnd(t, r)
}

// Strata and its Terraform are killed in the middle of an apply, and the lock
// stays in the bucket.
func TestKilledWithItsTerraformOnS3(t *testing.T) {
	t.Parallel()
	needLockFile(t)
	a := newAWS(t)
	a.bucket(t, "killed")
	r := slow(t)
	r.onS3(a, "killed", "slow/staging", "next/staging")
	deploy := func(more ...string) *process {
		return r.start(append([]string{"deploy", "--env", "staging", "--format", "json"}, more...)...)
	}
	p := deploy("--binary", recorderName)
	r.untilFile("began")
	terraform := r.recordedProcess()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.exits(-1)
	process, err := os.FindProcess(terraform)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.write("go", "")
	p = r.start("records", slowUnit, "--env", "staging").exits(0)
	p.says(slowUnit + ` +never +an apply of .* did not succeed`)
	p = deploy("--lock-timeout", "0s").exits(1)
	p.result(slowUnit, report.Failed)
	hint := regexp.MustCompile(`strata exec slow@global:staging -- force-unlock ([0-9a-f-]+)`).FindStringSubmatch(p.stdout.String())
	if hint == nil {
		t.Fatalf("no hint\n%s", p)
	}
	r.start("exec", slowUnit, "--", "force-unlock", "-force", hint[1]).exits(0)
	p = deploy().exits(0)
	p.result(slowUnit, report.Applied)
	p.result(nextUnit, report.Applied)
	if units := deploy().exits(0).run().Units; len(units) != 0 {
		t.Errorf("it is not at its end: %v", units)
	}
	r.start("records", "--env", "staging").exits(0).says(`2 records`)
}
