//go:build engine

package enginetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/report"
)

// parameters is a repository of two units. The foundation's resources are
// parameters of the tests' AWS, so that somebody else can change them.
type parameters struct {
	*repo
	prefix string
}

const foundationUnit = "foundation@us-east-1:staging"

// code is the foundation's: a parameter with a value, and a secret one.
func (p *parameters) code(value string) string {
	return awsProvider + fmt.Sprintf(`variable "db_password" {
  sensitive = true
}

resource "aws_ssm_parameter" "this" {
  name           = "%[1]sthis"
  type           = "String"
  insecure_value = %[2]q
  description    = "declared"
  tags           = { team = "core" }
}

resource "aws_ssm_parameter" "secret" {
  name  = "%[1]ssecret"
  type  = "SecureString"
  value = var.db_password
}

output "name" {
  value = aws_ssm_parameter.this.name
}
`, p.prefix, value)
}

func newParameters(t *testing.T) *parameters {
	t.Helper()
	mirror := os.Getenv("STRATA_TEST_PROVIDER_MIRROR")
	if mirror == "" {
		t.Skip("needs STRATA_TEST_PROVIDER_MIRROR: a folder in filesystem-mirror layout with hashicorp/aws")
	}
	if !s3.moto {
		t.Skip("needs moto_server on PATH (pip install 'moto[server]')")
	}
	p := &parameters{prefix: "/strata/" + random() + "/"}
	p.repo = newRepo(t, tree(
		unit(foundation, p.code("as declared")), unit(platform, needsName),
		map[string]string{
			"strata.yaml": `# What runs.
version: 1
layers:
  - {name: foundation, path: "regions/{region}/layers/01-foundation/{env}", secrets: [db_password]}
  - {name: platform, path: "regions/{region}/layers/02-platform/{env}", needs: [foundation]}
`,
			".gitignore": ".terraform/\n.strata/\n",
		},
	))
	p.environ = append(p.environ, fmt.Sprintf("AWS_ENDPOINT_URL_SSM=http://127.0.0.1:%d", s3.port), "STRATA_PROVIDER_MIRROR="+mirror)
	p.chain = append(p.chain, "with-variable", "--name", "AWS_ENDPOINT_URL_SSM", "--value", fmt.Sprintf("http://s3:%d", s3.port),
		"with-provider-mirror", "--mirror", mirror, "with-secret", "--name", "db_password", "--value", "env:STRATA_SECRET_DB_PASSWORD")
	return p
}

// ask asks for something that is done to one of the parameters.
func (p *parameters) ask(t *testing.T, action, name, more string) (value string) {
	t.Helper()
	var answer struct{ Parameter struct{ Value string } }
	if err := json.Unmarshal([]byte(s3.parameter(t, action, fmt.Sprintf(`{"Name":%q%s}`, p.prefix+name, more))), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Parameter.Value
}

func (p *parameters) put(t *testing.T, name, value string) {
	t.Helper()
	more := fmt.Sprintf(`,"Value":%q,"Overwrite":true`, value)
	if name == "this" {
		more += `,"Description":"declared"`
	}
	p.ask(t, "PutParameter", name, more)
}

func (p *parameters) get(t *testing.T, name string) string {
	t.Helper()
	return p.ask(t, "GetParameter", name, `,"WithDecryption":true`)
}

// tag sets the tag that the code sets.
func (p *parameters) tag(t *testing.T, team string) {
	t.Helper()
	s3.parameter(t, "AddTagsToResource", fmt.Sprintf(`{"ResourceType":"Parameter","ResourceId":%q,"Tags":[{"Key":"team","Value":%q}]}`, p.prefix+"this", team))
}

// told are the differences of a run, a line each.
func told(run *report.Run) []string {
	var out []string
	for _, u := range run.Units {
		for _, d := range u.Drift {
			line := strings.Join([]string{u.Layer, d.Address, d.Action}, " ")
			if len(d.Attributes) == 0 {
				out = append(out, line)
			}
			for _, a := range d.Attributes {
				what := fmt.Sprintf("%s → %s", a.Before, a.After)
				if a.Sensitive {
					what = "(sensitive)"
				}
				out = append(out, fmt.Sprintf("%s %s: %s", line, a.Path, what))
			}
		}
	}
	slices.Sort(out)
	return out
}

// byHand is what is told of a value that is changed by hand.
const byHand = `foundation aws_ssm_parameter.this changed insecure_value: "as declared" → "changed by hand"`

var asDocument = []string{"drift", "--env", "staging", "--fail-on", "never", "--format", "json"}

// Each call looks: one that is the same as the call before it sees what somebody
// has changed since, and what is again as it was. A native look at the same
// records comes to the same results.
func TestEngineDriftLooksEachTime(t *testing.T) {
	p := newParameters(t)
	p.native(t, "deploy", "--env", "staging").ok(t, 0)
	p.git(t, "add", "-A") // the lock file too
	p.commit(t)
	staging := []string{"drift", "--env", "staging"}
	a := p.logged(t, staging...).ok(t, 0)
	if !strings.Contains(a.stdout, "2 in sync") {
		t.Errorf("after a native deploy:\n%s", a.stdout)
	}
	p.says(t, a)

	p.tag(t, "other")
	lock := "/" + p.bucket + "/" + stateKey(foundation) + ".tflock"
	for _, held := range []bool{true, false} { // in no look's way
		if held {
			s3.must(t, http.MethodPut, lock, []byte(`{"ID":"held-by-the-test","Operation":"OperationTypeApply","Who":"somebody","Created":"2025-01-01T00:00:00Z"}`))
		}
		a = p.call(t, staging...).ok(t, 2).says(t, foundationUnit, "1 changed (low)", `tags.team: "core" → "other"`, "1 drifted, 1 in sync")
		if a.stdout != "" {
			t.Errorf("something on standard output: %s", a.stdout)
		}
		s3.must(t, http.MethodDelete, lock, nil)
	}
	for line := range strings.Lines(normal(p.native(t, staging...).ok(t, 2).stdout)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "log: ") && !strings.Contains(normal(a.stderr), line) {
			t.Errorf("the module's error lacks %q:\n%s", line, a.stderr)
		}
	}
	p.tag(t, "core")
	p.call(t, staging...).ok(t, 0)

	// Of values, of secrets, of what is gone it tells what the native command does.
	p.put(t, "this", "changed by hand")
	p.put(t, "secret", "another-secret-value")
	before, _ := s3.object(t, p.bucket, stateKey(foundation))
	native, logged := p.native(t, asDocument...).ok(t, 0).run(t), p.logged(t, asDocument...).ok(t, 0)
	module := logged.run(t)
	if diff := cmp.Diff([]string{
		`foundation aws_ssm_parameter.secret changed value: (sensitive)`,
		byHand,
	}, told(module)); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(canonical(t, native), canonical(t, module)); diff != "" {
		t.Errorf("native (-) and module (+) differ:\n%s", diff)
	}
	p.says(t, logged)
	if strings.Contains(logged.all(), "another-secret-value") {
		t.Error("the call says the secret that is there now")
	}
	if after, _ := s3.object(t, p.bucket, stateKey(foundation)); string(after) != string(before) {
		t.Error("a look has changed the state")
	}
}

