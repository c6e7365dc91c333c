package affected

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
)

func TestDiff(t *testing.T) {
	tree := func(pairs ...string) *Snapshot {
		files := make(fstest.MapFS)
		for i := 0; i < len(pairs); i += 2 {
			files[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
		}
		return must(SnapshotOf(files))
	}
	for _, test := range []struct {
		name     string
		old, new *Snapshot
		want     []string
	}{
		{"nothing", tree("a", "1"), tree("a", "1"), nil},
		{"empty", tree(), tree(), nil},
		{"all new", tree(), tree("b", "1", "a", "2"), []string{"added a", "added b"}},
		{"all gone", tree("b", "1", "a", "2"), tree(), []string{"deleted a", "deleted b"}},
		{"order", tree("a/b", "1", "a-b", "2", "a.b", "3"), tree("a/b", "x", "a-b", "y", "a.b", "z"), []string{"modified a-b", "modified a.b", "modified a/b"}},
		{"renamed", tree("a", "1", "b", "2"), tree("a", "1", "c", "2"), []string{"renamed b -> c"}},
		{"renamed and edited", tree("b", "2"), tree("c", "3"), []string{"deleted b", "added c"}},
		{"copied", tree("a", "1"), tree("a", "1", "b", "1"), []string{"added b"}},
		{"only the case", tree("Main.tf", "1"), tree("main.tf", "1"), []string{"renamed Main.tf -> main.tf"}},
		{"a folder keeps its names", tree("m/a.tf", "", "m/b.tf", "", "m/c.tf", "x"), tree("n/c.tf", "x", "n/b.tf", "", "n/a.tf", ""),
			[]string{"renamed m/a.tf -> n/a.tf", "renamed m/b.tf -> n/b.tf", "renamed m/c.tf -> n/c.tf"}},
		{"more gone than new", tree("a", "1", "b", "1", "c", "1"), tree("d", "1"), []string{"deleted b", "deleted c", "renamed a -> d"}},
		{"more new than gone", tree("a", "1"), tree("b", "1", "c", "1"), []string{"renamed a -> b", "added c"}},
		{"same name first", tree("x/a", "1", "y/b", "1"), tree("z/a", "1", "z/b", "1"), []string{"renamed x/a -> z/a", "renamed y/b -> z/b"}},
		{"a file that became a folder", tree("a", "1"), tree("a/b", "1"), []string{"renamed a -> a/b"}},
	} {
		got := lines(Diff(test.old, test.new))
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, not %q", test.name, got, test.want)
		}
	}
}

// What the history of a real repository brings.
func TestDiffCommits(t *testing.T) {
	g := newGit(t)
	g.write("shared/modules/vpc/main.tf", "vpc", "shared/modules/vpc/x.tf", "x", "units/a/main.tf", "a", "Case.tf", "c", "run.sh", "r")
	g.symlink("../shared/modules/vpc", "units/vpc")
	commits := []string{g.commit()}
	step := func(want ...string) {
		t.Helper()
		commits = append(commits, g.commit())
		r := g.open()
		n := len(commits)
		got := lines(Diff(snapshotAt(t, r, commits[n-2]), snapshotAt(t, r, commits[n-1])))
		if !slices.Equal(got, want) {
			t.Errorf("step %d: %q\nnot %q", n-1, got, want)
		}
	}
	move := func(from, to string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(g.dir, to)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(g.dir, from), filepath.Join(g.dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	// A module moved, its link dangling.
	move("shared/modules/vpc", "modules/vpc")
	step("renamed shared/modules/vpc/main.tf -> modules/vpc/main.tf", "renamed shared/modules/vpc/x.tf -> modules/vpc/x.tf")
	// The link replaced by the module.
	g.remove("units/vpc")
	move("modules/vpc", "units/vpc")
	step("deleted units/vpc", "renamed modules/vpc/main.tf -> units/vpc/main.tf", "renamed modules/vpc/x.tf -> units/vpc/x.tf")
	// A unit's folder that becomes a module.
	move("units/a", "modules/a")
	step("renamed units/a/main.tf -> modules/a/main.tf")
	move("Case.tf", "case.tf")
	step("renamed Case.tf -> case.tf")
	if err := os.Chmod(filepath.Join(g.dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	step("mode run.sh")
	g.remove("run.sh")
	g.symlink("case.tf", "run.sh")
	step("type run.sh")
	g.write("case.tf", "c\r\n")
	step("modified case.tf")

	// A merge has two parents: against each it brings what the other has.
	g.git("checkout", "-q", "-b", "side", "HEAD~1")
	g.write("side.tf", "s").commit()
	g.git("checkout", "-q", "main")
	g.git("merge", "-q", "-m", "merge", "side")
	r := g.open()
	merge := snapshotAt(t, r, "HEAD")
	if got, want := lines(Diff(snapshotAt(t, r, "HEAD^1"), merge)), []string{"added side.tf"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	if got, want := lines(Diff(snapshotAt(t, r, "HEAD^2"), merge)), []string{"modified case.tf"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	base, err := r.MergeBase("side", "HEAD")
	if want := g.git("rev-parse", "side"); base != want || err != nil {
		t.Errorf("merge base %s, %v, not %s", base, err, want)
	}
}
