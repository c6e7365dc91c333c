package report

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/stack"
)

func jsonOf(t *testing.T, run *Run) string {
	t.Helper()
	return render(t, func(b *bytes.Buffer) error { return JSON(b, run) })
}

func TestJSONGolden(t *testing.T) {
	golden(t, "run.golden.json", jsonOf(t, deployed()))
	golden(t, "drift.golden.json", jsonOf(t, drifting()))
	golden(t, "checks.golden.json", jsonOf(t, gated()))
}

func TestJSONIsComplete(t *testing.T) {
	run := &Run{Units: []Unit{{ID: "a", Result: NotRun}}}
	var document struct {
		Schema string
		Units  []struct{ Changes map[string]int }
	}
	if err := json.Unmarshal([]byte(jsonOf(t, run)), &document); err != nil {
		t.Fatal(err)
	}
	if document.Schema != "strata.run/v1" {
		t.Errorf("schema is %q", document.Schema)
	}
	for _, counter := range []string{"add", "change", "replace", "destroy", "import", "move", "forget", "outputs"} {
		if n, found := document.Units[0].Changes[counter]; !found || n != 0 {
			t.Errorf("counter %s: %d, there %v", counter, n, found)
		}
	}
	if run.Units[0].Changes != nil || run.Schema != "" {
		t.Error("writing a run changed it")
	}
	if got := jsonOf(t, &Run{Checks: []Check{{Tool: "opa"}}}); !strings.Contains(got, `"findings": []`) {
		t.Errorf("no findings are not an empty list: %s", got)
	}
	if got := jsonOf(t, &Run{}); !bytes.Contains([]byte(got), []byte(`"units": []`)) {
		t.Errorf("no units are not an empty list: %s", got)
	}
}

// runSchema is the published schema: what the Go types say, and what only the
// writer knows.
func runSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	results := &jsonschema.Schema{Type: "string"}
	for _, result := range resultOrder() {
		results.Enum = append(results.Enum, string(result))
	}
	grades := &jsonschema.Schema{Type: "string"}
	for _, severity := range finding.Severities() {
		grades.Enum = append(grades.Enum, string(severity))
	}
	schema, err := jsonschema.For[Run](&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[Result]():           results,
		reflect.TypeFor[finding.Severity](): grades,
		reflect.TypeFor[json.RawMessage]():  {Description: "any JSON value"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	schema.Schema = "https://json-schema.org/draft/2020-12/schema"
	schema.ID = "https://github.com/strata-tf/strata/docs/strata.run.schema.json"
	schema.Title = "A run of Strata"
	one := any(Schema)
	schema.Properties["schema"].Const = &one
	schema.Properties["started"].Format = "date-time"
	open(schema)
	units := schema.Properties["units"]
	units.Types, units.Type = nil, "array" // never null
	unit := units.Items
	unit.Required = append(unit.Required, "changes") // always written
	changes := unit.Properties["changes"]
	changes.Types, changes.Type = nil, "object"
	changes.Description = "what the plan changes; all zero where no plan was made"
	check := schema.Properties["checks"].Items
	check.Properties["mode"].Enum = []any{stack.Enforce, stack.Warn}
	check.Properties["unknown"].Enum = []any{stack.Deny, stack.Warn}
	check.Properties["unknown"].Description = "what follows where a rule cannot be decided before the apply"
	check.Properties["severity"] = &jsonschema.Schema{Type: "string", Description: "how grave a finding must be to count; empty where all do"}
	check.Properties["looked"].Description = "at how many files, plans or rules it has looked, as far as it tells"
	check.Properties["errors"].Description = "why it told nothing, or not all: never the same as no findings"
	check.Properties["known"].Description = "findings that do not count, each with why"
	findings := check.Properties["findings"]
	findings.Types, findings.Type = nil, "array"
	findings.Description = "that count"
	return schema
}

// open lets later versions of the same schema add properties.
func open(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	s.AdditionalProperties = nil
	open(s.Items)
	for _, property := range s.Properties {
		open(property)
	}
}

func TestPublishedSchema(t *testing.T) {
	text, err := json.MarshalIndent(runSchema(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compareFile(t, filepath.Join("..", "..", "docs", "strata.run.schema.json"), string(text)+"\n")
}

func TestJSONFollowsTheSchema(t *testing.T) {
	schema, err := runSchema(t).Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	check := func(text string) error {
		var document any
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			t.Fatal(err)
		}
		return schema.Validate(document)
	}
	for _, run := range []*Run{deployed(), planned(), many(20), drifting(), drifts(20), gated(), scanned(20), {Result: Succeeded}, {Result: Succeeded, Checks: []Check{{Mode: stack.Warn}}}} {
		if err := check(jsonOf(t, run)); err != nil {
			t.Errorf("%s %s: %v", run.Verb, run.Environment, err)
		}
	}
	if err := check(`{"schema":"strata.run/v1"}`); err == nil {
		t.Error("the schema lets a document pass that has no units")
	}
}

// What a terminal would obey arrives, and does not stand there as it is.
func TestJSONIsSafe(t *testing.T) {
	const odd = "\x1b[2J\u009b31m\x7f\u202eabc\u202c\r\n\u2028é日本😀"
	got := jsonOf(t, &Run{Environment: odd, Checks: []Check{{Findings: []finding.Finding{{Title: odd}}}}})
	if strings.ContainsAny(got, "\x1b\u009b\x7f\u202e\u202c\r") {
		t.Errorf("control characters came through: %q", got)
	}
	var run Run
	if err := json.Unmarshal([]byte(got), &run); err != nil {
		t.Fatal(err)
	}
	if run.Environment != odd || run.Checks[0].Findings[0].Title != odd {
		t.Errorf("read back: %q and %q, want %q", run.Environment, run.Checks[0].Findings[0].Title, odd)
	}
}
