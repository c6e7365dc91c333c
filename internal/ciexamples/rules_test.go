package ciexamples

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What each file must keep, whatever else it says. These need no tool.

var (
	githubFiles = []string{"github.yml", "github-dagger.yml", "github-clients.yml", "github-scan.yml", "github-drift.yml", "github-drift-dagger.yml"}
	gitlabFiles = []string{"gitlab-ci.yml", "gitlab-ci-dagger.yml", "gitlab-ci-clients.yml", "gitlab-ci-scan.yml", "gitlab-ci-drift.yml", "gitlab-ci-drift-dagger.yml"}
	azureFiles  = []string{"azure-pipelines.yml", "azure-pipelines-dagger.yml", "azure-pipelines-clients.yml", "azure-pipelines-scan.yml", "azure-pipelines-drift.yml", "azure-pipelines-drift-dagger.yml"}
)

// strataLine finds Strata's lines in a script: native ones and dagger calls.
var strataLine = regexp.MustCompile(`\bstrata (affected|plan|deploy|destroy|drift|scan|policy|validate)\b|\bdagger .*\bcall\b`)

// wantOneLine finds the one line of Strata in the script of a job. What installs a
// tool, and what comes before or after, may be there too.
func wantOneLine(t *testing.T, where string, script []string) (line string) {
	t.Helper()
	var found []string
	for _, text := range script {
		for one := range strings.Lines(text) {
			for range strataLine.FindAllString(one, -1) {
				found = append(found, strings.TrimSpace(one))
			}
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s: %d lines of Strata, want one: %q", where, len(found), found)
	}
	for _, flag := range []string{"--all", "--fix", "--accept"} {
		if strings.Contains(found[0], flag) {
			t.Errorf("%s: %s in %s", where, flag, found[0])
		}
	}
	return found[0]
}

// needsHistory says whether a line of Strata reads commits before the newest:
// that of a deploy alone does not. A pull request's gates are those of its base
// commit, also where the units are named.
func needsHistory(line string) bool { return verbOf(line) != "deploy" }

// nightly says whether a file is one that looks for drift.
func nightly(file string) bool { return strings.Contains(file, "-drift") }

// branches are the environments' own, as strata.yaml's defaults have them.
var branches = map[string]string{"staging": "staging", "production": "main"}

// unquoted finds a vendor's variable that the shell would split or glob.
var (
	quoted   = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	unquoted = regexp.MustCompile(`\$\{?(GITHUB|CI|BUILD|SYSTEM|UNIT|unit|environment|ENVIRONMENT)`)
)

func wantQuoted(t *testing.T, where string, script []string) {
	t.Helper()
	for _, text := range script {
		if unquoted.MatchString(quoted.ReplaceAllString(text, "")) {
			t.Errorf("%s: a variable is not quoted: %s", where, text)
		}
	}
}

func TestAllFilesAreChecked(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples, "*"))
	if err != nil {
		t.Fatal(err)
	}
	known := slices.Concat(githubFiles, gitlabFiles, azureFiles)
	for _, file := range files {
		if !slices.Contains(known, filepath.Base(file)) {
			t.Errorf("no rule is checked for %s", file)
		}
	}
	if len(files) != len(known) {
		t.Errorf("%d files, want %d", len(files), len(known))
	}
}

func TestGitHubRules(t *testing.T) {
	for _, file := range githubFiles {
		t.Run(file, func(t *testing.T) {
			whole := parse(t, file)
			events := []string{"pull_request", "push"}
			if nightly(file) {
				// A schedule takes with it whatever else starts its workflow.
				events = []string{"schedule", "workflow_dispatch"}
			}
			for _, event := range whole.get("on").keys() {
				if !slices.Contains(events, event) {
					t.Errorf("runs on %s", event)
				}
			}
			if nightly(file) && !whole.get("on", "schedule").there() {
				t.Error("has no schedule")
			}
			if none, ok := whole.get("permissions").value.(map[string]any); !ok || len(none) > 0 {
				t.Errorf("permissions of the file are %v, want {}", whole.get("permissions").value)
			}
			jobs := whole.get("jobs")
			for _, name := range jobs.keys() {
				githubJob(t, name, jobs)
			}
		})
	}
}