// What drifted is set back by the code that was deployed, or accepted; only what
// is new is reported, and all of it is in the ledger.
func TestEngineDriftIsSetBackOrAccepted(t *testing.T) {
	p := newParameters(t)
	p.deploying(t, p.call)
	p.tag(t, "other")
	accept := []string{"accept-drift", "--env", "staging", "--reason", "moved to another team", "--owner", "ops", "--until", "2999-12-31"}
	p.call(t, append(accept, "export", "--path", "strata.yaml")...).ok(t, 0)
	text := p.read(t, "strata.yaml")
	for _, words := range []string{"# What runs.\nversion: 1\n", "baseline:", foundationUnit, "aws_ssm_parameter.this", "tags.team", "2999-12-31"} {
		if !strings.Contains(text, words) {
			t.Errorf("strata.yaml does not say %q:\n%s", words, text)
		}
	}
	p.git(t, "commit", "-q", "-a", "-m", "accept")

	p.ask(t, "DeleteParameter", "secret", "")
	run := p.call(t, "drift", "--env", "staging", "--fix", "--format", "json").ok(t, 0).run(t)
	want(t, "with --fix", results(run), map[string]report.Result{"foundation@us-east-1": report.Applied, "platform@us-east-1": report.InSync})
	if got := p.get(t, "secret"); got != dbPassword {
		t.Errorf("the secret is %q", got)
	}
	a := p.call(t, "drift", "--env", "staging", "--since", "last").ok(t, 0)
	if !strings.Contains(a.stdout, "accepted until 2999-12-31 by ops") {
		t.Errorf("what is accepted is not told:\n%s", a.stdout)
	}
	if got := p.deploying(t, p.call); len(got) != 0 {
		t.Errorf("a deploy after it runs %v", got)
	}

	p.put(t, "secret", "another-secret-value")
	since := slices.Concat([]string{
		"with-variable", "--name", "GITHUB_ACTIONS", "--value", "true", "with-variable", "--name", "GITHUB_ACTOR", "--value", "octocat",
		"with-variable", "--name", "GITHUB_SERVER_URL", "--value", "https://github.com", "with-variable", "--name", "GITHUB_REPOSITORY", "--value", "acme/live",
		"with-variable", "--name", "GITHUB_RUN_ID", "--value", "7",
	}, []string{"drift", "--env", "staging", "--since", "last"})
	p.call(t, since...).ok(t, 2).says(t, "aws_ssm_parameter.secret")
	if a := p.call(t, since...).ok(t, 0); !strings.Contains(a.stdout, "1 difference is known since") {
		t.Errorf("what is known is told anew:\n%s", a.stdout)
	}

	history := p.call(t, "history", "--env", "staging", "--format", "json").ok(t, 0).stdout
	if diff := cmp.Diff(p.native(t, "history", "--env", "staging", "--format", "json").ok(t, 0).stdout, history); diff != "" {
		t.Errorf("history natively (-) and through the module (+) differ:\n%s", diff)
	}
	var document struct {
		Runs []struct{ Verb, Who, Link string }
	}
	if err := json.Unmarshal([]byte(history), &document); err != nil {
		t.Fatal(err)
	}
	if last := document.Runs[0]; last.Verb != "drift" || last.Who != "octocat" || last.Link != "https://github.com/acme/live/actions/runs/7" {
		t.Errorf("the newest run: %+v", last)
	}
	if table := p.call(t, "history", "--env", "staging", "--runs", "2").ok(t, 0); !strings.Contains(table.stdout, "staging: 2 runs") || !strings.Contains(table.stdout, "octocat") {
		t.Errorf("history:\n%s", table.stdout)
	}
}

