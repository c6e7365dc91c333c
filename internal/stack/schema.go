package stack

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
)

// SchemaURL is where the JSON schema of strata.yaml is published.
const SchemaURL = "https://raw.githubusercontent.com/strata-tf/strata/main/docs/strata.schema.json"

// Schema is the JSON schema of strata.yaml, for editors. It is generated from
// the types, and Load checks a file against the same one.
func Schema() ([]byte, error) {
	schema, err := configSchema()
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// configSchema generates the schema from Config and adds what types cannot say.
func configSchema() (*jsonschema.Schema, error) {
	schema, err := jsonschema.For[Config](&jsonschema.ForOptions{
		TypeSchemas: map[reflect.Type]*jsonschema.Schema{
			reflect.TypeFor[Duration](): {Type: "string", Pattern: durationPattern},
			reflect.TypeFor[Date]():     {Type: "string", Pattern: datePattern, Format: "date"},
		},
	})
	if err != nil {
		return nil, err
	}
	withoutNull(schema)
	schema.Schema = "https://json-schema.org/draft/2020-12/schema"
	schema.ID = SchemaURL
	schema.Title = "strata.yaml"
	schema.Description = "Configuration of Strata, which deploys a layered Terraform monorepo. Every key is optional."
	refine(schema)
	return schema, nil
}

// refine adds allowed names and numbers.
func refine(schema *jsonschema.Schema) {
	one := 1
	top := schema.Properties
	top["version"].Enum = []any{1}
	top["layers"].MinItems = &one
	top["environments"].MinProperties = &one
	top["environments"].PropertyNames = &jsonschema.Schema{Pattern: folderPattern}
	refineEnvironment(top["environments"].AdditionalProperties.Properties)

	top["unknown"].Items.Properties["select"].Enum = []any{"all", "warn"}

	layer := top["layers"].Items.Properties
	layer["name"].Pattern = layerPattern
	layer["needs"].Items.Pattern = needPattern
	layer["inputs"].PropertyNames = &jsonschema.Schema{Pattern: variablePattern}
	layer["inputs"].AdditionalProperties.Pattern = inputPattern
	layer["secrets"].Items.Pattern = variablePattern
	layer["environments"].Items.Pattern = folderPattern

	for _, hook := range top["hooks"].Properties {
		hook.Items.Properties["run"].MinItems = &one
		hook.Items.Properties["layers"].Items.Pattern = layerPattern
	}
	refinePolicy(top["policy"].Properties)
	refineScan(top["scan"].Properties)
	refineDrift(top["drift"].Properties)
	refineNotify(top["notify"].Properties)
}

func refineEnvironment(environment map[string]*jsonschema.Schema) {
	one, zero, hundred := 1, 0.0, 100.0
	environment["parallelism"].Minimum = &zero
	for name, gate := range environment["gates"].Properties {
		switch name {
		case "severity":
			gate.Enum = anyOf(severityWords())
		case "unknown":
			gate.Enum = anyOf([]string{Deny, Warn})
		default:
			gate.Enum = anyOf(Modes())
		}
	}
	limits := environment["limits"]
	limits.MinProperties = &one
	for _, limit := range limits.Properties {
		limit.Minimum = &zero
	}
	limits.Properties["percent"].Maximum = &hundred
}

func refinePolicy(policy map[string]*jsonschema.Schema) {
	policy["path"].Pattern = filledPattern
	policy["query"].Pattern, policy["warn"].Pattern = queryPattern, queryPattern
	policy["rego"].Enum = []any{"v0", "v1"}
}

func refineScan(scan map[string]*jsonschema.Schema) {
	for _, name := range Scanners() {
		tool := scan[name].Properties
		tool["mode"].Enum = anyOf(Modes())
		tool["severity"].Enum = anyOf(severityWords())
	}
	scan[Compliance].Properties["path"].Pattern = filledPattern
	for name, property := range scan["suppress"].Items.Properties {
		switch name {
		case "tool":
			property.Enum = anyOf(append(Scanners(), "opa", "terraform", "tofu"))
		case "until":
		default:
			property.Pattern = filledPattern
		}
	}
}

func anyOf(words []string) []any {
	list := make([]any, len(words))
	for i, word := range words {
		list[i] = word
	}
	return list
}

func refineDrift(drift map[string]*jsonschema.Schema) {
	for name, property := range drift["baseline"].Items.Properties {
		if name != "until" {
			property.Pattern = filledPattern
		}
	}
	severity := drift["severity"].Items.Properties
	severity["type"].Pattern, severity["attribute"].Pattern = filledPattern, filledPattern
	severity["level"].Enum = []any{High, Medium, Low}
}

func refineNotify(notify map[string]*jsonschema.Schema) {
	one := 1
	for kind, destination := range notify {
		destination.Properties["url"].Pattern = secretPattern
		destination.Properties["key"].Pattern = secretPattern
		if kind != Webhook { // the others have no place for a signature
			delete(destination.Properties, "key")
			destination.PropertyOrder = slices.DeleteFunc(destination.PropertyOrder, func(name string) bool { return name == "key" })
		}
		events := destination.Properties["events"]
		events.MinProperties = &one
		for _, event := range append([]string{AllEvents}, Events()...) {
			events.AdditionalProperties.Items.Enum = append(events.AdditionalProperties.Items.Enum, event)
		}
	}
}

// withoutNull removes null from the types that Go's slices and pointers get: a
// key without a value is more likely a slip than a wish.
func withoutNull(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	for _, t := range s.Types {
		if t != "null" {
			s.Type = t
		}
	}
	s.Types = nil
	for _, p := range s.Properties {
		withoutNull(p)
	}
	withoutNull(s.Items)
	withoutNull(s.AdditionalProperties)
}
