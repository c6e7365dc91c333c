package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func production() map[string]string { return map[string]string{"environment": "production"} }

func TestEvaluate(t *testing.T) {
	deny, warn, complete := query(t, "data.terraform.deny"), query(t, "data.terraform.warn"), query(t, "data.other.complete")
	for name, test := range map[string]struct {
		language Language
		files    map[string]string
	}{
		"v1": {V1, map[string]string{
			"a.rego": `package terraform

deny contains msg if {
	some rc in input.resource_changes
	rc.change.after.open
	msg := sprintf("%s is open in %s", [rc.address, data.strata.environment])
}

warn contains {"msg": "names", "keys": object.keys(input)} if input.names
`,
			"b.rego": "package other\n\ncomplete := \"so\" if input.so\n",
		}},
		"v0": {V0, map[string]string{
			"a.rego": `package terraform

import input as plan

deny[msg] {
	rc := plan.resource_changes[_]
	rc.change.after.open
	msg := sprintf("%s is open in %s", [rc.address, data.strata.environment])
}

warn[{"msg": "names", "keys": keys}] {
	keys := {k | input[k]}
	input.names
}
`,
			"b.rego": "package other\n\ncomplete = \"so\" { input.so }\n",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.language, policies(t, test.files))
			s.load(t, deny, warn, complete)
			for plan, want := range map[string][]string{
				`{}`: {"[]", "[]", "undefined"},
				`{"resource_changes":[{"address":"x.y","change":{"after":{"open":true}}}]}`: {"[x.y is open in production]", "[]", "undefined"},
				`{"names":true,"plan":1,"strata":2}`:                                        {"[]", "[names]", "undefined"},
				`{"so":true}`:                                                               {"[]", "[]", "[so]"},
			} {
				results, err := s.Evaluate(t.Context(), Input{Unit: "u", Plan: []byte(plan), Strata: production()})
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, r := range results {
					if !r.Defined {
						got = append(got, "undefined")
						continue
					}
					got = append(got, fmt.Sprint(texts(r.Messages)))
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: -want +got:\n%s", plan, diff)
				}
			}
			s.stop()
			if s.stderr.Len() > 0 && !strings.Contains(s.stderr.String(), "root privileges") {
				t.Errorf("the server logged %s", s.stderr)
			}
		})
	}
}

func TestLoadMissing(t *testing.T) {
	s := serve(t, V1, policies(t, map[string]string{
		"a.rego":      "package terraform\n\nwarn contains \"a\" if input.a\n\nrules[name] contains \"x\" if name := input.name\n",
		"a_test.rego": "package terraform\n\ndeny contains \"b\" if input.b\n\nf(deny) := 1 if deny\n",
		"data.yaml":   "terraform: {limits: {a: 1}}\n",
	}))
	missing, err := s.Load(t.Context(), query(t, "data.terraform.deny"), query(t, "data.terraform.warn"), query(t, "data.terraform.rules.s3"), query(t, "data.terraform"))
	if err != nil {
		t.Fatal(err)
	}
	if len(missing) != 1 || missing[0].String() != "data.terraform.deny" {
		t.Errorf("got %v", missing)
	}
	if got := (&UndefinedError{missing[0]}).Error(); got != "no policy file defines data.terraform.deny" {
		t.Error(got)
	}
}

// TestSideBySide sees each unit with documents of its own.
func TestSideBySide(t *testing.T) {
	s := serve(t, V1, policies(t, map[string]string{"a.rego": `package terraform

deny contains sprintf("%s %s", [input.name, data.strata.unit])
`}))
	s.load(t, query(t, "data.terraform.deny"))
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			name := strconv.Itoa(i)
			results, err := s.Evaluate(t.Context(), Input{Unit: name, Plan: []byte(`{"name":"` + name + `"}`), Strata: map[string]string{"unit": "of " + name}})
			if err != nil {
				t.Error(err)
				return
			}
			if got := results[0].Messages[0].Text; got != name+" of "+name {
				t.Errorf("%s got %s", name, got)
			}
		})
	}
	group.Wait()
}

