package stack

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
)

var update = flag.Bool("update", false, "rewrite docs/strata.schema.json")

const publishedSchema = "../../docs/strata.schema.json"

func TestSchemaIsPublished(t *testing.T) {
	schema, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(publishedSchema, schema, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	published, err := os.ReadFile(publishedSchema)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(published), string(schema)); diff != "" {
		t.Errorf("docs/strata.schema.json is out of date: run go test ./internal/stack -update\n%s", diff)
	}
}

// The schema as editors use it accepts and refuses what Load does.
func TestSchemaValidates(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		json string
		good bool
	}{
		{`{}`, true},
		{`{"version": 1, "layers": [{"name": "a", "path": "a/{env}", "needs": ["b/x@*"]}]}`, true},
		{`{"terraform": {"lock-timeout": "1h30m"}}`, true},
		{`{"version": 2}`, false},
		{`{"layers": []}`, false},
		{`{"layers": [{"name": "a"}]}`, false},
		{`{"layers": null}`, false},
		{`{"layers": [{"name": "a b", "path": "x"}]}`, false},
		{`{"environments": {"a b": {}}}`, false},
		{`{"environments": {"a": {"approval": "required"}}}`, false},
		{`{"terraform": {"lock-timeout": "soon"}}`, false},
		{`{"unknown": 1}`, false},
		{`{"drift": {"baseline": [{"resource": "x", "reason": "r", "owner": "o", "until": "2027-03-31"}]}}`, true},
		{`{"drift": {"baseline": [{"resource": "x", "reason": "r", "owner": "o", "until": "soon"}]}}`, false},
		{`{"drift": {"baseline": [{"resource": "x", "reason": "", "owner": "o", "until": "2027-03-31"}]}}`, false},
		{`{"drift": {"baseline": [{"resource": "x"}]}}`, false},
		{`{"drift": {"severity": [{"level": "grave"}]}}`, false},
		{`{"environments": {"a": {"gates": {"policy": "enforce", "checkov": "off", "severity": "info", "unknown": "deny"}}}}`, true},
		{`{"environments": {"a": {"gates": {"policy": "on"}}}}`, false},
		{`{"environments": {"a": {"gates": {"approval": "enforce"}}}}`, false},
		{`{"environments": {"a": {"gates": {"severity": "grave"}}}}`, false},
		{`{"environments": {"a": {"gates": {"unknown": "off"}}}}`, false},
		{`{"environments": {"a": {"limits": {"destroy": 0, "replace": 5, "percent": 100}}}}`, true},
		{`{"environments": {"a": {"limits": {"percent": 101}}}}`, false},
		{`{"environments": {"a": {"limits": {"destroy": -1}}}}`, false},
		{`{"environments": {"a": {"limits": {"destroy": null}}}}`, false},
		{`{"environments": {"a": {"limits": {}}}}`, false},
		{`{"policy": {"path": "p", "query": "data.a.deny", "warn": "data.a._w1", "rego": "v0", "timeout": "30s"}}`, true},
		{`{"policy": {"query": "data"}}`, false},
		{`{"policy": {"query": "data.a.deny[_]"}}`, false},
		{`{"policy": {"rego": "v2"}}`, false},
		{`{"policy": {"path": ""}}`, false},
		{`{"scan": {"trivy": {"severity": "high", "mode": "warn"}, "terraform-compliance": {"path": "p"}}}`, true},
		{`{"scan": {"trivy": {"path": "p"}}}`, false},
		{`{"scan": {"given": true}}`, false},
		{`{"scan": {"suppress": [{"rule": "x", "reason": "r", "owner": "o", "until": "2027-03-31"}]}}`, true},
		{`{"scan": {"suppress": [{"rule": "x", "reason": "r", "owner": "o"}]}}`, false},
		{`{"scan": {"suppress": [{"rule": "x", "reason": "r", "owner": " ", "until": "2027-03-31"}]}}`, false},
		{`{"scan": {"suppress": [{"tool": "nessus", "rule": "x", "reason": "r", "owner": "o", "until": "2027-03-31"}]}}`, false},
		{`{"notify": {"webhook": {"url": "u", "key": "k", "events": {"*": ["all"]}}}}`, true},
		{`{"notify": {"slack": {"url": "u", "key": "k"}}}`, false},
		{`{"notify": {"slack": {"url": "https://x"}}}`, false},
		{`{"notify": {"slack": {"url": "u", "events": {"*": ["everything"]}}}}`, false},
	} {
		var value any
		if err := json.Unmarshal([]byte(test.json), &value); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(value); (err == nil) != test.good {
			t.Errorf("%s: %v", test.json, err)
		}
		if _, err := loadText(test.json); !test.good && err == nil {
			t.Errorf("%s is read", test.json)
		}
	}
}
