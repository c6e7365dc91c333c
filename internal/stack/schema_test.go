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
