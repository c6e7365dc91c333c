package pipeline

import (
	"testing"
	"testing/fstest"

	"github.com/strata-tf/strata/internal/record"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/store"
)

// Variable files of one name in two folders are two: a change of either counts.
func TestGivenVariableFilesOfOneName(t *testing.T) {
	url, err := store.FolderURL(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	kept, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	key, err := record.MakeKey(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	given := func(first, second string) map[string]string {
		s := &session{
			Options: Options{
				VarFiles: []string{"a/x.tfvars", "b/x.tfvars"},
				Source:   fstest.MapFS{"a/x.tfvars": {Data: []byte(first)}, "b/x.tfvars": {Data: []byte(second)}},
			},
			memory: &memory{key: key},
		}
		digests, err := s.given(&stack.Unit{Layer: "app", Region: "global", Environment: "staging"})
		if err != nil {
			t.Fatal(err)
		}
		return digests
	}
	was := given("a = 1", "a = 2")
	for _, now := range []map[string]string{given("a = 3", "a = 2"), given("a = 1", "a = 3"), given("a = 2", "a = 1")} {
		same := len(now) == len(was)
		for name := range was {
			same = same && was[name] == now[name]
		}
		if same {
			t.Errorf("a change is not seen: %v", now)
		}
	}
}
