package ciexamples

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The actions that the files use, as far as a run on this machine needs them.
// The checkout does what the real one does with ref and fetch-depth; the
// credentials are none.
var actions = map[string]string{
	"actions/checkout@v4": `
inputs: {ref: {default: ""}, fetch-depth: {default: "1"}, persist-credentials: {default: "true"}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {REF: "${{ inputs.ref }}", DEPTH: "${{ inputs.fetch-depth }}"}
      run: |
        ref=${REF:+refs/heads/$REF} && ref=${ref:-$GITHUB_REF}
        git init -q . && git remote add origin "file://$ORIGIN"
        if [ "$DEPTH" = 0 ]
        then git fetch -q origin "+$ref:refs/remotes/checkout" '+refs/heads/*:refs/remotes/origin/*'
        else git fetch -q --no-tags "--depth=$DEPTH" origin "+$ref:refs/remotes/checkout"
        fi
        git checkout -q --detach refs/remotes/checkout
`,
	"hashicorp/setup-terraform@v3": `
inputs: {terraform_version: {required: true}, terraform_wrapper: {required: true}}
runs: {using: composite, steps: [{shell: bash, run: "true"}]}
`,
	"actions/setup-go@v5": `
inputs: {go-version: {required: true}, cache: {required: true}}
runs: {using: composite, steps: [{shell: bash, run: "true"}]}
`,
	"aws-actions/configure-aws-credentials@v4": `
inputs: {aws-region: {required: true}, role-to-assume: {required: true}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {REGION: "${{ inputs.aws-region }}", ROLE: "${{ inputs.role-to-assume }}"}
      run: |
        [ -n "$REGION" ] && [ -n "$ROLE" ]
        printf '%s\n' "AWS_REGION=$REGION" AWS_ACCESS_KEY_ID=id AWS_SECRET_ACCESS_KEY=key AWS_SESSION_TOKEN=token >> "$GITHUB_ENV"
`,
	// Takes the file of each category, or is not allowed to.
	"github/codeql-action@v4/upload-sarif": `
inputs: {sarif_file: {required: true}, category: {required: true}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {FILE: "${{ inputs.sarif_file }}", CATEGORY: "${{ inputs.category }}"}
      run: mkdir "$UPLOADS" && cp "$FILE" "$UPLOADS/$CATEGORY.sarif"
`,
}

func TestActionlint(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples, "github*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file: %v", err)
	}
	args := []string{"tool", "-modfile=tools/go.mod", "actionlint", "-no-color"}
	for _, file := range files {
		args = append(args, strings.TrimPrefix(filepath.ToSlash(file), "../../"))
	}
	lint := exec.Command("go", args...)
	lint.Dir = "../.."
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// act runs a workflow for an event. HEAD of the folder that act is started in is
// the commit of the event.
func (w *world) act(t *testing.T, file, event, ref, payload string, more ...string) (string, error) {
	t.Helper()
	dir := w.clone(t, ref, 0)
	w.git(t, dir, "remote", "set-url", "origin", "https://github.com/acme/live") // github.repository
	workflow, err := filepath.Abs(filepath.Join(examples, file))
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(t.TempDir(), "event.json")
	write(t, at, payload)
	args := []string{event, "-W", workflow, "-e", at, "-P", "ubuntu-latest=-self-hosted", "--no-skip-checkout", "--no-cache-server",
		"--concurrent-jobs", "2", "--env", "ORIGIN=" + w.origin,
		"--var", "AWS_REGION=eu-west-1", "--var", "AWS_PLAN_ROLE=plan", "--var", "AWS_DEPLOY_ROLE=deploy", "-s", "DB_PASSWORD=" + password}
	args = append(args, "--env", "UPLOADS="+w.uploads)
	for name, text := range actions {
		repository, within, _ := strings.Cut(name, "@")
		version, within, _ := strings.Cut(within, "/")
		folder := filepath.Join(w.dir, "actions", filepath.FromSlash(repository)+"@"+version)
		write(t, filepath.Join(folder, filepath.FromSlash(within), "action.yml"), "name: stand-in\ndescription: stand-in"+text)
		args = append(args, "--local-repository", repository+"@"+version+"="+folder)
	}
	return w.run(dir, nil, "act", append(args, more...)...)
}

