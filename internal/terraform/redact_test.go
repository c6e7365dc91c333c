package terraform

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLeaves(t *testing.T) {
	for raw, want := range map[string][]string{
		``:                       nil,
		`not JSON`:               nil,
		`null`:                   {},
		`true`:                   {},
		`"text"`:                 {"text"},
		`48151623`:               {"48151623"},
		`12345678901234567890.5`: {"12345678901234567890.5"},
		`{"key": "b", "deep": [{"more": ["a", 41, false, null]}], "again": "a"}`: {"41", "a", "b"},
	} {
		got := Leaves(json.RawMessage(raw))
		if len(got) == 0 && len(want) == 0 {
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", raw, diff)
		}
	}
}
