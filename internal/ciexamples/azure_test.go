package ciexamples

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Azure's published schema comes with check-jsonschema (PyPI), and so do those
// of the others. Scalars are given to it as text, which is how the schema takes
// all of them.
func TestSchemas(t *testing.T) {
	need(t, "check-jsonschema")
	for schema, pattern := range map[string]string{
		"vendor.azure-pipelines":  "azure*.yml",
		"vendor.github-workflows": "github*.yml",
		"vendor.gitlab-ci":        "gitlab*.yml",
	} {
		files, err := filepath.Glob(filepath.Join(examples, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no file: %v", err)
		}
		for _, file := range files {
			value := parse(t, filepath.Base(file)).value
			if schema == "vendor.azure-pipelines" {
				value = asText(value)
			}
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			at := filepath.Join(t.TempDir(), filepath.Base(file)+".json")
			write(t, at, string(text))
			w := &world{dir: t.TempDir()}
			if _, err := w.run(".", nil, "check-jsonschema", "--regex-variant", "nonunicode", "--builtin-schema", schema, at); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

func asText(value any) any {
	switch v := value.(type) {
	case map[string]any:
		m := make(map[string]any)
		for key, inner := range v {
			m[key] = asText(inner)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, inner := range v {
			list[i] = asText(inner)
		}
		return list
	}
	return fmt.Sprint(value)
}

// azureJob is a job of a stage, deployments too.
type azureJob struct {
	name  string
	job   node
	steps []node
}

func azureJobs(stage node) []azureJob {
	var jobs []azureJob
	for _, job := range stage.get("jobs").list() {
		if name := job.get("deployment"); name.there() {
			jobs = append(jobs, azureJob{name.text(), job, job.get("strategy", "runOnce", "deploy", "steps").list()})
		} else {
			jobs = append(jobs, azureJob{job.get("job").text(), job, job.get("steps").list()})
		}
	}
	return jobs
}

func azureStage(t *testing.T, file, name string) node {
	t.Helper()
	for _, stage := range parse(t, file).get("stages").list() {
		if stage.get("stage").text() == name {
			return stage
		}
	}
	t.Fatalf("%s: no stage %s", file, name)
	return node{}
}

// azure is a run of a pipeline: its variables, as the agent gives them to steps.
type azure struct {
	w         *world
	file      string
	ref       string
	temp      string            // the agent's folder in the last job
	variables map[string]string // by their names in the environment
	groups    map[string]string // what variable groups hold
	out       strings.Builder
	summaries []string
	published []string          // test results
	artifacts map[string]string // files of artifacts, as artifact/file
	outputs   map[string]string // of steps that have a name, as name.variable
}

func newAzure(w *world, t *testing.T, file, ref string, variables map[string]string) *azure {
	t.Helper()
	a := &azure{w: w, file: file, ref: ref, variables: variables, outputs: map[string]string{}, artifacts: map[string]string{}}
	a.groups = map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "DB_PASSWORD": password}
	a.variables["TF_BUILD"] = "True"
	a.variables["BUILD_SOURCEVERSION"] = w.git(t, w.dir, "--git-dir", w.origin, "rev-parse", ref)
	return a
}

var (
	macro   = regexp.MustCompile(`^\$\((\w+)\)$`)
	command = regexp.MustCompile(`(?m)^##vso\[(?:task|artifact)\.(\w+)([^\]]*)\](.*)$`)
)

// job runs the steps of a job, in a new checkout: all its script lines, in bash
// as the agent runs them.
func (a *azure) job(t *testing.T, j azureJob, leg map[string]string) error {
	t.Helper()
	temp := t.TempDir()
	a.temp = temp
	var dir string
	var failed error
	for _, step := range j.steps {
		if step.get("checkout").text() == "self" {
			depth, err := strconv.Atoi(step.get("fetchDepth").text())
			if err != nil {
				t.Fatal(err)
			}
			dir = a.w.clone(t, a.ref, depth)
			continue
		}
		if step.get("task").text() == "PublishTestResults@2" && (failed == nil || step.get("condition").text() == "succeededOrFailed()") {
			a.publish(t, step.get("inputs"), temp)
			continue
		}
		if !step.get("script").there() || failed != nil && step.get("condition").text() != "succeededOrFailed()" {
			continue
		}
		env := map[string]string{"AGENT_TEMPDIRECTORY": temp}
		maps.Copy(env, a.variables)
		maps.Copy(env, leg)
		if j.job.get("variables").there() {
			env["AWS_REGION"], env["AWS_ACCESS_KEY_ID"] = a.groups["AWS_REGION"], a.groups["AWS_ACCESS_KEY_ID"] // those that are no secrets
		}
		whole := parse(t, a.file).get("variables")
		for _, name := range whole.keys() {
			env[name] = whole.get(name).text()
		}
		for _, name := range step.get("env").keys() {
			value := step.get("env", name).text()
			if secret := macro.FindStringSubmatch(value); secret != nil {
				value = a.groups[secret[1]]
			}
			env[name] = value
		}
		var pairs []string
		for name, value := range env {
			pairs = append(pairs, name+"="+value)
		}
		script := filepath.Join(temp, "step.sh")
		write(t, script, step.get("script").text())
		out, err := a.w.run(dir, pairs, "bash", "--noprofile", "--norc", script)
		a.out.WriteString(out)
		failed = cmp.Or(failed, err)
		for _, said := range command.FindAllStringSubmatch(out, -1) {
			switch said[1] {
			case "uploadsummary":
				text, err := os.ReadFile(said[3])
				if err != nil {
					t.Errorf("summary: %v", err)
				}
				a.summaries = append(a.summaries, string(text))
			case "upload":
				text, err := os.ReadFile(said[3])
				if err != nil {
					t.Errorf("artifact: %v", err)
				}
				_, name, _ := strings.Cut(said[2], "artifactname=")
				a.artifacts[name+"/"+filepath.Base(said[3])] = string(text)
			case "setvariable":
				if name, ok := strings.CutPrefix(strings.Split(said[2], ";")[0], " variable="); ok {
					a.outputs[step.get("name").text()+"."+name] = said[3]
				}
			}
		}
	}
	return failed
}

// publish takes the test results that a task would show. That there are none is
// only a warning.
func (a *azure) publish(t *testing.T, inputs node, temp string) {
	t.Helper()
	if inputs.get("testResultsFormat").text() != "JUnit" || inputs.get("searchFolder").text() != "$(Agent.TempDirectory)" {
		t.Fatalf("publishes %v", inputs.value)
	}
	text, err := os.ReadFile(filepath.Join(temp, inputs.get("testResultsFiles").text()))
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	a.published = append(a.published, string(text))
}

func azurePush(branch string) map[string]string {
	return map[string]string{"BUILD_REASON": "IndividualCI", "BUILD_SOURCEBRANCH": "refs/heads/" + branch}
}

func azureRequest() map[string]string {
	return map[string]string{
		"BUILD_REASON": "PullRequest", "BUILD_SOURCEBRANCH": "refs/pull/7/merge",
		"SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/staging", "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/feature", "SYSTEM_PULLREQUEST_ISFORK": "False",
	}
}

func TestAzure(t *testing.T) {
	need(t, "bash")
	for _, c := range []struct{ file, plan, deploy string }{
		{"azure-pipelines.yml", "strata plan --format markdown --report junit=TEMP/strata.xml --report sarif=TEMP/strata.sarif", "strata deploy"},
		{"azure-pipelines-dagger.yml", daggerLine(awsFixed, "plan --ref refs/heads/staging --gates-from origin/staging markdown"), daggerLine(awsFixed, "deploy --ref refs/heads/staging")},
	} {
		t.Run(c.file, func(t *testing.T) {
			w := newWorld(t)
			for _, again := range []bool{false, true} {
				a := newAzure(w, t, c.file, "refs/heads/staging", azurePush("staging"))
				if err := a.job(t, azureJobs(azureStage(t, c.file, "staging"))[0], nil); err != nil {
					t.Fatal(err)
				}
				wantCalls(t, w, c.deploy)
				if !again {
					wantText(t, a.out.String(), "12 applied")
				} else if applies(a.out.String()) {
					t.Errorf("the second deploy applied again:\n%s", a.out.String())
				}
			}
			if got := w.applied(t, "staging"); got != 12 || w.applied(t, "production") != 0 {
				t.Errorf("%d units of staging are deployed, want 12; of production %d", got, w.applied(t, "production"))
			}

			a := newAzure(w, t, c.file, "refs/pull/7/merge", azureRequest())
			if err := a.job(t, azureJobs(azureStage(t, c.file, "plan"))[0], nil); err != nil {
				t.Fatal(err)
			}
			wantCalls(t, w, strings.ReplaceAll(c.plan, "TEMP", a.temp))
			if len(a.summaries) != 1 {
				t.Fatalf("%d summaries, want 1:\n%s", len(a.summaries), a.out.String())
			}
			wantPlan(t, a.summaries[0])
			if !strings.Contains(c.file, "dagger") {
				wantSARIF(t, a.artifacts["CodeAnalysisLogs/strata.sarif"])
				wantTests(t, strings.Join(a.published, ""), "clients/ezra@us-east-1:staging", 0)
			}
		})
	}
}

func TestAzureClients(t *testing.T) {
	need(t, "bash", "jq")
	w := newWorld(t)
	a := newAzure(w, t, "azure-pipelines.yml", "refs/heads/staging", azurePush("staging"))
	if err := a.job(t, azureJobs(azureStage(t, "azure-pipelines.yml", "staging"))[0], nil); err != nil {
		t.Fatal(err)
	}
	w.calls(t)
	const file = "azure-pipelines-clients.yml"
	jobs := azureJobs(azureStage(t, file, "plan"))
	matrix := func(ref string) map[string]map[string]string {
		a = newAzure(w, t, file, ref, azureRequest())
		if err := a.job(t, jobs[0], nil); err != nil {
			t.Fatal(err)
		}
		wantCalls(t, w, "strata affected --format matrix")
		legs := map[string]map[string]string{}
		if err := json.Unmarshal([]byte(a.outputs["affected.matrix"]), &legs); err != nil {
			t.Fatalf("%v in %v", err, a.outputs)
		}
		return legs
	}
	legs := matrix("refs/pull/7/merge")
	if names := slices.Collect(maps.Keys(legs)); len(names) != 1 || !regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`).MatchString(names[0]) {
		t.Fatalf("legs %v: want one, with a name that Azure takes", legs)
	}
	for _, leg := range legs {
		if err := a.job(t, jobs[1], leg); err != nil {
			t.Fatal(err)
		}
	}
	wantCalls(t, w, "strata plan --env staging --only clients/ezra@us-east-1:staging --format markdown --report junit="+a.temp+"/strata.xml")
	if len(a.summaries) != 1 {
		t.Fatalf("%d summaries, want 1", len(a.summaries))
	}
	wantPlan(t, a.summaries[0])
	wantTests(t, strings.Join(a.published, ""), "clients/ezra@us-east-1:staging", 0)

	// Nothing is affected: what the condition of the second job compares with.
	if legs := matrix("refs/heads/staging"); len(legs) != 0 || a.outputs["affected.matrix"] != "{}" {
		t.Errorf("matrix %q, want {}", a.outputs["affected.matrix"])
	}
}