func githubJob(t *testing.T, name string, jobs node) {
	t.Helper()
	job := jobs.get(name)
	permissions := job.get("permissions")
	var script []string
	depth, credentials := "", false
	for _, step := range job.get("steps").list() {
		if run := step.get("run").text(); run != "" {
			script = append(script, run)
			if strings.Contains(run, "${{") {
				t.Errorf("%s: an expression in a script: %s", name, run)
			}
		}
		switch uses, _, _ := strings.Cut(step.get("uses").text(), "@"); uses {
		case "actions/checkout":
			if step.get("with", "persist-credentials").text() != "false" {
				t.Errorf("%s: leaves the token in the checkout", name)
			}
			depth = step.get("with", "fetch-depth").text()
		case "aws-actions/configure-aws-credentials":
			credentials = true
		}
	}
	wantQuoted(t, name, script)
	line := wantOneLine(t, name, script)
	allowed := map[string]string{"contents": "read"}
	if credentials {
		allowed["id-token"] = "write"
	}
	if githubUpload(t, name, job, line) {
		allowed["security-events"], allowed["actions"] = "write", "read"
	}
	for _, permission := range permissions.keys() {
		if got := permissions.get(permission).text(); got != allowed[permission] {
			t.Errorf("%s: permission %s: %s, want %q", name, permission, got, allowed[permission])
		}
	}
	if len(permissions.keys()) != len(allowed) {
		t.Errorf("%s: permissions %v, want %v", name, permissions.value, allowed)
	}
	if needsHistory(line) != (depth == "0") {
		t.Errorf("%s: fetch-depth %q for %s", name, depth, line)
	}
	switch name {
	case "drift":
		githubNightly(t, job, line)
		return
	case "scan":
		wantNoCredentials(t, name, job)
		return
	}

	const own = "github.event.pull_request.head.repo.full_name == github.repository"
	condition := job.get("if").text()
	for _, other := range job.get("needs").texts() {
		condition += " " + jobs.get(other, "if").text()
	}
	deploys := name == "deploy"
	if deploys && condition != "github.event_name == 'push'" || !deploys && !strings.Contains(condition, own) {
		t.Errorf("%s: runs if %s", name, condition)
	}
	if cancel := job.get("concurrency", "cancel-in-progress").text(); credentials && cancel != "false" {
		t.Errorf("%s: cancel-in-progress is %q", name, cancel)
	}
	if group := job.get("concurrency", "group").text(); deploys && group != "strata-deploy-"+job.get("environment").text() {
		t.Errorf("%s: group %s for the environment %s", name, group, job.get("environment").text())
	}
	if matrix := job.get("strategy"); matrix.there() {
		if deploys {
			t.Errorf("%s: a matrix deploys", name)
		}
		if matrix.get("fail-fast").text() != "false" {
			t.Errorf("%s: one that fails cancels the others", name)
		}
	}
}

// githubNightly checks a job that looks for drift: on each environment's branch,
// which says what units there are, and never in the way of a deploy.
func githubNightly(t *testing.T, job node, line string) {
	t.Helper()
	if job.get("concurrency").there() || job.get("environment").there() || job.get("if").there() {
		t.Errorf("waits for others, asks somebody or leaves nights out: %v", job.value)
	}
	if job.get("strategy", "fail-fast").text() != "false" {
		t.Error("drift of one environment stops the look at the others")
	}
	found := map[string]string{}
	for _, leg := range job.get("strategy", "matrix", "include").list() {
		found[leg.get("environment").text()] = leg.get("branch").text()
	}
	if !maps.Equal(found, branches) {
		t.Errorf("environments with their branches are %v, want %v", found, branches)
	}
	for _, step := range job.get("steps").list() {
		if uses, _, _ := strings.Cut(step.get("uses").text(), "@"); uses == "actions/checkout" && step.get("with", "ref").text() != "${{ matrix.branch }}" {
			t.Errorf("looks at the checkout of %q", step.get("with", "ref").text())
		}
	}
	wantNightly(t, "drift", line, `--env "$ENVIRONMENT"`)
}

