package ciexamples

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// driftWorld is a small repository whose environments are deployed, each with a
// unit that its branch alone has: a client with a thing that anybody can change.
type driftWorld struct {
	*world
	things string
	slack  string // a URL

	mu   sync.Mutex
	told []string
}

const thing = `
terraform {
  required_providers {
    disk = {
      source = "strata-tf/disk"
    }
  }
}

provider "disk" {
  folder = %q
}

resource "disk_thing" "this" {
  name  = %q
  value = "as deployed"
}

variable "db_password" {
  type      = string
  sensitive = true
}
`

func newDriftWorld(t *testing.T) *driftWorld {
	t.Helper()
	mirror := os.Getenv("STRATA_TEST_DISK_MIRROR")
	if mirror == "" {
		t.Skip("needs the disk provider: make tools builds it and sets STRATA_TEST_DISK_MIRROR")
	}
	t.Setenv("STRATA_PROVIDER_MIRROR", mirror)
	w := &driftWorld{world: newWorld(t)}
	w.things = filepath.Join(w.dir, "things")
	server := httptest.NewServer(http.HandlerFunc(w.hear))
	t.Cleanup(server.Close)
	w.slack = server.URL
	work := filepath.Join(w.dir, "work")
	for _, environment := range []string{"production", "staging"} {
		w.git(t, work, "checkout", "-q", branches[environment])
		w.git(t, work, "rm", "-rq", "regions/eu-west-1", "regions/us-east-1/clients", "regions/us-east-1/layers/02-platform",
			"regions/us-east-1/layers/03-databases", "regions/us-east-1/layers/04-applications")
		change(t, filepath.Join(work, "strata.yaml"), "\nnotify: {slack: {url: slack_url, events: {\"*\": [drift-found, drift-gone]}}}\n")
		unit := w.unit(environment)
		write(t, filepath.Join(work, unit, "main.tf"), fmt.Sprintf(thing, w.things, environment))
		write(t, filepath.Join(work, unit, "backend.tf"), "terraform {\n  backend \"local\" {}\n}\n")
		if _, err := w.run(filepath.Join(work, unit), nil, "terraform", "init", "-backend=false", "-plugin-dir="+mirror); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(work, unit, ".terraform")); err != nil {
			t.Fatal(err)
		}
		w.commit(t, work, "a thing")
		w.git(t, work, "push", "-q", "origin", branches[environment])
		checkout := w.clone(t, "refs/heads/"+branches[environment], 1)
		out, err := w.run(checkout, []string{"STRATA_SECRET_DB_PASSWORD=" + password}, w.strata, "deploy", "--env", environment)
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, out, "2 applied")
	}
	// Code that is not deployed yet: what was deployed is in an older commit.
	w.git(t, work, "checkout", "-q", "main")
	change(t, filepath.Join(work, w.unit("production"), "main.tf"), "\noutput \"more\" {\n  value = 1\n}\n")
	w.commit(t, work, "more of the thing")
	w.git(t, work, "push", "-q", "origin", "main")
	return w
}

func (*driftWorld) unit(environment string) string {
	return "regions/us-east-1/clients/ella/" + environment
}

func (w *driftWorld) hear(answer http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(answer, "ok") // as Slack does: other words are a failure
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, string(body))
}

// wantTold checks what Slack was told since the last time.
func (w *driftWorld) wantTold(t *testing.T, environments ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.Sort(w.told)
	if len(w.told) != len(environments) {
		t.Errorf("Slack was told %d times, want %d:\n%s", len(w.told), len(environments), strings.Join(w.told, "\n"))
	}
	all := strings.Join(w.told, "\n")
	for _, environment := range environments {
		wantText(t, all, "drift of "+environment)
	}
	if strings.Contains(all, password) || strings.Contains(all, w.slack) {
		t.Errorf("Slack is told a secret:\n%s", all)
	}
	w.told = nil
}

