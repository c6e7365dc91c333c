package affected

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// changed compares the working tree with HEAD.
func (g *gitRepo) changed() []string {
	g.t.Helper()
	r := g.open()
	return lines(Diff(snapshotAt(g.t, r, "HEAD"), treeOf(g.t, r)))
}

func (g *gitRepo) wantChanged(want ...string) {
	g.t.Helper()
	if got := g.changed(); !slices.Equal(got, want) {
		g.t.Errorf("changed: %q\nnot      %q\ngit says:\n%s", got, want, g.git("status", "--short", "-uall"))
	}
}

func TestWorkingTree(t *testing.T) {
	g := newGit(t)
	g.write("same", "1", "edited", "1", "deleted", "1", "touched", "1", "dir/moved", "moved", "mode", "1", "file", "1", "folder/a", "f")
	g.symlink("same", "link")
	g.symlink("dir", "dirlink")
	g.commit()
	g.old()
	g.wantChanged()

	g.write("edited", "2", "new", "n", "dir2/deep/new", "d")
	g.remove("deleted")
	if err := os.Chtimes(filepath.Join(g.dir, "touched"), time.Time{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(g.dir, "dir", "moved"), filepath.Join(g.dir, "moved-away")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(g.dir, "mode"), 0o755); err != nil {
		t.Fatal(err)
	}
	g.remove("file")
	g.symlink("same", "file")
	g.remove("folder")
	g.write("folder", "now a file")
	g.remove("link")
	g.symlink("edited", "link")
	g.wantChanged("deleted deleted", "added dir2/deep/new", "modified edited", "type file", "added folder", "deleted folder/a",
		"modified link", "mode mode", "renamed dir/moved -> moved-away", "added new")

	g.git("add", "-A") // What is staged counts as it lies there.
	g.wantChanged("deleted deleted", "added dir2/deep/new", "modified edited", "type file", "added folder", "deleted folder/a",
		"modified link", "mode mode", "renamed dir/moved -> moved-away", "added new")

	tree := treeOf(t, g.open())
	if tree.Commit != "" {
		t.Errorf("a working tree has the commit %s", tree.Commit)
	}
	for name, want := range map[string]string{"edited": "2", "link": "2", "file": "1", "dir2/deep/new": "d"} {
		if got, err := fs.ReadFile(tree.FS, name); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v, not %q", name, got, err, want)
		}
	}
	if _, err := fs.Stat(tree.FS, "deleted"); !os.IsNotExist(err) {
		t.Errorf("deleted: %v", err)
	}
	// The ids are git's.
	g.commit()
	r := g.open()
	head := snapshotAt(t, r, "HEAD")
	for name := range strings.SplitSeq(g.git("ls-tree", "-r", "HEAD"), "\n") {
		meta, name, _ := strings.Cut(name, "\t")
		fields := strings.Fields(meta)
		for _, s := range []*Snapshot{head, tree} {
			if id, ok := s.ID(name); id != fields[0]+" "+fields[2] || !ok {
				t.Errorf("ID(%s) = %q, %v, not %s", name, id, ok, meta)
			}
		}
	}
}