// TestLoop has a policy that would take some hours.
func TestLoop(t *testing.T) {
	s := serve(t, V1, policies(t, map[string]string{"a.rego": `package terraform

deny contains "found" if {
	input.loop
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a * b == -1
}
`}))
	s.load(t, query(t, "data.terraform.deny"))
	s.Limit = 500 * time.Millisecond
	_, err := s.Evaluate(t.Context(), Input{Unit: "applications@eu:staging", Plan: []byte(`{"loop":true}`)})
	if err == nil || err.Error() != "policy of applications@eu:staging: data.terraform.deny took longer than 500ms: does a policy loop?" {
		t.Fatalf("got %v", err)
	}
	if results, err := s.Evaluate(t.Context(), Input{Unit: "u", Plan: []byte(`{}`)}); err != nil || len(results[0].Messages) > 0 {
		t.Errorf("another plan: got %v, %v", results, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Evaluate(ctx, Input{Unit: "u", Plan: []byte(`{"loop":true}`)}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	// The server does not go on with what nobody waits for.
	before := ticks(t, s.pid)
	time.Sleep(time.Second)
	if spent := ticks(t, s.pid) - before; spent > 30 {
		t.Errorf("the server took %d hundredths of a second of CPU in a second of nothing to do", spent)
	}
}

// ticks is the CPU time of a process in hundredths of a second.
func ticks(t *testing.T, pid int) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(data, []byte(") "))
	fields := strings.Fields(string(rest))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return user + system
}

func TestEvaluationFails(t *testing.T) {
	dir := policies(t, map[string]string{"p.rego": `package terraform

deny := "a" if input.a

deny := "b" if input.b
`})
	s := serve(t, V1, dir)
	s.load(t, query(t, "data.terraform.deny"))
	_, err := s.Evaluate(t.Context(), Input{Unit: "u", Plan: []byte(`{"a":true,"b":true}`)})
	if err == nil || !strings.Contains(err.Error(), "p.rego:5: rule data.terraform.deny produced conflicting values") {
		t.Errorf("got %v", err)
	}
	for _, plan := range []string{"", `{"a":1`, `{}},"strata":{"x":1`, `{} {}`} {
		if _, err := s.Evaluate(t.Context(), Input{Unit: "u", Plan: []byte(plan)}); err == nil || err.Error() != "policy of u: the plan is not JSON" {
			t.Errorf("%s: got %v", plan, err)
		}
	}
	s.stop()
	if _, err := s.Evaluate(t.Context(), Input{Unit: "u", Plan: []byte(`{}`)}); err == nil || !strings.HasPrefix(err.Error(), "policy of u: ask opa: ") {
		t.Errorf("a server that has ended: got %v", err)
	}
}

// TestAnswers makes sure that no answer that is not understood is a pass.
func TestAnswers(t *testing.T) {
	for answer, says := range map[string]string{
		``:                     "policy of u: read opa's answer: unexpected end of JSON input",
		`{"result":{"q0":["a"`: "policy of u: read opa's answer: unexpected end of JSON input",
		`{}`:                   "policy of u: opa has lost its policies",
		`{"result":null}`:      "policy of u: opa has lost its policies",
		`{"result":[]}`:        "policy of u: read opa's answer: json: cannot unmarshal array into Go struct field .result of type map[string]json.RawMessage",
		`500 {"message":"m"}`:  "policy of u: m",
		`500 <html>`:           "policy of u: opa answered with status 500: <html>",
		`400 {"code":"c","message":"m","errors":[{"code":"c","message":"why","location":{"file":"a.rego","row":3}},{"message":"also"}]}`: "policy of u: a.rego:3: why\nalso",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if code, rest, ok := strings.Cut(answer, " "); ok && len(code) == 3 {
				status, _ := strconv.Atoi(code)
				w.WriteHeader(status)
				fmt.Fprint(w, rest)
				return
			}
			fmt.Fprint(w, answer)
		}))
		c := NewClient(strings.TrimPrefix(server.URL, "http://"))
		c.queries = []Query{query(t, "data.terraform.deny")}
		if got, err := c.Evaluate(t.Context(), Input{Unit: "u", Plan: []byte("{}")}); err == nil || err.Error() != says {
			t.Errorf("%s: got %v, %v", answer, got, err)
		}
		c.Close()
		server.Close()
	}
}

func TestReadyEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := NewClient("unix://" + filepath.Join(t.TempDir(), "none")).Ready(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestLarge has a plan of 50 MB.
func TestLarge(t *testing.T) {
	s := serve(t, V1, library)
	s.load(t, query(t, "data.terraform.deny"), query(t, "data.terraform.warn"))
	plan := large(t, recorded(t, "plans/unit00.json"), 50<<20)
	started := time.Now()
	results, err := s.Evaluate(t.Context(), Input{Unit: "u", Plan: plan, Strata: production()})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MB in %s", len(plan)>>20, time.Since(started))
	if got := texts(results[0].Messages); len(got) != 1 || got[0] != "aws_ebs_volume.open is a volume without encryption" {
		t.Errorf("got %q", got)
	}
}

// large makes a plan large: its resources come again and again, and the last one
// is a volume that is not encrypted.
func large(t testing.TB, plan []byte, size int) []byte {
	t.Helper()
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(plan, &whole); err != nil {
		t.Fatal(err)
	}
	var changes []json.RawMessage
	if err := json.Unmarshal(whole["resource_changes"], &changes); err != nil {
		t.Fatal(err)
	}
	n := len(changes)
	for total := len(plan); total < size; {
		for _, change := range changes[:n] {
			changes = append(changes, change)
			total += len(change)
		}
	}
	changes = append(changes, json.RawMessage(`{"address":"aws_ebs_volume.open","mode":"managed","type":"aws_ebs_volume","name":"open","change":{"actions":["create"],"after":{"encrypted":false},"after_unknown":{}}}`))
	var err error
	if whole["resource_changes"], err = json.Marshal(changes); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