// byHand changes what is really there.
func (w *driftWorld) byHand(t *testing.T, environment string) {
	t.Helper()
	path := filepath.Join(w.things, environment+".json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, strings.Replace(string(text), "as deployed", "set by hand", 1))
}

// night is what the jobs of a night printed and reported.
type night struct {
	out     string
	reports []string // where a vendor has a place for them
	failed  bool
}

// nights lives through three of them: nothing has drifted, all environments
// have, and nothing is new. What was deployed lies in other commits than those
// that are looked at.
func (w *driftWorld) nights(t *testing.T, run func() night, calls ...string) {
	t.Helper()
	for _, c := range []struct {
		name    string
		drifted bool
		want    []string
	}{
		{"nothing drifted", false, nil},
		{"drift", true, []string{"disk_thing.this", "as deployed", "set by hand"}},
		{"known drift", false, []string{"known since"}},
	} {
		if c.drifted {
			w.byHand(t, "production")
			w.byHand(t, "staging")
		}
		n := run()
		if n.failed != c.drifted {
			t.Fatalf("%s: failed: %v\n%s", c.name, n.failed, n.out)
		}
		wantCalls(t, w.world, calls...)
		if c.drifted {
			w.wantTold(t, "production", "staging")
		} else {
			w.wantTold(t)
		}
		reports := n.reports
		if len(reports) == 0 {
			reports = []string{n.out}
		}
		for _, report := range reports {
			wantText(t, report, c.want...)
		}
		all := n.out + strings.Join(reports, "\n")
		for _, environment := range []string{"production", "staging"} {
			wantText(t, all, "clients/ella@us-east-1:"+environment)
		}
		wantText(t, all, "pending") // production's newest commit
		for _, secret := range []string{password, w.slack} {
			if strings.Contains(all, secret) {
				t.Errorf("%s: a secret is shown:\n%s", c.name, all)
			}
		}
		for _, line := range strings.Split(all, "\n") {
			if strings.Contains(line, "unmanaged") || strings.Contains(line, "Warning: this run is not in the ledger") {
				t.Errorf("%s: %s", c.name, line)
			}
		}
	}
}

// wantJUnit checks a report of one environment: two units, of which so many
// drifted.
func wantJUnit(t *testing.T, text string, failures int) {
	t.Helper()
	var report struct {
		Suites []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(text), &report); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	if len(report.Suites) != 1 || report.Suites[0].Tests != 2 || report.Suites[0].Failures != failures || report.Suites[0].Errors != 0 {
		t.Errorf("want 2 tests, %d failures and no error in:\n%s", failures, text)
	}
}

const slackSecret = "with-secret --name db_password --value env:DB_PASSWORD with-secret --name slack_url --value env:SLACK_URL "

func driftDaggerLine(credentials, verb string) string {
	return "dagger --progress logs call -m github.com/strata-tf/strata " + credentials + " " + slackSecret + verb
}

func TestGitHubDrift(t *testing.T) {
	need(t, "act")
	for _, c := range []struct{ file, call, report string }{
		{"github-drift.yml", "strata drift --env ENV --since last --format markdown", "Summary - "},
		{"github-drift-dagger.yml", driftDaggerLine(awsKeys, "drift --env ENV --since last"), ""},
	} {
		t.Run(c.file, func(t *testing.T) {
			w := newDriftWorld(t)
			w.nights(t, func() night {
				out, err := w.act(t, c.file, "schedule", "refs/heads/main", `{"schedule": "17 3 * * *", "repository": {"full_name": "acme/live", "default_branch": "main"}}`,
					"--var", "AWS_DRIFT_ROLE=drift", "-s", "SLACK_URL="+w.slack)
				wantText(t, out, c.report)
				return night{out: out, failed: err != nil}
			}, strings.ReplaceAll(c.call, "ENV ", "production "), strings.ReplaceAll(c.call, "ENV ", "staging "))
		})
	}
}

func TestGitLabDrift(t *testing.T) {
	need(t, "gitlab-ci-local", "rsync")
	for _, c := range []struct{ file, base, call string }{
		{"gitlab-ci-drift.yml", "gitlab-ci.yml", "strata drift --env ENV --since last --format junit"},
		{"gitlab-ci-drift-dagger.yml", "gitlab-ci-dagger.yml", driftDaggerLine(awsRole("drift"), "drift --env ENV --since last")},
	} {
		t.Run(c.file, func(t *testing.T) {
			w := newDriftWorld(t)
			files := map[string]string{
				".gitlab-ci.yml":           serviceLine.ReplaceAllString(example(t, c.base), "") + "\ninclude: /.gitlab/strata-drift.yml\n",
				".gitlab/strata-drift.yml": example(t, c.file),
			}
			reported := gitlabJobs(t, c.file, c.base)["drift staging"].get("artifacts", "reports", "junit").text()
			w.nights(t, func() (all night) {
				for _, environment := range []string{"production", "staging"} {
					variables := gitlabPush(w.world, t, branches[environment])
					variables["CI_PIPELINE_SOURCE"], variables["AWS_DRIFT_ROLE"] = "schedule", "drift"
					variables["SLACK_URL"], variables["STRATA_SECRET_SLACK_URL"] = w.slack, w.slack
					dir := w.gitlabCheckout(t, "refs/heads/"+branches[environment], 0, files)
					out, err := w.gitlab(dir, variables)
					all.out, all.failed = all.out+out, all.failed || err != nil
					if reported == "" {
						continue
					}
					report, readErr := os.ReadFile(filepath.Join(dir, reported))
					if readErr != nil {
						t.Fatalf("%v\n%s", readErr, out)
					}
					failures := 0
					if err != nil {
						failures = 1
					}
					wantJUnit(t, string(report), failures)
					all.reports = append(all.reports, string(report))
				}
				return all
			}, strings.ReplaceAll(c.call, "ENV ", "production "), strings.ReplaceAll(c.call, "ENV ", "staging "))
		})
	}
}

func TestAzureDrift(t *testing.T) {
	need(t, "bash")
	for _, c := range []struct{ file, call string }{
		{"azure-pipelines-drift.yml", "strata drift --ref REF --since last --format junit"},
		{"azure-pipelines-drift-dagger.yml", driftDaggerLine(awsFixed, "drift --ref REF --since last")},
	} {
		t.Run(c.file, func(t *testing.T) {
			w := newDriftWorld(t)
			job := azureJobs(parse(t, c.file))[0]
			w.nights(t, func() (all night) {
				for _, branch := range []string{"main", "staging"} {
					variables := azurePush(branch)
					variables["BUILD_REASON"] = "Schedule"
					a := newAzure(w.world, t, c.file, "refs/heads/"+branch, variables)
					a.groups["SLACK_URL"] = w.slack
					err := a.job(t, job, nil)
					all.out, all.failed = all.out+a.out.String(), all.failed || err != nil
					failures := 0
					if err != nil {
						failures = 1
					}
					for _, report := range a.published {
						wantJUnit(t, report, failures)
					}
					all.reports = append(all.reports, a.published...)
				}
				if native := !strings.Contains(c.file, "dagger"); native && len(all.reports) != 2 {
					t.Fatalf("%d reports are published, want 2:\n%s", len(all.reports), all.out)
				}
				return all
			}, strings.ReplaceAll(c.call, "REF ", "refs/heads/main "), strings.ReplaceAll(c.call, "REF ", "refs/heads/staging "))
		})
	}
}
