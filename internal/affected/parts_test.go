package affected

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// contents are the files of a snapshot, with what is in them and their ids.
func contents(t *testing.T, s *Snapshot) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, name := range s.Names {
		data, err := fs.ReadFile(s.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := s.ID(name); !ok || !strings.HasSuffix(id, hashBlob(data).String()) {
			t.Errorf("%s: its id %q is not that of its content", name, id)
		}
		all[name] = string(data)
	}
	return all
}

func partOf(t *testing.T, files map[string]string, below ...string) *Snapshot {
	t.Helper()
	fsys := make(fstest.MapFS)
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	s, err := SnapshotOf(fsys, below...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParts(t *testing.T) {
	head := map[string]string{"a.tf": "new", "policies/deny.rego": "weak", "policies/more.rego": "added", ".tfsec/config.yml": "weak", "policiesX": "x"}
	base := map[string]string{"a.tf": "old", "policies/deny.rego": "strict", ".trivyignore": "one"}
	rules := func(name string) bool {
		return Below("policies", name) || name == ".trivyignore" || Below(".tfsec", name)
	}
	for name, tc := range map[string]struct {
		got  *Snapshot
		want map[string]string
	}{
		"only":           {partOf(t, head).Only(rules), map[string]string{"policies/deny.rego": "weak", "policies/more.rego": "added", ".tfsec/config.yml": "weak"}},
		"replaced":       {partOf(t, head).Replace(partOf(t, base), rules), map[string]string{"a.tf": "new", "policies/deny.rego": "strict", ".trivyignore": "one", "policiesX": "x"}},
		"of some":        {partOf(t, head, "policies", "a.tf", "policies/deny.rego", "none"), map[string]string{"a.tf": "new", "policies/deny.rego": "weak", "policies/more.rego": "added"}},
		"only of a part": {partOf(t, head).Replace(partOf(t, base), rules).Only(func(n string) bool { return n == "a.tf" }), map[string]string{"a.tf": "new"}},
	} {
		if diff := cmp.Diff(tc.want, contents(t, tc.got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
