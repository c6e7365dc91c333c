package terraform

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Output is one output of a state.
type Output struct {
	Sensitive bool            `json:"sensitive"`
	Value     json.RawMessage `json:"value"` // nil where a stream left a sensitive one out
}

// ParseOutputs reads the output of `output -json`.
func ParseOutputs(data []byte) (map[string]Output, error) {
	outputs := make(map[string]Output)
	if err := json.Unmarshal(data, &outputs); err != nil {
		return nil, fmt.Errorf("read `output -json`: %w", err)
	}
	return outputs, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
