package ciexamples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var serviceLine = regexp.MustCompile(`(?m)^  services: .*\n`)

// gitlab runs a pipeline in a folder: all jobs whose rules hold, or those named.
// gitlab-ci-local takes the folder as it is, so the test makes the checkout that
// GIT_DEPTH asks for.
func (w *world) gitlab(dir string, variables map[string]string, args ...string) (string, error) {
	args = append([]string{"--force-shell-executor"}, args...)
	if variables["CI_COMMIT_BRANCH"] == "" {
		args = append(args, "--unset-variable", "CI_COMMIT_BRANCH")
	}
	all := map[string]string{
		"GITLAB_CI": "true", "CI_PROJECT_DIR": dir, "CI_PROJECT_ID": "1",
		"AWS_REGION": "eu-west-1", "AWS_PLAN_ROLE": "plan", "AWS_DEPLOY_ROLE": "deploy", "AWS_ID_TOKEN": identity,
		"STRATA_SECRET_DB_PASSWORD": password, "DB_PASSWORD": password,
	}
	for name, value := range variables {
		all[name] = value
	}
	for name, value := range all {
		args = append(args, "--variable", name+"="+value)
	}
	return w.run(dir, nil, "gitlab-ci-local", args...)
}

// gitlabCheckout is what GitLab brings: the ref's commits and no other branch.
func (w *world) gitlabCheckout(t *testing.T, ref string, depth int, files map[string]string) string {
	t.Helper()
	dir := w.clone(t, ref, depth)
	w.git(t, dir, "remote", "add", "gcl-origin", "git@gitlab.com:acme/live.git") // what gitlab-ci-local takes for origin's URL
	for _, branch := range strings.Fields(w.git(t, dir, "for-each-ref", "--format=%(refname)", "refs/remotes/origin")) {
		w.git(t, dir, "update-ref", "-d", branch)
	}
	write(t, filepath.Join(dir, ".git/info/exclude"), ".gitlab-ci-local/\n")
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
		w.git(t, dir, "add", "-f", name) // gitlab-ci-local includes no file that git does not know
	}
	return dir
}

func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func gitlabPush(w *world, t *testing.T, branch string) map[string]string {
	return map[string]string{
		"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": branch, "CI_COMMIT_BEFORE_SHA": strings.Repeat("0", 40),
		"CI_COMMIT_SHA": w.git(t, w.dir, "--git-dir", w.origin, "rev-parse", branch),
	}
}

func mergeRequest(w *world, t *testing.T, from string) map[string]string {
	return map[string]string{
		"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_IID": "7",
		"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": from, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "staging",
		"CI_MERGE_REQUEST_DIFF_BASE_SHA": w.git(t, w.dir, "--git-dir", w.origin, "merge-base", "feature", "staging"),
		"CI_COMMIT_SHA":                  w.git(t, w.dir, "--git-dir", w.origin, "rev-parse", "feature"),
	}
}

