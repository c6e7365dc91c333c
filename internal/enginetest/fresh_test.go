//go:build engine

package enginetest

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/strata-tf/strata/internal/report"
)

const trivial = `resource "terraform_data" "this" {
  input = "something"
}

output "name" {
  value = terraform_data.this.output
}
`

// The same call three times: each asks the backend, and what somebody did to
// the state in between is seen.
func TestEngineNoCallIsServedFromACache(t *testing.T) {
	r := newRepo(t, unit(foundation, trivial))
	key := stateKey(foundation)
	deploy := func(want report.Result) *report.Run {
		t.Helper()
		before := s3.count(r.bucket, key)
		run := r.call(t, "deploy", "--env", "staging", "--all", "--format", "json").ok(t, 0).run(t)
		if got := run.Units[0].Result; got != want {
			t.Errorf("%s, not %s", got, want)
		}
		if s3.count(r.bucket, key) == before {
			t.Error("nobody has asked the backend")
		}
		return run
	}
	first, second := deploy(report.Applied), deploy(report.Unchanged)
	if first.ID == second.ID {
		t.Errorf("two runs have one id: %s", first.ID)
	}
	s3.must(t, http.MethodDelete, "/"+r.bucket+"/"+key, nil)
	deploy(report.Applied)

	plan := func() *report.Run {
		t.Helper()
		return r.call(t, "plan", "--env", "staging", "--all", "json").ok(t, 0).run(t)
	}
	if a, b := plan(), plan(); a.ID == b.ID {
		t.Errorf("two plans have one id: %s", a.ID)
	}
	s3.must(t, http.MethodDelete, "/"+r.bucket+"/"+key, nil)
	if got := plan().Units[0].Result; got != report.Planned {
		t.Errorf("a plan without the state: %s", got)
	}
}

// Two calls whose every step is the same, down to the last byte: nothing but
// Strata's own doing makes the engine run them again. A service would, since it
// differs from call to call.
func TestEngineStepsThatAreAllTheSameRunAgain(t *testing.T) {
	r := newRepo(t, map[string]string{foundation + "/main.tf": `terraform {
  backend "inmem" {}
}

output "planned" {
  value = plantimestamp()
}
`, "strata.yaml": "version: 1\nbackend: {}\n"})
	r.chain = withImages()
	planned := regexp.MustCompile(`"after": "([0-9TZ:-]+)"`)
	for _, args := range [][]string{{"plan", "--env", "staging", "--all", "json"}, {"deploy", "--env", "staging", "--all", "--format", "json"}} {
		var times []string
		for range 2 {
			a := r.call(t, args...).ok(t, 0)
			found := planned.FindStringSubmatch(a.stdout)
			if found == nil {
				t.Fatalf("%s shows no time:\n%s", args[0], a.stdout)
			}
			times = append(times, found[1])
		}
		if times[0] == times[1] {
			t.Errorf("%s: both were planned at %s", args[0], times[0])
		}
	}
}

// What is chained before a verb, first and without anything that differs from
// call to call, does not come from an earlier call: what that one's holds is gone
// by and by, and at the latest with the engine.
func TestEngineChainedFunctionsHoldInLaterCalls(t *testing.T) {
	r := newRepo(t, unit(foundation, trivial))
	mirror := t.TempDir()
	r.chain = slices.Concat([]string{
		"with-variable", "--name", "LOG", "--value", "quiet",
		"with-image", "--tool", "nothing", "--image", "registry.example.com/nothing:1",
		"with-provider-mirror", "--mirror", mirror,
	}, r.chain)
	for range 3 {
		r.call(t, "units").ok(t, 0)
		r.chain = slices.Concat([]string{"--source", r.dir}, r.chain)
		r.call(t, "units").ok(t, 0)
		r.chain = r.chain[2:]
	}
}

// awsProvider is a provider block for the server that the tests have, found
// through AWS_ENDPOINT_URL_SSM.
const awsProvider = `terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

`

// A real resource that somebody changes is mended by the next deploy, with the
// providers taken from a mirror.
func TestEngineResourceChangedBehindItsBackIsSeen(t *testing.T) {
	mirror := os.Getenv("STRATA_TEST_PROVIDER_MIRROR")
	if mirror == "" {
		t.Skip("needs STRATA_TEST_PROVIDER_MIRROR: a folder in filesystem-mirror layout with hashicorp/aws")
	}
	if !s3.moto {
		t.Skip("needs moto_server on PATH (pip install 'moto[server]')")
	}
	name := "/strata/" + random()
	r := newRepo(t, unit(foundation, awsProvider+fmt.Sprintf(`resource "aws_ssm_parameter" "this" {
  name  = %q
  type  = "String"
  value = "as declared"
}
`, name)))
	r.chain = append(r.chain, "with-variable", "--name", "AWS_ENDPOINT_URL_SSM", "--value", fmt.Sprintf("http://s3:%d", s3.port),
		"with-provider-mirror", "--mirror", mirror)
	deploy := func() report.Unit {
		t.Helper()
		return r.call(t, "deploy", "--env", "staging", "--all", "--format", "json").ok(t, 0).run(t).Units[0]
	}
	if got := deploy(); got.Result != report.Applied {
		t.Fatalf("first deploy: %+v", got)
	}
	s3.parameter(t, "PutParameter", fmt.Sprintf(`{"Name":%q,"Value":"changed by hand","Overwrite":true}`, name))
	got := deploy()
	if got.Result != report.Applied || got.Changes == nil || got.Changes.Change != 1 {
		t.Errorf("deploy after the change by hand: %+v", got)
	}
	if value := s3.parameter(t, "GetParameter", fmt.Sprintf(`{"Name":%q}`, name)); !strings.Contains(value, "as declared") {
		t.Errorf("the parameter is %s", value)
	}
	if got := deploy(); got.Result != report.Unchanged {
		t.Errorf("deploy after that: %+v", got)
	}
}

// parameter asks the server's parameter store.
func (s *bucketServer) parameter(t testing.TB, action, body string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.server.String()+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AmazonSSM."+action)
	status, answer := s.send(t, request, "ssm")
	if status != http.StatusOK {
		t.Fatalf("%s: %d\n%s", action, status, answer)
	}
	return string(answer)
}