// uploaded is what was uploaded for code scanning since the last time, by
// category.
func (w *world) uploaded(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(w.uploads, "*.sarif"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".sarif")] = string(text)
	}
	if err := os.RemoveAll(w.uploads); err != nil {
		t.Fatal(err)
	}
	return all
}

func pushed(branch string) string {
	return fmt.Sprintf(`{"ref": "refs/heads/%s", "before": "0000000000000000000000000000000000000000", "repository": {"full_name": "acme/live", "default_branch": "main"}}`, branch)
}

func pullRequest(from string) string {
	return fmt.Sprintf(`{"number": 7, "repository": {"full_name": "acme/live", "default_branch": "main"},
		"pull_request": {"number": 7, "base": {"ref": "staging"}, "head": {"ref": "feature", "repo": {"full_name": "%s/live"}}}}`, from)
}

func TestGitHub(t *testing.T) {
	need(t, "act")
	for _, c := range []struct{ file, plan, deploy string }{
		{"github.yml", "strata plan --format markdown --report sarif=strata.sarif", "strata deploy --format markdown"},
		{"github-dagger.yml", daggerLine(awsKeys, "plan --ref staging --gates-from origin/staging markdown"), daggerLine(awsKeys, "deploy --ref refs/heads/staging --format markdown")},
	} {
		t.Run(c.file, func(t *testing.T) {
			w := newWorld(t)
			out, err := w.act(t, c.file, "push", "refs/heads/staging", pushed("staging"))
			if err != nil {
				t.Fatal(err)
			}
			wantCalls(t, w, c.deploy)
			wantText(t, out, "Summary - ", "12 applied")
			if got := w.applied(t, "staging"); got != 12 || w.applied(t, "production") != 0 {
				t.Errorf("%d units of staging are deployed, want 12; of production %d", got, w.applied(t, "production"))
			}

			// A second push deploys nothing: each unit's record holds.
			out, err = w.act(t, c.file, "push", "refs/heads/staging", pushed("staging"))
			if err != nil {
				t.Fatal(err)
			}
			wantCalls(t, w, c.deploy)
			if wantText(t, out, "Summary - "); applies(out) {
				t.Errorf("the second deploy applied again:\n%s", out)
			}

			out, err = w.act(t, c.file, "pull_request", "refs/pull/7/merge", pullRequest("acme"))
			if err != nil {
				t.Fatal(err)
			}
			wantCalls(t, w, c.plan)
			wantText(t, out, "Summary - ")
			wantPlan(t, out)
			if uploaded := w.uploaded(t); strings.Contains(c.file, "dagger") {
				wantUploads(t, uploaded)
			} else {
				wantUploads(t, uploaded, "strata-plan")
				wantSARIF(t, uploaded["strata-plan"])
			}

			if _, err = w.act(t, c.file, "pull_request", "refs/pull/7/merge", pullRequest("stranger")); err != nil {
				t.Fatal(err)
			}
			wantCalls(t, w)
		})
	}
}

func TestGitHubClients(t *testing.T) {
	need(t, "act")
	w := newWorld(t)
	if _, err := w.act(t, "github.yml", "push", "refs/heads/staging", pushed("staging")); err != nil {
		t.Fatal(err)
	}
	w.calls(t)
	const file = "github-clients.yml"
	out, err := w.act(t, file, "pull_request", "refs/pull/7/merge", pullRequest("acme"))
	if err != nil {
		t.Fatal(err)
	}
	wantCalls(t, w, "strata affected --format matrix", "strata plan --env staging --only clients/ezra@us-east-1:staging --format markdown")
	wantPlan(t, out)

	// Nothing is affected where the merge brings nothing.
	w.git(t, filepath.Join(w.dir, "work"), "push", "-q", "-f", "origin", "staging:refs/pull/7/merge")
	if _, err = w.act(t, file, "pull_request", "refs/pull/7/merge", pullRequest("acme")); err != nil {
		t.Fatal(err)
	}
	wantCalls(t, w, "strata affected --format matrix")

	if _, err = w.act(t, file, "pull_request", "refs/pull/7/merge", pullRequest("stranger")); err != nil {
		t.Fatal(err)
	}
	wantCalls(t, w)
}
