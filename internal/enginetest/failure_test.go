//go:build engine

package enginetest

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/report"
)

// eu is a folder of the default layout in another region.
func eu(dir string) string { return strings.Replace(dir, "us-east-1", "eu-west-1", 1) }

// tree is the files of several units.
func tree(units ...map[string]string) map[string]string {
	out := make(map[string]string)
	for _, u := range units {
		maps.Copy(out, u)
	}
	return out
}

// Units that fail stop what needs them and nothing else; the result is in the
// error, and the next deploy goes on.
func TestEngineFailureStopsOnlyItsDependents(t *testing.T) {
	const refuses = `variable "room" {
  default = 0
}

resource "terraform_data" "this" {
  input = "x"
  lifecycle {
    precondition {
      condition     = var.room > 0
      error_message = "The platform has no room."
    }
  }
}
`
	const dies = `resource "terraform_data" "before" {
  input = "made"
}

resource "terraform_data" "this" {
  depends_on = [terraform_data.before]
  provisioner "local-exec" {
    command = "echo the command fails; exit 1"
  }
}
`
	r := newRepo(t, tree(
		unit(foundation, trivial), unit(platform, refuses), unit(databases, trivial),
		unit(eu(foundation), trivial), unit(eu(platform), trivial), unit(eu(databases), dies), unit(eu(client("one")), trivial),
	))
	a := r.call(t, "deploy", "--env", "staging", "--all").ok(t, 1)
	if a.stdout != "" {
		t.Errorf("something on standard output: %s", a.stdout)
	}
	a.says(t, "The platform has no room.", platform+"/main.tf:9", "the command fails",
		"platform@us-east-1:staging failed", "apply failed after 1 of its changes",
		"3 applied, 2 failed, 2 not run")

	// As a document the result is the same as the native command's.
	same := newRepo(t, files(t, r.dir))
	native := same.native(t, "deploy", "--env", "staging", "--all", "--format", "json").ok(t, 1).run(t)
	want := map[string]report.Result{
		"foundation@us-east-1": report.Applied, "platform@us-east-1": report.Failed, "databases@us-east-1": report.NotRun,
		"foundation@eu-west-1": report.Applied, "platform@eu-west-1": report.Applied, "databases@eu-west-1": report.Failed,
		"clients/one@eu-west-1": report.NotRun,
	}
	if diff := cmp.Diff(want, results(native)); diff != "" {
		t.Errorf("native results (-want +got):\n%s", diff)
	}
	table := normal(same.native(t, "deploy", "--env", "staging", "--all").ok(t, 1).stdout)
	again := r.call(t, "deploy", "--env", "staging", "--all").ok(t, 1)
	for line := range strings.Lines(table) {
		// The native command's logs are files, the module's went with its container.
		if strings.HasPrefix(strings.TrimSpace(line), "log: ") {
			continue
		}
		if !strings.Contains(normal(again.stderr), strings.TrimSpace(line)) {
			t.Errorf("the module's error lacks %q:\n%s", line, again.stderr)
		}
	}

	if strings.Contains(again.stderr, "log: ") {
		t.Errorf("the error names a log that nobody can look into:\n%s", again.stderr)
	}

	r.write(t, platform+"/main.tf", trivial)
	r.write(t, eu(databases)+"/main.tf", trivial)
	run := r.call(t, "deploy", "--env", "staging", "--all", "--format", "json").ok(t, 0).run(t)
	want = map[string]report.Result{
		"foundation@us-east-1": report.Unchanged, "platform@us-east-1": report.Applied, "databases@us-east-1": report.Applied,
		"foundation@eu-west-1": report.Unchanged, "platform@eu-west-1": report.Unchanged, "databases@eu-west-1": report.Applied,
		"clients/one@eu-west-1": report.Applied,
	}
	if diff := cmp.Diff(want, results(run)); diff != "" {
		t.Errorf("results after the repair (-want +got):\n%s", diff)
	}
}

// Exit codes tell the outcomes apart, and the result is in the error's text.
func TestEngineExitCodes(t *testing.T) {
	r := newRepo(t, tree(unit(foundation, trivial), unit(platform, trivial)))
	r.call(t, "plan", "--env", "staging", "--all", "--detailed-exitcode", "summary").ok(t, 2).
		says(t, "foundation@us-east-1:staging", "planned", "2 planned")
	r.call(t, "plan", "--env", "staging", "--all", "summary").ok(t, 0)
	r.call(t, "deploy", "--env", "staging", "--all").ok(t, 0)
	r.call(t, "plan", "--env", "staging", "--all", "--detailed-exitcode", "summary").ok(t, 0)
	r.call(t, "destroy", "--env", "staging", "--all", "--confirm", "production").ok(t, 3).
		says(t, "destroy of staging is not confirmed")
	r.call(t, "destroy", "--env", "staging", "--only", "foundation", "--confirm", "staging").ok(t, 3).
		says(t, "platform@us-east-1:staging (1)", "--with-dependents")
	if len(s3.resources(t, r.bucket, stateKey(platform))) == 0 {
		t.Error("a refused destroy has destroyed")
	}
	r.call(t, "destroy", "--env", "staging", "--only", "foundation", "--with-dependents", "--confirm", "staging").ok(t, 0)
}

