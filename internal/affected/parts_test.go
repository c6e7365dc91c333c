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

// filesOf makes files; a text that begins with -> is a link.
func filesOf(files map[string]string) fstest.MapFS {
	fsys := make(fstest.MapFS)
	for name, text := range files {
		if target, link := strings.CutPrefix(text, "-> "); link {
			fsys[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink}
			continue
		}
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func partOf(t *testing.T, files map[string]string) *Snapshot {
	t.Helper()
	s, err := SnapshotOf(filesOf(files))
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
		"only of a part": {partOf(t, head).Replace(partOf(t, base), rules).Only(func(n string) bool { return n == "a.tf" }), map[string]string{"a.tf": "new"}},
	} {
		if diff := cmp.Diff(tc.want, contents(t, tc.got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLinks(t *testing.T) {
	files := map[string]string{
		"policies/a.rego": "-> ../shared/a.rego", "policies/sub": "-> ../shared", "shared/a.rego": "a", "linked": "-> shared",
		"x.tf": "-> shared/x.inc", "shared/x.inc": "x", "out.tf": "-> ../elsewhere", "far": "-> /etc",
	}
	of := partOf(t, files)
	below, err := ReadBelow(of.FS, "policies", "linked", "x.tf", "none")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"policies/a.rego": "a", "policies/sub/a.rego": "a", "policies/sub/x.inc": "x", "linked/a.rego": "a", "linked/x.inc": "x", "x.tf": "x"}
	if diff := cmp.Diff(want, contents(t, below)); diff != "" {
		t.Errorf("below (-want +got):\n%s", diff)
	}
	plain := of.Plain().In("repository")
	for name, want := range map[string]string{"repository/x.tf": "x", "repository/policies/a.rego": "a", "repository/policies/sub/a.rego": "a"} {
		if data, err := fs.ReadFile(plain.FS, name); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if id, _ := plain.ID("repository/x.tf"); id[:6] != "100644" {
		t.Errorf("x.tf is %s", id)
	}
	if id, _ := plain.ID("repository/out.tf"); id[:6] != "120000" {
		t.Errorf("out.tf is %s", id)
	}
	for name, files := range map[string]map[string]string{
		"nowhere": {"policies/a.rego": "-> gone"}, "a circle": {"policies/a": "-> ../policies"}, "out": {"policies/a": "-> ../../etc"},
	} {
		if _, err := ReadBelow(partOf(t, files).FS, "policies"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
