//go:build aliases

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/strata-tf/strata/internal/policy"
)

// fakeOPA answers OPA's commands in a scripted engine's containers and, as a
// service, its API, as far as Strata asks them. It has one policy, policyFile,
// that defines data.terraform.deny in its third line.
type fakeOPA struct {
	t      *testing.T
	server *httptest.Server

	// What the test says beforehand.
	deny   func(asked) []string // what the policy says of a plan
	fault  string               // what is wrong with the policies
	ugly   []string             // files that are not formatted
	failed []string             // tests that fail
	broken string               // what is wrong with the server

	mu    sync.Mutex
	asked []asked
}

// asked is what one evaluation brings.
type asked struct {
	Plan   json.RawMessage
	Strata map[string]string
}

const (
	policyFile = "policies/deny.rego"
	policyTree = `{"package":{"path":[{"type":"var","value":"data"},{"type":"string","value":"terraform"}]},"rules":[{"location":{"row":3},` +
		`"head":{"name":"deny","ref":[{"type":"var","value":"deny"}],"key":{"type":"string","value":"no"}},"body":[{"terms":{"type":"boolean","value":true}}]}]}`
)

// opa gives the fixture an OPA, and a policy.
func (f *fixture) opa() *fakeOPA {
	o := &fakeOPA{t: f.t, deny: func(asked) []string { return []string{} }}
	o.server = httptest.NewServer(http.HandlerFunc(o.answer))
	f.t.Cleanup(o.server.Close)
	f.repo[policyFile] = "package terraform\n\ndeny contains \"no\"\n"
	f.commands["opa"] = o.run
	f.serve = func(x *execution) served {
		if _, there := x.Read(policyFile); !there {
			return served{outcome: outcome{Code: 1, Stderr: "no such file or directory"}}
		}
		return served{Address: strings.TrimPrefix(o.server.URL, "http://")}
	}
	return o
}

// denies makes the policy deny units' plans, by their ids.
func (o *fakeOPA) denies(ids ...string) {
	o.deny = func(a asked) []string {
		if !slices.Contains(ids, a.Strata["unit"]) {
			return []string{}
		}
		return []string{"no " + a.Strata["layer"] + " today"}
	}
}

func (o *fakeOPA) run(x *execution) outcome {
	last := x.Command[len(x.Command)-1]
	if _, there := x.Read(last); !there && len(x.Below(last)) == 0 && x.Command[1] != "version" {
		return outcome{Code: 1, Stderr: last + ": no such file or directory"}
	}
	switch x.Command[1] {
	case "version":
		return outcome{Stdout: "Version: 1.22.2\nRego Version: v1\n"}
	case "check":
		if o.fault != "" {
			return outcome{Code: 1, Stderr: o.fault}
		}
		return outcome{}
	case "parse":
		return outcome{Stdout: policyTree}
	case "fmt":
		return outcome{Stdout: strings.Join(o.ugly, "\n")}
	case "test":
		return o.tests()
	}
	o.t.Errorf("the fake OPA does not know %q", x.Command)
	return outcome{Code: 1}
}

func (o *fakeOPA) tests() outcome {
	report := []any{map[string]any{"package": "data.terraform_test", "name": "test_right"}}
	for _, name := range o.failed {
		report = append(report, map[string]any{"package": "data.terraform_test", "name": name, "fail": true, "location": map[string]any{"file": "policies/deny_test.rego", "row": 7}})
	}
	if len(o.failed) > 0 {
		return outcome{Code: policy.TestsFailed, Stdout: encode(report)}
	}
	return outcome{Stdout: encode(report)}
}

// answer serves the API.
func (o *fakeOPA) answer(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /health", "PUT /v1/policies/strata_gate":
		fmt.Fprint(w, "{}")
	case "GET /v1/policies":
		fmt.Fprintf(w, `{"result":[{"id":%q,"ast":%s}]}`, policyFile, policyTree)
	case "POST /v1/data/strata_gate":
		o.evaluate(w, r)
	default:
		o.t.Errorf("the fake OPA does not know %s %s", r.Method, r.URL.Path)
	}
}

func (o *fakeOPA) evaluate(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sent struct{ Input asked }
	if err == nil {
		err = json.Unmarshal(body, &sent)
	}
	if err != nil {
		o.t.Error(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, sent.Input)
	if o.broken != "" {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `{"code":"internal_error","message":%q}`, o.broken)
		return
	}
	fmt.Fprintf(w, `{"result":{"q0":%s}}`, encode(o.deny(sent.Input)))
}