// wantNightly checks a line that looks for drift: its environment is said, which
// the variables of a scheduled run may not tell, and what is known is not told
// again.
func wantNightly(t *testing.T, where, line, environment string) {
	t.Helper()
	for _, part := range []string{environment, "--since last"} {
		if !strings.Contains(line, part) {
			t.Errorf("%s: no %s in %s", where, part, line)
		}
	}
}

func TestGitLabRules(t *testing.T) {
	for _, file := range gitlabFiles {
		t.Run(file, func(t *testing.T) {
			var more []string
			switch file {
			case "gitlab-ci-clients.yml", "gitlab-ci-drift.yml":
				more = []string{"gitlab-ci.yml"}
			case "gitlab-ci-drift-dagger.yml":
				more = []string{"gitlab-ci-dagger.yml"}
			}
			groups := map[string]string{}
			for name, job := range gitlabJobs(t, file, more...) {
				if job.get("trigger").there() {
					gitlabRules(t, name, job)
					continue
				}
				if strings.HasPrefix(name, ".") && name != ".plan unit" {
					continue // a part of others
				}
				if name != "scan" && job.get("interruptible").text() != "false" { // a scan holds nothing
					t.Errorf("%s: may be cancelled by a newer push", name)
				}
				script := slices.Concat(job.get("before_script").texts(), job.get("script").texts(), job.get("after_script").texts())
				wantQuoted(t, name, script)
				line := wantOneLine(t, name, script)
				gitlabReports(t, name, job, line)
				if name == "scan" {
					wantNoCredentials(t, name, job)
				}
				if depth := job.get("variables", "GIT_DEPTH").text(); needsHistory(line) != (depth == "0") {
					t.Errorf("%s: GIT_DEPTH %q for %s", name, depth, line)
				}
				if name != ".plan unit" { // whose pipeline is started by one that has rules
					gitlabRules(t, name, job)
				}
				group, environment := job.get("resource_group").text(), job.get("environment", "name").text()
				switch {
				case strings.HasPrefix(name, "deploy"):
					if group != "strata-"+environment || groups[group] != "" {
						t.Errorf("%s: resource_group %q for the environment %q, which also %q has", name, group, environment, groups[group])
					}
					groups[group] = name
				case job.get("environment").there() && job.get("environment", "action").text() != "prepare":
					t.Errorf("%s: counts as a deployment", name)
				}
				if nightly(file) {
					if name != "drift "+environment || group != "" {
						t.Errorf("%s: of the environment %q, in the resource group %q", name, environment, group)
					}
					wantNightly(t, name, line, `--env "$CI_ENVIRONMENT_NAME"`)
				}
			}
		})
	}
}

// gitlabRules checks when a job runs: for a push, by a schedule of its branch, or
// for a merge request that is not of a fork.
func gitlabRules(t *testing.T, name string, job node) {
	t.Helper()
	rules := job.get("rules").list()
	if len(rules) != 1 {
		t.Fatalf("%s: %d rules, want one", name, len(rules))
	}
	condition := rules[0].get("if").text()
	want := `$CI_PIPELINE_SOURCE == "merge_request_event" && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID && $CI_MERGE_REQUEST_TARGET_BRANCH_NAME `
	if name == "scan" { // of a fork too: there is nothing to be had
		want = `$CI_PIPELINE_SOURCE == "merge_request_event" && $CI_MERGE_REQUEST_TARGET_BRANCH_NAME `
	}
	if strings.HasPrefix(name, "deploy") {
		want = `$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == `
	}
	if environment, ok := strings.CutPrefix(name, "drift "); ok {
		want = `$CI_PIPELINE_SOURCE == "schedule" && $CI_COMMIT_BRANCH == "` + branches[environment] + `"`
	}
	if !strings.HasPrefix(condition, want) || strings.Contains(condition, "||") {
		t.Errorf("%s: runs if %s", name, condition)
	}
}

