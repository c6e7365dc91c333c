//go:build engine

package enginetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/report"
)

// deploying deploys what the records select, through the module or natively.
func (r *repo) deploying(t *testing.T, run func(testing.TB, ...string) answer, args ...string) map[string]report.Result {
	t.Helper()
	args = append([]string{"deploy", "--env", "staging", "--format", "json"}, args...)
	return results(run(t, args...).ok(t, 0).run(t))
}

// recorded are the records, as the module shows them.
func (r *repo) recorded(t *testing.T, run func(testing.TB, ...string) answer) map[string]record.Record {
	t.Helper()
	var document struct{ Records []record.Record }
	if err := json.Unmarshal([]byte(run(t, "records", "--env", "staging", "--format", "json").ok(t, 0).stdout), &document); err != nil {
		t.Fatal(err)
	}
	found := make(map[string]record.Record)
	for _, r := range document.Records {
		found[r.Unit] = r
	}
	return found
}

func want(t *testing.T, when string, got, want map[string]report.Result) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

// The module and the native command keep one set of records, beside the states:
// what one has deployed, the other does not deploy again. So the closure digests
// are the same, down to links, executable files and what git tracks although it
// ignores it.
func TestEngineDeploysByTheSameRecordsAsNatively(t *testing.T) {
	r := small(t)
	const f, p, acme, ezra = "foundation@us-east-1", "platform@us-east-1", "clients/acme@us-east-1", "clients/ezra@us-east-1"
	none := map[string]report.Result{}
	want(t, "first deploy", r.deploying(t, r.call), map[string]report.Result{f: report.Applied, p: report.Applied, acme: report.Applied, ezra: report.Applied})
	first := r.recorded(t, r.call)
	want(t, "natively after it", r.deploying(t, r.native), none)
	if diff := cmp.Diff(first, r.recorded(t, r.native)); diff != "" {
		t.Errorf("records through the module (-) and natively (+) differ:\n%s", diff)
	}

	// A template is no Terraform file. The foundation gives what it gave, and what
	// needs it is not planned.
	r.write(t, foundation+"/policy.tftpl", "another policy of ${name}\n")
	r.git(t, "commit", "-q", "-a", "-m", "change")
	want(t, "after a template's change", r.deploying(t, r.call), map[string]report.Result{f: report.Applied, p: report.Unchanged, acme: report.Unchanged, ezra: report.Unchanged})
	want(t, "natively after it", r.deploying(t, r.native), none)
	for id, now := range r.recorded(t, r.call) {
		if changed := now.Closure != first[id].Closure; changed != strings.HasPrefix(id, "foundation") || now.Dirty {
			t.Errorf("%s: another digest: %t, dirty: %t", id, changed, now.Dirty)
		}
	}

	// And the other way around, with changes to all that is not a plain file, and
	// that are not committed.
	r.write(t, foundation+"/scripts/kept.log", "another\n")
	r.write(t, foundation+"/scripts/untracked.log", "ignored\n")
	if err := os.Remove(filepath.Join(r.dir, foundation, "linked.txt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../../../../README.md", filepath.Join(r.dir, foundation, "linked.txt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(r.dir, foundation, "scripts/wanted.tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.write(t, client("ezra")+"/new.auto.tfvars", "# untracked\n")
	natively := r.deploying(t, r.native)
	if natively[f] != report.Applied || len(natively) != 4 {
		t.Errorf("natively: %v", natively)
	}
	want(t, "through the module after a native deploy", r.deploying(t, r.call), none)
	for id, now := range r.recorded(t, r.call) {
		if now.Dirty != (strings.HasPrefix(id, "foundation") || strings.HasPrefix(id, "clients/ezra")) {
			t.Errorf("%s: dirty: %t", id, now.Dirty)
		}
	}
}

// What failed is deployed again, a record that is forgotten too, and what a
// deploy tells holds no secret.
func TestEngineRecords(t *testing.T) {
	r := small(t)
	r.write(t, platform+"/main.tf", needsName+"resource \"terraform_data\" \"refused\" {\n  lifecycle {\n    precondition {\n      condition     = var.foundation_name == \"\"\n      error_message = \"There is no room.\"\n    }\n  }\n}\n")
	const f, p, acme, ezra = "foundation@us-east-1", "platform@us-east-1", "clients/acme@us-east-1", "clients/ezra@us-east-1"
	failed := r.logged(t, "deploy", "--env", "staging").ok(t, 1)
	r.says(t, failed)
	r.write(t, platform+"/main.tf", needsName)
	want(t, "after a failed deploy", r.deploying(t, r.call), map[string]report.Result{p: report.Applied, acme: report.Applied, ezra: report.Applied})

	table := r.logged(t, "records", "--env", "staging").ok(t, 0)
	for _, words := range []string{"foundation@us-east-1:staging", "applied", "4 records"} {
		if !strings.Contains(table.stdout, words) {
			t.Errorf("%q is not in:\n%s", words, table.stdout)
		}
	}
	r.says(t, table)
	r.call(t, "records", "--unit", "platform@us-east-1:staging", "--forget").ok(t, 0)
	r.call(t, "records", "--unit", "platform@us-east-1:staging").ok(t, 1).says(t, "there is no record of platform@us-east-1:staging")
	want(t, "after a record is forgotten", r.deploying(t, r.call), map[string]report.Result{p: report.Unchanged, acme: report.Unchanged, ezra: report.Unchanged})
	want(t, "with --no-prune", r.deploying(t, r.call, "--no-prune", "--only", "clients/acme"), map[string]report.Result{acme: report.Unchanged})

	// A store that is named, by a service's name.
	r.write(t, "strata.yaml", smallConfig+fmt.Sprintf("store: {url: \"s3://%s/other/{env}?region=us-east-1&use_path_style=true&endpoint=http://s3:%d\"}\n", r.bucket, s3.port))
	want(t, "with another store", r.deploying(t, r.call, "--only", "foundation"), map[string]report.Result{f: report.Unchanged})
	if _, there := s3.object(t, r.bucket, "other/staging/records/staging/foundation@us-east-1@staging.json"); !there {
		t.Error("the record is not in the store that is named")
	}
	r.write(t, "strata.yaml", smallConfig+"store: {url: .strata/store}\n")
	r.call(t, "deploy", "--env", "staging").ok(t, 1).says(t, "records of staging would be in a folder (.strata/store), which is lost with the container")
	r.call(t, "records", "--env", "staging").ok(t, 1).says(t, "lost with the container")
}

// says looks for secrets in what a call says.
func (r *repo) says(t *testing.T, a answer) {
	t.Helper()
	clean(t, "the call", a.all())
	for _, form := range forms(dbPassword) {
		if strings.Contains(a.all(), form) {
			t.Errorf("the call says the secret as %q", form)
		}
	}
}

// A unit whose folder is gone is destroyed with the code it was deployed with.
func TestEngineDestroysWhatIsDeleted(t *testing.T) {
	r := small(t)
	r.deploying(t, r.call)
	r.git(t, "rm", "-q", "-r", client("ezra"))
	r.commit(t)
	run := r.call(t, "deploy", "--env", "staging", "--format", "json").ok(t, 0).run(t)
	if len(run.Units) != 0 || !strings.Contains(strings.Join(run.Warnings, "\n"), "clients/ezra@us-east-1:staging is deleted") {
		t.Errorf("units %v, warnings %q", results(run), run.Warnings)
	}
	key := stateKey(client("ezra"))
	if len(s3.resources(t, r.bucket, key)) == 0 {
		t.Error("its resources are gone")
	}
	want(t, "with --destroy-deleted", r.deploying(t, r.call, "--destroy-deleted"), map[string]report.Result{"clients/ezra@us-east-1": report.Destroyed})
	if left := s3.resources(t, r.bucket, key); len(left) > 0 {
		t.Errorf("the state holds %v", left)
	}
	if len(r.recorded(t, r.call)) != 3 {
		t.Error("its record is left")
	}
}

// Without a place for records units that are named run, and it is told that
// nothing is remembered.
func TestEngineDeploysNamedUnitsWithoutRecords(t *testing.T) {
	r := newRepo(t, tree(unit(foundation, trivial), unit(eu(foundation), trivial)))
	other := "strata-" + random()
	s3.must(t, http.MethodPut, "/"+other, nil)
	r.write(t, "shared/backend-configs/other.hcl", strings.ReplaceAll(r.read(t, "shared/backend-configs/staging.hcl"), r.bucket, other))
	r.write(t, "strata.yaml", `version: 1
layers:
  - {name: foundation, path: "regions/us-east-1/layers/01-foundation/{env}"}
  - {name: abroad, path: "regions/eu-west-1/layers/01-foundation/{env}", backend: {config: shared/backend-configs/other.hcl}}
`)
	r.call(t, "deploy", "--env", "staging").ok(t, 1).says(t, "where is the store of staging?", "2 buckets")
	run := r.call(t, "deploy", "--env", "staging", "--all", "--format", "json").ok(t, 0).run(t)
	want(t, "named", results(run), map[string]report.Result{"foundation@global": report.Applied, "abroad@global": report.Applied})
	if !strings.Contains(strings.Join(run.Warnings, "\n"), "is not remembered") {
		t.Errorf("warnings %q", run.Warnings)
	}
}