func TestGitLab(t *testing.T) {
	need(t, "gitlab-ci-local", "rsync")
	for _, c := range []struct{ file, plan, deploy string }{
		{"gitlab-ci.yml", "strata plan --format markdown --report junit=strata.xml", "strata deploy"},
		{"gitlab-ci-dagger.yml", daggerLine(awsRole("plan"), "plan --ref staging --base BASE --gates-from origin/staging markdown"), daggerLine(awsRole("deploy"), "deploy --ref staging")},
	} {
		t.Run(c.file, func(t *testing.T) {
			w := newWorld(t)
			// The service is the container engine, which the stand-in does not need.
			files := map[string]string{".gitlab-ci.yml": serviceLine.ReplaceAllString(example(t, c.file), "")}
			deploy := w.gitlabCheckout(t, "refs/heads/staging", gitDepth(t, c.file, "deploy staging"), files)
			out, err := w.gitlab(deploy, gitlabPush(w, t, "staging"))
			if err != nil {
				t.Fatal(err)
			}
			wantCalls(t, w, c.deploy)
			wantText(t, out, "deploy staging", "12 applied")
			if got := w.applied(t, "staging"); got != 12 || w.applied(t, "production") != 0 {
				t.Errorf("%d units of staging are deployed, want 12; of production %d", got, w.applied(t, "production"))
			}

			// A second push deploys nothing: each unit's record holds.
			deploy = w.gitlabCheckout(t, "refs/heads/staging", gitDepth(t, c.file, "deploy staging"), files)
			if out, err = w.gitlab(deploy, gitlabPush(w, t, "staging")); err != nil {
				t.Fatal(err)
			}
			wantCalls(t, w, c.deploy)
			if applies(out) {
				t.Errorf("the second deploy applied again:\n%s", out)
			}

			request := mergeRequest(w, t, "1")
			plan := w.gitlabCheckout(t, "refs/heads/feature", gitDepth(t, c.file, "plan staging"), files)
			if out, err = w.gitlab(plan, request); err != nil {
				t.Fatal(err)
			}
			wantCalls(t, w, strings.ReplaceAll(c.plan, "BASE", request["CI_MERGE_REQUEST_DIFF_BASE_SHA"]))
			wantPlan(t, out) // in the job's log
			if text, err := os.ReadFile(filepath.Join(plan, "plan.md")); err != nil {
				t.Error(err)
			} else {
				wantPlan(t, string(text)) // in the artifact
			}
			if !strings.Contains(c.file, "dagger") {
				wantTests(t, read(t, filepath.Join(plan, "strata.xml")), "clients/ezra@us-east-1:staging", 0)
			}

			if out, err = w.gitlab(plan, mergeRequest(w, t, "2")); err != nil && !strings.Contains(out, "No jobs") {
				t.Log(err)
			}
			wantCalls(t, w)
		})
	}
}

// gitlab-ci-local does not start child pipelines, so the test starts it from the
// artifact, as GitLab would.
func TestGitLabClients(t *testing.T) {
	need(t, "gitlab-ci-local", "rsync")
	w := newWorld(t)
	files := map[string]string{".gitlab-ci.yml": example(t, "gitlab-ci.yml")}
	if _, err := w.gitlab(w.gitlabCheckout(t, "refs/heads/staging", 1, files), gitlabPush(w, t, "staging")); err != nil {
		t.Fatal(err)
	}
	w.calls(t)

	files[".gitlab-ci.yml"] = withoutJobs(t, "gitlab-ci.yml", "plan staging", "plan production") + "\ninclude: /.gitlab/strata-clients.yml\n"
	files[".gitlab/strata-clients.yml"] = example(t, "gitlab-ci-clients.yml")
	dir := w.gitlabCheckout(t, "refs/heads/feature", 0, files)
	request := mergeRequest(w, t, "1")
	if _, err := w.gitlab(dir, request, "affected"); err != nil {
		t.Fatal(err)
	}
	wantCalls(t, w, "strata affected --format matrix")
	child := map[string]string{}
	for name, value := range request {
		child[name] = value
	}
	child["CI_PIPELINE_SOURCE"] = "parent_pipeline"
	out, err := w.gitlab(dir, child, "--file", "plans.yml")
	if err != nil {
		t.Fatal(err)
	}
	wantCalls(t, w, "strata plan --env staging --only clients/ezra@us-east-1:staging --format markdown --report junit=strata.xml")
	wantPlan(t, out)
	wantTests(t, read(t, filepath.Join(dir, "strata.xml")), "clients/ezra@us-east-1:staging", 0)

	// Where nothing is affected, the child pipeline has a job that does nothing.
	dir = w.gitlabCheckout(t, "refs/heads/main", 0, files)
	if _, err := w.gitlab(dir, request, "affected"); err != nil {
		t.Fatal(err)
	}
	wantCalls(t, w, "strata affected --format matrix")
	if out, err = w.gitlab(dir, child, "--file", "plans.yml"); err != nil {
		t.Fatal(err)
	}
	wantText(t, out, "nothing is affected")
	wantCalls(t, w)
}

// withoutJobs is a file's text without some of its jobs.
func withoutJobs(t *testing.T, name string, jobs ...string) string {
	t.Helper()
	var kept []string
	skip := false
	for line := range strings.Lines(example(t, name)) {
		if len(line) > 1 && line[0] != ' ' {
			skip = false
			for _, job := range jobs {
				skip = skip || line == job+":\n"
			}
		}
		if !skip {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
