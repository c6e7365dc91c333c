package affected

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLeftBehindIsWhatIsTrackedAndIgnored(t *testing.T) {
	g := newGit(t)
	g.write(".gitignore", "*.log\n/out/\n!kept.log\n", "a/.gitignore", "*.tmp\n", ".git/info/exclude", "excluded\n")
	for _, name := range []string{"a.log", "kept.log", "out/x/y", "a/b/c.tmp", "c.tmp", "a/excluded", "a/packages/x.js", "plain", "there.log"} {
		g.write(name, "x\n")
	}
	g.git("add", "-A", "-f")
	g.git("commit", "-q", "-m", "all")
	for _, name := range strings.Fields(g.git("ls-files")) {
		if name != "there.log" && !strings.HasSuffix(name, ".gitignore") {
			g.remove(name)
		}
	}
	packages := func(name string) bool { return strings.Contains(name, "packages/") }
	for dir, want := range map[string]string{
		".": "a.log a/b/c.tmp a/excluded a/packages/x.js out/x/y",
		"a": "b/c.tmp excluded packages/x.js",
	} {
		if err := os.MkdirAll(filepath.Join(g.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		found, err := openAt(t, filepath.Join(g.dir, dir)).LeftBehind(packages)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(found, " "); got != want {
			t.Errorf("below %s: %q, not %q", dir, got, want)
		}
	}
	g.git("update-index", "--skip-worktree", "a.log")
	found, err := g.open().LeftBehind(packages)
	if err != nil || strings.Contains(strings.Join(found, " "), "a.log") {
		t.Errorf("%q, %v", found, err)
	}
}

func TestWhatStrataWritesIsNeverAnInput(t *testing.T) {
	in := &Inputs{}
	in.area(area{why: "all"})
	for _, name := range []string{".strata/store/records/x.json", "a/.strata/logs/x", "a/.terraform/x", "a/terraform.tfstate", "a/terraform.tfstate.backup"} {
		if _, ok := in.Why(name); ok {
			t.Errorf("%s is an input", name)
		}
	}
	for _, name := range []string{"strata.yaml", "a/strata/x", "a/.strata.tf"} {
		if _, ok := in.Why(name); !ok {
			t.Errorf("%s is no input", name)
		}
	}
}
