//go:build engine

package enginetest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/report"
)

const three = `resource "terraform_data" "one" {
  input = "1"
}

resource "terraform_data" "two" {
  input = "2"
}

resource "terraform_data" "three" {
  input = "3"
}
`

// A backend that fails while an apply writes its state loses nothing: the state
// is kept, the unit is blocked until somebody decides, and pushing brings it
// back whole.
func TestEngineStateThatTheBackendRefusesIsRescued(t *testing.T) {
	r := newRepo(t, tree(unit(foundation, trivial), unit(platform, three)))
	const id = "platform@us-east-1:staging"
	key := stateKey(platform)
	deploy := []string{"deploy", "--env", "staging", "--all"}
	allow := s3.refusing(t, func(request *http.Request) *refusal {
		if request.Method == http.MethodPut && request.URL.Path == "/"+r.bucket+"/"+key {
			return &refusal{http.StatusForbidden, "AccessDenied", "Access Denied"}
		}
		return nil
	})
	t.Cleanup(func() {
		if t.Failed() {
			r.call(t, "rescued", "--unit", id, "--discard")
		}
	})
	r.call(t, deploy...).ok(t, 1).says(t, id, "its backend did not take the state", "rescued", "--push", "AccessDenied")
	allow()
	if there := s3.resources(t, r.bucket, key); there != nil {
		t.Fatalf("the backend has taken the state: %v", there)
	}
	r.call(t, deploy...).ok(t, 3).says(t, id, "its backend did not take the state", "--push")
	if list := r.call(t, "rescued").ok(t, 0).stdout; strings.Count(list, id) != 1 || strings.Count(list, "\n") != 1 {
		t.Errorf("rescued lists:\n%s", list)
	}
	r.call(t, "rescued", "--unit", id, "--push").ok(t, 0)
	want := []string{"terraform_data.one", "terraform_data.three", "terraform_data.two"}
	if diff := cmp.Diff(want, s3.resources(t, r.bucket, key)); diff != "" {
		t.Errorf("the state after the push (-want +got):\n%s", diff)
	}
	if list := r.call(t, "rescued").ok(t, 0).stdout; strings.Contains(list, id) {
		t.Errorf("after the push rescued lists:\n%s", list)
	}
	run := r.call(t, append(deploy, "--format", "json")...).ok(t, 0).run(t)
	for _, u := range run.Units {
		if u.Result != report.Unchanged {
			t.Errorf("%s %s", u.ID, u.Result)
		}
	}
}

// What waits for one repository's unit does not block another repository's unit
// of the same name.
func TestEngineRescuedStateBlocksItsOwnRepositoryAlone(t *testing.T) {
	one, other := newRepo(t, unit(foundation, three)), newRepo(t, unit(foundation, trivial))
	const id = "foundation@us-east-1:staging"
	allow := s3.refusing(t, func(request *http.Request) *refusal {
		if request.Method == http.MethodPut && request.URL.Path == "/"+one.bucket+"/"+stateKey(foundation) {
			return &refusal{http.StatusForbidden, "AccessDenied", "Access Denied"}
		}
		return nil
	})
	one.call(t, "deploy", "--env", "staging", "--all").ok(t, 1)
	allow()
	t.Cleanup(func() { one.call(t, "rescued", "--unit", id, "--discard").ok(t, 0) })
	other.call(t, "deploy", "--env", "staging", "--all").ok(t, 0)
	if list := other.call(t, "rescued").ok(t, 0).stdout; strings.Contains(list, id+"\n") {
		t.Errorf("the other repository's rescued does not say that the state is not its own:\n%s", list)
	}
	other.call(t, "rescued", "--unit", id, "--push").ok(t, 1).says(t, "no rescued state waits")
	if got := s3.resources(t, other.bucket, stateKey(foundation)); !slices.Equal(got, []string{"terraform_data.this"}) {
		t.Errorf("the other repository's state holds %v", got)
	}
}