// A file changed in the same instant in which git wrote the index, to the same
// size: times tell nothing.
func TestRacyWorkingTree(t *testing.T) {
	g := newGit(t)
	g.write("a", "1")
	g.commit()
	name := filepath.Join(g.dir, "a")
	index := filepath.Join(g.dir, ".git", "index")
	now := time.Now()
	g.old()
	g.wantChanged()

	// The index's times say that nothing changed since the file was written.
	if err := os.Chtimes(name, now, now); err != nil {
		t.Fatal(err)
	}
	g.git("update-index", "-q", "--really-refresh")
	if err := os.Chtimes(index, now, now); err != nil {
		t.Fatal(err)
	}
	g.git("config", "core.trustctime", "false")
	g.write("a", "2")
	if err := os.Chtimes(name, now, now); err != nil {
		t.Fatal(err)
	}
	g.wantChanged("modified a")
	// Once the index is newer than the file it would be believed: this shows
	// that the index is used at all.
	later := now.Add(time.Minute)
	if err := os.Chtimes(index, later, later); err != nil {
		t.Fatal(err)
	}
	g.wantChanged()
	// Nobody can set back the time of the change itself.
	g.git("config", "core.trustctime", "true")
	if _, ok := changeTime(must(os.Lstat(name))); ok {
		g.wantChanged("modified a")
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestIgnored(t *testing.T) {
	g := newGit(t)
	g.write("tracked.log", "1", "build/kept", "1", ".gitignore", "*.log\nbuild/\n/top\n!keep.log\r\n.terraform/\n*.tfstate*\n",
		"dir/.gitignore", "local\n!special.log\n")
	g.git("add", "-f", "tracked.log", "build/kept")
	g.commit()
	g.write("a.log", "x", "keep.log", "x", "dir/special.log", "x", "dir/other.log", "x", "dir/local", "x", "dir/sub/local", "x",
		"local", "x", "top", "x", "dir/top", "x", "build/new", "x", "dir/.terraform/x/y", "x", "dir/terraform.tfstate.backup", "x",
		"excluded", "x", "everywhere", "x", "tracked.log", "2", "build/kept", "2")
	writeFile(t, filepath.Join(g.dir, ".git", "info", "exclude"), "excluded\n")
	excludes := filepath.Join(t.TempDir(), "excludes")
	writeFile(t, excludes, "everywhere\n")
	g.git("config", "core.excludesFile", excludes)
	want := []string{"modified build/kept", "added dir/special.log", "added dir/top", "added keep.log", "added local", "modified tracked.log"}
	g.wantChanged(want...)

	g.git("config", "--unset", "core.excludesFile")
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(home, ".config", "git"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(home, ".config", "git", "ignore"), "everywhere\n")
	g.wantChanged(want...)
	writeFile(t, filepath.Join(home, ".gitconfig"), "[core]\n\texcludesFile = ~/mine\n")
	writeFile(t, filepath.Join(home, "mine"), "local\n")
	g.wantChanged("modified build/kept", "added dir/special.log", "added dir/top", "added everywhere", "added keep.log", "modified tracked.log")
}

func TestCRLF(t *testing.T) {
	g := newGit(t)
	g.write("text.tf", "a\nb\n", "crlf.tf", "a\r\nb\r\n", "mixed.tf", "a\nb\r\n", "binary", "a\r\n\x00", "script.sh", "a\n")
	g.commit()

	t.Run("autocrlf", func(t *testing.T) {
		c := g.clone("-c", "core.autocrlf=true")
		if got := string(must(os.ReadFile(filepath.Join(c.dir, "text.tf")))); got != "a\r\nb\r\n" {
			t.Fatalf("git checked out %q", got)
		}
		c.wantChanged()
		c.touch() // so that the contents are looked at
		c.wantChanged()
		c.write("text.tf", "a\r\nb\r\nc\r\n", "new.tf", "a\r\n", "crlf.tf", "a\r\n")
		c.wantChanged("modified crlf.tf", "added new.tf", "modified text.tf")
		c.sameAsGit()
	})
	t.Run("none", func(t *testing.T) {
		c := g.clone()
		c.touch()
		c.wantChanged()
		c.write("text.tf", "a\r\nb\r\n")
		c.wantChanged("modified text.tf")
		c.sameAsGit()
	})
	t.Run("attributes", func(t *testing.T) {
		c := g.clone()
		c.write(".gitattributes", "*.tf text\nsub/*.tf -text\n*.sh text=auto eol=lf\n[attr]raw -text\n*.raw raw\n*.bat eol=crlf\n",
			"sub/.gitattributes", "yes.tf text\n*.bin binary\n")
		c.commit()
		c.write("text.tf", "a\r\nb\r\n", "new.tf", "x\r\n", "sub/no.tf", "x\r\n", "sub/yes.tf", "x\r\n", "script.sh", "a\r\n",
			"x.raw", "x\r\n", "x.bat", "x\r\n", "x.txt", "x\r\n", "sub/x.bin", "x\r\n", "ident", "$Id: 1 $")
		c.sameAsGit()
		c.write(".gitattributes", "* text=auto\nident ident\n")
		c.sameAsGit()
	})
}

// touch makes all files look changed by their times.
func (g *gitRepo) touch() {
	g.t.Helper()
	then := time.Now().Add(-2 * time.Hour)
	for name := range strings.SplitSeq(g.git("ls-files"), "\n") {
		if err := os.Chtimes(filepath.Join(g.dir, name), then, then); err != nil {
			g.t.Fatal(err)
		}
	}
}

// sameAsGit compares all ids of the working tree with those of git add, in a
// copy of the index.
func (g *gitRepo) sameAsGit() {
	g.t.Helper()
	tree := treeOf(g.t, g.open())
	index := filepath.Join(g.dir, ".git", "index")
	before := must(os.ReadFile(index))
	g.git("add", "-A")
	staged := strings.Split(g.git("ls-files", "-s"), "\n")
	if err := os.WriteFile(index, before, 0o644); err != nil {
		g.t.Fatal(err)
	}
	var want, got []string
	for _, line := range staged {
		meta, name, _ := strings.Cut(line, "\t")
		fields := strings.Fields(meta)
		want = append(want, name+" "+fields[0]+" "+fields[1])
	}
	for _, name := range tree.Names {
		id, _ := tree.ID(name)
		got = append(got, name+" "+id)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		g.t.Errorf("the working tree is\n%s\nnot, as git add says,\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLFS(t *testing.T) {
	g := newGit(t)
	// What git lfs stores: the filter's command is not there, so the pointer is
	// committed as it is.
	const content = "a large file\n"
	g.write("big.zip", "version https://git-lfs.github.com/spec/v1\n"+
		"oid sha256:13dcc39b5f17c46fe5d0b3b2d1d7d1b9d3bb3db9a9e2ec8a7aa0d7ae1c7b2ea5\nsize 13\n")
	g.commit()
	g.write("big.zip", string(pointerOf(content)), ".gitattributes", "*.zip filter=lfs diff=lfs merge=lfs -text\n")
	g.commit()
	g.wantChanged() // the pointer itself, as without git-lfs
	g.write("big.zip", content)
	g.wantChanged()
	g.write("big.zip", content+"more")
	g.wantChanged("modified big.zip")
	large := strings.Repeat("0123456789abcdef", largeFile/16)
	g.write("large.zip", large, "large.bin", large)
	tree := treeOf(t, g.open())
	if id, _ := tree.ID("large.bin"); id != "100644 "+g.git("hash-object", "large.bin") {
		t.Errorf("large.bin is %s", id)
	}
	if id, _ := tree.ID("large.zip"); id != "100644 "+hashBlob(pointerOf(large)).String() {
		t.Errorf("large.zip is %s", id)
	}
}

func TestSubmodule(t *testing.T) {
	module := newGit(t)
	first := module.write("main.tf", "1").commit()
	second := module.write("main.tf", "2").commit()
	g := newGit(t)
	g.write("main.tf", "1", "modules/other/main.tf", "1")
	g.git("submodule", "--quiet", "add", "file://"+module.dir, "modules/shared")
	sub := &gitRepo{t: t, dir: filepath.Join(g.dir, "modules", "shared"), clock: g.clock}
	g.commit()
	g.wantChanged()

	r := g.open()
	head := snapshotAt(t, r, "HEAD")
	if id, ok := head.ID("modules/shared"); id != "160000 "+second || !ok {
		t.Errorf("the submodule is %s, %v", id, ok)
	}
	if entries, err := fs.ReadDir(head.FS, "modules/shared"); len(entries) != 0 || err != nil {
		t.Errorf("a submodule is an empty folder: %v, %v", entries, err)
	}
	// It is a repository of its own.
	if own := sub.open(); own.Prefix() != "" || snapshotAt(t, own, "HEAD").Commit != second {
		t.Errorf("the submodule's HEAD is %s", snapshotAt(t, own, "HEAD").Commit)
	}

	sub.git("checkout", "-q", first)
	g.wantChanged("submodule modules/shared")
	g.commit()
	g.wantChanged()
	r = g.open()
	if got, want := lines(Diff(head, snapshotAt(t, r, "HEAD"))), []string{"submodule modules/shared"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}

	c := g.clone() // without --recurse-submodules
	c.wantChanged()

	// A submodule that becomes part of the repository.
	g.git("rm", "-q", "-f", "modules/shared")
	g.write("modules/shared/main.tf", "1")
	g.commit()
	r = g.open()
	got := lines(Diff(head, snapshotAt(t, r, "HEAD")))
	if want := []string{"modified .gitmodules", "deleted modules/shared", "added modules/shared/main.tf"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

// Repositories and worktrees within the working tree that it does not track.
func TestNestedRepositories(t *testing.T) {
	g := newGit(t)
	g.write("main.tf", "1", ".gitignore", "ignored\n").commit()
	inner := &gitRepo{t: t, dir: filepath.Join(g.dir, "inner"), clock: g.clock}
	g.git("init", "-q", "inner")
	id := inner.write("x", "1").commit()
	g.git("init", "-q", "ignored")
	g.git("worktree", "add", "-q", "--detach", "tree")
	g.wantChanged("added inner", "added tree")
	if got, _ := treeOf(t, g.open()).ID("inner"); got != "160000 "+id {
		t.Errorf("inner is %s", got)
	}
}

func TestSparseCheckout(t *testing.T) {
	g := newGit(t)
	g.write("a/main.tf", "1", "b/main.tf", "2", "b/c/main.tf", "3").commit()
	g.git("sparse-checkout", "set", "a")
	if _, err := os.Stat(filepath.Join(g.dir, "b")); !os.IsNotExist(err) {
		t.Fatalf("git left b there: %v", err)
	}
	g.wantChanged()
	if got, err := fs.ReadFile(treeOf(t, g.open()).FS, "b/c/main.tf"); string(got) != "3" || err != nil {
		t.Errorf("b/c/main.tf: %q, %v", got, err)
	}
	g.write("b/main.tf", "changed")
	g.wantChanged("modified b/main.tf")

	g.git("sparse-checkout", "set", "--cone", "--sparse-index", "a")
	if _, err := g.open().WorkingTree(); err != nil && !strings.Contains(err.Error(), "git sparse-checkout reapply --no-sparse-index") {
		t.Errorf("%v", err)
	}
}

func TestIndexFormats(t *testing.T) {
	g := newGit(t)
	g.write("a/main.tf", "1", "a/other.tf", "2", "b", "3").commit()
	g.git("update-index", "--index-version", "4")
	g.wantChanged()
	g.git("config", "index.skipHash", "true")
	g.git("update-index", "--force-write-index")
	g.wantChanged()
	g.git("update-index", "--split-index")
	_, err := g.open().WorkingTree()
	if err == nil || !strings.Contains(err.Error(), "git update-index --no-split-index") {
		t.Errorf("a split index: %v", err)
	}
}

func TestConflict(t *testing.T) {
	g := newGit(t)
	g.write("a", "1\n").commit()
	g.git("checkout", "-q", "-b", "x")
	g.write("a", "2\n").commit()
	g.git("checkout", "-q", "main")
	g.write("a", "3\n").commit()
	if _, err := g.try("merge", "-q", "x"); err == nil {
		t.Fatal("git merged without a conflict")
	}
	g.wantChanged("modified a")
}

func TestUnborn(t *testing.T) {
	g := newGit(t)
	if got := treeOf(t, g.open()).Names; len(got) != 0 {
		t.Errorf("%q", got)
	}
	g.write("a", "1")
	if got := treeOf(t, g.open()).Names; !slices.Equal(got, []string{"a"}) {
		t.Errorf("%q", got)
	}
	if _, err := g.open().Commit("HEAD"); err == nil {
		t.Error("there is no commit")
	}
}

func TestIgnoreCase(t *testing.T) {
	g := newGit(t)
	g.write("Main.tf", "1").commit()
	if err := os.Rename(filepath.Join(g.dir, "Main.tf"), filepath.Join(g.dir, "main.tf")); err != nil {
		t.Fatal(err)
	}
	g.wantChanged("renamed Main.tf -> main.tf")
	g.git("config", "core.ignorecase", "true")
	g.wantChanged()
}