func TestAzureRules(t *testing.T) {
	for _, file := range azureFiles {
		t.Run(file, func(t *testing.T) {
			whole := parse(t, file)
			if nightly(file) {
				azureNightly(t, whole)
				return
			}
			if file == "azure-pipelines-scan.yml" {
				azureScan(t, whole)
				return
			}
			if whole.get("pr", "autoCancel").text() != "false" {
				t.Error("a newer push cancels a plan")
			}
			for _, stage := range whole.get("stages").list() {
				name := stage.get("stage").text()
				want := "and(eq(variables['Build.Reason'], 'PullRequest'), ne(variables['System.PullRequest.IsFork'], 'True'))"
				if name != "plan" {
					want = "and(ne(variables['Build.Reason'], 'PullRequest'), eq(variables['Build.SourceBranch'], 'refs/heads/" + branches[name] + "'))"
					if lock := stage.get("lockBehavior").text(); lock != "sequential" {
						t.Errorf("%s: lockBehavior %q", name, lock)
					}
				}
				if condition := stage.get("condition").text(); condition != want {
					t.Errorf("%s: runs if %s", name, condition)
				}
				for _, job := range azureJobs(stage) {
					azureRules(t, name, job)
				}
			}
		})
	}
}

// azureNightly checks a pipeline that looks for drift: each night, for each
// environment's branch, and for nothing else.
func azureNightly(t *testing.T, whole node) {
	t.Helper()
	if whole.get("trigger").text() != "none" || whole.get("pr").text() != "none" {
		t.Error("runs for pushes or pull requests")
	}
	schedules := whole.get("schedules").list()
	if len(schedules) != 1 {
		t.Fatalf("%d schedules, want one", len(schedules))
	}
	included := schedules[0].get("branches", "include").texts()
	if slices.Sort(included); !slices.Equal(included, slices.Sorted(maps.Values(branches))) {
		t.Errorf("runs on %v", included)
	}
	if schedules[0].get("always").text() != "true" {
		t.Error("runs only where something was pushed")
	}
	for _, job := range azureJobs(whole) {
		wantNightly(t, job.name, azureRules(t, "drift", job), `--ref "$BUILD_SOURCEBRANCH"`)
	}
}

func azureRules(t *testing.T, stage string, j azureJob) (line string) {
	t.Helper()
	deploys := j.job.get("deployment").there()
	if deploys != (branches[stage] != "") || deploys && (j.job.get("environment").text() != stage || j.job.get("strategy", "matrix").there()) {
		t.Errorf("%s, %s: environment %q", stage, j.name, j.job.get("environment").text())
	}
	var script []string
	depth := ""
	for _, step := range j.steps {
		if step.get("checkout").there() {
			depth = step.get("fetchDepth").text()
		}
		if text := step.get("script").text(); text != "" {
			script = append(script, text)
			// A macro is put into the script as it is, before the shell sees it.
			if strings.Contains(regexp.MustCompile(`\$\((strata|dagger)[^)]* `).ReplaceAllString(text, ""), "$(") {
				t.Errorf("%s, %s: a macro in a script: %s", stage, j.name, text)
			}
		}
	}
	wantQuoted(t, j.name, script)
	line = wantOneLine(t, stage+", "+j.name, script)
	azureReports(t, stage+", "+j.name, j, script, line)
	if needsHistory(line) != (depth == "0") {
		t.Errorf("%s, %s: fetchDepth %q for %s", stage, j.name, depth, line)
	}
	return line
}

// azureScan checks the pipeline that scans: for pull requests alone, of forks
// too.
func azureScan(t *testing.T, whole node) {
	t.Helper()
	if whole.get("trigger").text() != "none" || !whole.get("pr").there() || whole.get("variables").there() {
		t.Error("runs for pushes, or with variables")
	}
	for _, job := range azureJobs(whole) {
		azureRules(t, "scan", job)
		if job.job.get("condition").there() {
			t.Errorf("runs if %s", job.job.get("condition").text())
		}
		wantNoCredentials(t, job.name, job.job)
	}
}