// What cannot go well says what is wrong before anything is touched.
func TestEngineMistakesAreToldApart(t *testing.T) {
	r := newRepo(t, tree(unit(foundation, trivial), map[string]string{platform + "/main.tf": trivial}))
	deploy := []string{"deploy", "--env", "staging", "--only", "foundation"}

	r.call(t, "deploy", "--env", "staging", "--all").ok(t, 1).
		says(t, "platform@us-east-1:staging: its state is a local file", "give it a remote backend", "run it natively")
	r.call(t, "deploy", "--env", "prod", "--all").ok(t, 1).says(t, `"prod"`, "staging")
	r.call(t, "deploy", "--env", "staging").ok(t, 1).
		says(t, "platform@us-east-1:staging: its state is a local file") // its records would be lost too
	r.call(t, append(deploy, "--format", "xml")...).ok(t, 1).says(t, `--format "xml"`)
	for _, tool := range []string{"terraform", "alpine"} {
		r.call(t, append([]string{"with-image", "--tool", tool, "--image", "127.0.0.1:1/nope:1"}, deploy...)...).ok(t, 1).
			says(t, tool+": its image 127.0.0.1:1/nope:1 cannot be had", "with-image --tool "+tool+" --image …")
	}
	r.call(t, append([]string{"with-variable", "--name", "TF_CLI_ARGS_plan", "--value=-destroy"}, deploy...)...).ok(t, 1).
		says(t, "TF_CLI_ARGS_plan")
	r.call(t, append([]string{"with-variable", "--name", "TF_DATA_DIR", "--value", "/tmp"}, deploy...)...).ok(t, 1).
		says(t, "TF_DATA_DIR")

	wrong := *r
	wrong.environ = append(wrong.environ, "AWS_ACCESS_KEY_ID=some-other-key")
	wrong.call(t, deploy...).ok(t, 1).says(t, "InvalidAccessKeyId", "sign in again")
	none := *r
	none.chain = none.chain[:len(none.chain)-7]
	none.call(t, deploy...).ok(t, 1).says(t, "no AWS credentials that work", "with-aws-credentials")

	r.write(t, "shared/backend-configs/staging.hcl", strings.Replace(r.read(t, "shared/backend-configs/staging.hcl"), r.bucket, "no-such-bucket", 1))
	r.call(t, deploy...).ok(t, 1).says(t, "the bucket no-such-bucket does not exist", "store: {url: …}")

	if _, there := s3.object(t, r.bucket, stateKey(foundation)); there {
		t.Error("something was deployed")
	}
}

// A secret that is not given is named, with how to give it.
func TestEngineMissingSecretIsNamed(t *testing.T) {
	r := live(t)
	r.chain = r.chain[:len(r.chain)-5]
	r.call(t, "deploy", "--env", "staging", "--only", "clients/ezra", "--region", "us-east-1").ok(t, 1).
		says(t, `clients/ezra@us-east-1:staging: its secret "db_password" is not given`, "with-secret --name db_password")
	unset := *r
	unset.chain = append(unset.chain, "with-secret", "--name", "db_password", "--value", "env:NOT_SET_ANYWHERE")
	unset.call(t, "deploy", "--env", "staging", "--only", "clients/ezra", "--region", "us-east-1").ok(t, 1).
		says(t, "secret db_password: ", "not found")
}

// OpenTofu does as well.
func TestEngineDeploysWithOpenTofu(t *testing.T) {
	tofu, err := image("tofu")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("dagger", "-s", "core", "container", "from", "--address", tofu, "directory", "--path", "/usr/local/bin", "entries").CombinedOutput(); err != nil && images["tofu"] == "" {
		t.Skipf("needs the image %s: %s", tofu, out)
	}
	r := newRepo(t, tree(unit(foundation, trivial)))
	chosen := []string{"--env", "staging", "--all", "--binary", "tofu"}
	r.call(t, slices.Concat([]string{"plan", "--detailed-exitcode"}, chosen, []string{"summary"})...).ok(t, 2)
	run := r.call(t, slices.Concat([]string{"deploy", "--format", "json"}, chosen)...).ok(t, 0).run(t)
	if got := run.Units[0].Result; got != report.Applied {
		t.Errorf("%s", got)
	}
	if left := s3.resources(t, r.bucket, stateKey(foundation)); len(left) != 1 {
		t.Errorf("the state holds %v", left)
	}
	r.call(t, slices.Concat([]string{"plan", "--detailed-exitcode"}, chosen, []string{"summary"})...).ok(t, 0)
	if version := r.call(t, "exec", "--unit", foundation, "--binary", "tofu", "--args", "version").ok(t, 0).stdout; !strings.Contains(version, "OpenTofu") {
		t.Errorf("the version is %s", version)
	}
	r.call(t, slices.Concat([]string{"destroy", "--confirm", "staging"}, chosen)...).ok(t, 0)
	if left := s3.resources(t, r.bucket, stateKey(foundation)); len(left) != 0 {
		t.Errorf("after the destroy the state holds %v", left)
	}
}