// Units are looked at with the code that they were deployed with: what is not
// deployed yet is pending, and what has no folder here is looked at all the same.
func TestEngineDriftIsFoundWithTheCodeOfTheRecord(t *testing.T) {
	p := newParameters(t)
	p.deploying(t, p.call)
	p.write(t, foundation+"/main.tf", p.code("not deployed yet"))
	p.git(t, "add", "-A")
	p.git(t, "rm", "-q", "-r", platform)
	p.commit(t)
	p.put(t, "this", "changed by hand")
	for name, run := range map[string]func(testing.TB, ...string) answer{"natively": p.native, "through the module": p.call} {
		found := run(t, asDocument...).ok(t, 0).run(t)
		want(t, name, results(found), map[string]report.Result{"foundation@us-east-1": report.DriftedPending, "platform@us-east-1": report.Unmanaged})
		if diff := cmp.Diff([]string{byHand}, told(found)); diff != "" {
			t.Errorf("differences %s (-want +got):\n%s", name, diff)
		}
	}

	// What was deployed comes back, and what is pending does not go with it.
	run := p.call(t, "drift", "--env", "staging", "--fix", "--only", "foundation", "--format", "json").ok(t, 0).run(t)
	if got := run.Units[0]; got.Result != report.Applied || !strings.Contains(got.Reason, "drift is set back; still pending") {
		t.Errorf("with --fix: %+v", got)
	}
	if got := p.get(t, "this"); got != "as declared" {
		t.Errorf("the parameter is %q", got)
	}

	// A clone without that commit says so.
	shallow := *p.repo
	shallow.dir = t.TempDir()
	p.git(t, "clone", "-q", "--depth", "1", "file://"+p.dir, shallow.dir)
	shallow.call(t, "drift", "--env", "staging").ok(t, 1).says(t, "which this clone does not have", "fetch-depth: 0")
}

// Without records there is nothing to compare with, and no ledger to read.
func TestEngineDriftWithoutRecordsIsRefused(t *testing.T) {
	r := newRepo(t, unit(foundation, trivial))
	r.call(t, "drift", "--env", "production").ok(t, 1).says(t, "production")
	r.call(t, "drift", "--env", "staging").ok(t, 3).says(t, "there is no record of staging", r.bucket)
	r.call(t, "accept-drift", "--env", "staging", "--reason", "r", "--owner", "o", "--until", "2999-12-31", "contents").ok(t, 3).says(t, "no record of staging")
	r.call(t, "history", "--env", "staging").ok(t, 3).says(t, "no run of staging in the ledger", r.bucket)
	r.call(t, "drift", "--env", "staging", "--since", "yesterday").ok(t, 1).says(t, "it is last")
	r.write(t, "strata.yaml", "version: 1\nstore: {url: .strata/store}\n")
	for _, args := range [][]string{{"drift"}, {"history"}} {
		r.call(t, append(args, "--env", "staging")...).ok(t, 1).says(t, "lost with the container")
	}
}

// A notification that cannot be sent fails nothing, and its URL is a secret.
func TestEngineDriftTellsThatNobodyWasTold(t *testing.T) {
	r := newRepo(t, tree(unit(foundation, trivial), map[string]string{"strata.yaml": "version: 1\nnotify: {webhook: {url: hook_url, events: {staging: [all]}}}\n"}))
	server := httptest.NewServer(http.NotFoundHandler())
	url := server.URL + "/" + random()
	server.Close()
	r.environ = append(r.environ, "HOOK_URL="+url)
	r.call(t, "deploy", "--env", "staging").ok(t, 0)
	r.chain = append(r.chain, "with-secret", "--name", "hook_url", "--value", "env:HOOK_URL")
	run := r.logged(t, "deploy", "--env", "staging", "--all", "--format", "json").ok(t, 0)
	if warnings := strings.Join(run.run(t).Warnings, "\n"); !strings.Contains(warnings, "webhook was not told (succeeded)") {
		t.Errorf("warnings %q", warnings)
	}
	if strings.Contains(run.all(), url[len(server.URL):]) {
		t.Error("the call says the URL")
	}
}
