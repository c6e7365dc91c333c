package affected

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	g := newGit(t)
	first := g.write("a", "1").commit()
	g.git("tag", "light")
	second := g.write("a", "2").commit()
	g.git("tag", "-a", "-m", "x", "annotated")
	g.git("tag", "-a", "-m", "x", "nested", "annotated")
	g.git("checkout", "-q", "-b", "feature/x", "light")
	side := g.write("b", "1").commit()
	g.git("checkout", "-q", "main")
	g.git("merge", "-q", "--no-ff", "-m", "merge", "feature/x")
	merge := g.git("rev-parse", "HEAD")
	g.git("update-ref", "refs/remotes/origin/main", second)
	g.git("update-ref", "refs/remotes/origin/only-remote", first)

	check := func(t *testing.T) {
		r := g.open()
		for rev, want := range map[string]string{
			"HEAD": merge, "@": merge, "main": merge, "refs/heads/main": merge, "heads/main": merge,
			"feature/x": side, "light": first, "annotated": second, "nested": second, "tags/annotated": second,
			"annotated^{}": second, "annotated^{commit}": second, "annotated~1": first,
			"origin/main": second, "refs/remotes/origin/main": second, "only-remote": first,
			"HEAD^": second, "HEAD^1": second, "HEAD^2": side, "HEAD~": second, "HEAD~2": first, "HEAD~0": merge,
			"HEAD^2~1": first, "HEAD^^": first, "HEAD^0": merge,
			merge: merge, merge[:8]: merge, side[:12] + "^": first,
		} {
			got, err := r.Resolve(rev)
			if got != want || err != nil {
				t.Errorf("Resolve(%q) = %q, %v, not %q", rev, got, err, want)
			}
		}
	}
	t.Run("loose", check)
	g.git("pack-refs", "--all")
	g.git("gc", "-q")
	t.Run("packed", check)
}

func TestResolveErrors(t *testing.T) {
	g := newGit(t)
	commit := g.write("a", "1").commit()
	blob := g.git("rev-parse", "HEAD:a")
	const gone = "1234567890123456789012345678901234567890"
	r := g.open()
	for _, test := range []struct {
		rev, want string
		kind      error
	}{
		{zeros, zeros + " is no commit: this is what a CI calls the commit before the first push of a branch. " +
			"Compare with the branch that it came from (--base origin/main)", ErrZeroCommit},
		{gone, "there is no commit " + gone + " in this repository: a force push has replaced it, or it was never fetched. " +
			"Compare with a branch instead (--base origin/main)", ErrUnknownCommit},
		{"12345678", "there is no commit 12345678 in this repository: a force push has replaced it, or it was never fetched. " +
			"Compare with a branch instead (--base origin/main)", ErrUnknownCommit},
		{"origin/main", "there is no branch origin/main in this clone: fetch it with git fetch origin main:refs/remotes/origin/main", ErrUnknownCommit},
		{"topic", "there is no commit, branch or tag topic in this repository; a branch that was not fetched: " +
			"git fetch origin topic:refs/remotes/origin/topic", ErrUnknownCommit},
		{"HEAD~1", "HEAD~1 does not exist: " + commit + " has 0 parents", ErrUnknownCommit},
		{"HEAD^2", "HEAD^2 does not exist: " + commit + " has 0 parents", ErrUnknownCommit},
		{blob, blob + " is a blob, not a commit", ErrUnknownCommit},
	} {
		_, err := r.Resolve(test.rev)
		if err == nil || err.Error() != test.want || !errors.Is(err, test.kind) {
			t.Errorf("Resolve(%q): %v\nnot %s", test.rev, err, test.want)
		}
		var revision *RevisionError
		if errors.As(err, &revision); revision == nil || revision.Rev != test.rev {
			t.Errorf("Resolve(%q): no RevisionError: %v", test.rev, err)
		}
	}
	for _, rev := range []string{"", "HEAD~x", "a..b", "@{u}", ":/text", "HEAD:a", "../../etc", "refs/heads", "-x", "a b", "^", "~1"} {
		if id, err := r.Resolve(rev); !errors.Is(err, ErrUnknownCommit) {
			t.Errorf("Resolve(%q) = %q, %v", rev, id, err)
		}
	}
}

const fetchText = "Fetch the whole history. GitHub Actions: actions/checkout with fetch-depth: 0. " +
	`GitLab CI: the variable GIT_DEPTH: "0". Azure Pipelines: a checkout step with fetchDepth: 0. ` +
	"By hand: git fetch --unshallow"

func TestShallow(t *testing.T) {
	g := newGit(t)
	var ids []string
	for i := range 6 {
		ids = append(ids, g.write("a", fmt.Sprint(i)).commit())
	}
	g.git("checkout", "-q", "-b", "feature", ids[1])
	feature := g.write("b", "1").commit()

	t.Run("one commit", func(t *testing.T) {
		c := g.clone("--depth", "1", "--branch", "main")
		r := c.open()
		if got := snapshotAt(t, r, "HEAD"); got.Commit != ids[5] {
			t.Errorf("HEAD is %s", got.Commit)
		}
		for rev, want := range map[string]string{
			ids[4]: ids[4] + " is not in this clone, which is shallow: it holds 1 commit of HEAD's history. " + fetchText,
			"HEAD~1": "HEAD~1 is not in this clone, which is shallow: it holds 1 commit of HEAD's history. " +
				fetchText,
			"origin/feature": "origin/feature is not in this clone, which is shallow: it holds 1 commit of HEAD's history. " +
				fetchText + "; and the branch: git fetch origin feature:refs/remotes/origin/feature",
		} {
			if _, err := r.Resolve(rev); !errors.Is(err, ErrShallow) || err.Error() != want {
				t.Errorf("Resolve(%q): %v\nnot %s", rev, err, want)
			}
		}
		if _, err := r.Resolve(zeros); !errors.Is(err, ErrZeroCommit) {
			t.Errorf("zeros: %v", err)
		}
	})
	t.Run("no merge base", func(t *testing.T) {
		c := g.clone("--depth", "2", "--no-single-branch")
		_, err := c.open().MergeBase("origin/main", "origin/feature")
		want := "no merge base of origin/main and origin/feature in this clone, which is shallow: " +
			"it holds 2 commits of HEAD's history. " + fetchText
		if !errors.Is(err, ErrShallow) || err.Error() != want {
			t.Errorf("%v\nnot %s", err, want)
		}
	})
	t.Run("deep enough", func(t *testing.T) {
		c := g.clone("--depth", "5", "--no-single-branch")
		got, err := c.open().MergeBase("origin/main", feature)
		if got != ids[1] || err != nil {
			t.Errorf("merge base %s, %v, not %s", got, err, ids[1])
		}
	})
}

func TestMergeBase(t *testing.T) {
	g := newGit(t)
	base := g.write("a", "1").commit()
	g.git("checkout", "-q", "-b", "left")
	left := g.write("l", "1").commit()
	g.git("checkout", "-q", "-b", "right", base)
	right := g.write("r", "1").commit()
	// Criss-cross: two bases.
	g.git("checkout", "-q", "left")
	g.git("merge", "-q", "-m", "x", right)
	g.git("checkout", "-q", "right")
	g.git("merge", "-q", "-m", "x", left)
	g.write("r", "2").commit()
	g.git("checkout", "-q", "--orphan", "other")
	g.commit()

	r := g.open()
	for _, test := range []struct{ a, b, want string }{
		{"main", "left", base},
		{"left", "main", base},
		{"left", "left", g.git("rev-parse", "left")},
		{left, right, base},
		{"left", "right", right}, // the newer one
		{"right", "left", right},
		{"right~1", "right", g.git("rev-parse", "right~1")},
	} {
		got, err := r.MergeBase(test.a, test.b)
		if got != test.want || err != nil {
			t.Errorf("MergeBase(%s, %s) = %s, %v, not %s", test.a, test.b, got, err, test.want)
		}
	}
	_, err := r.MergeBase("main", "other")
	want := "main and other have no common history, so nothing tells which files one changed: " +
		"compare with a commit that is an ancestor of other (--base)"
	if !errors.Is(err, ErrNoMergeBase) || err.Error() != want {
		t.Errorf("%v\nnot %s", err, want)
	}
}

// Random histories, clocks that go backwards among them: git's answer is ours.
func TestMergeBaseLikeGit(t *testing.T) {
	g := newGit(t)
	g.write("a", "1").commit()
	tree := g.git("rev-parse", "HEAD^{tree}")
	random := rand.New(rand.NewPCG(1, 2))
	for range 6 {
		var ids []string
		for i := range 25 {
			args := []string{"commit-tree", tree, "-m", fmt.Sprint(i, random.Int64())}
			for _, p := range random.Perm(len(ids))[:min(len(ids), random.IntN(3))] {
				if p >= len(ids)-8 {
					args = append(args, "-p", ids[p])
				}
			}
			g.clock += random.Int64N(20) - 5
			ids = append(ids, g.git(args...))
		}
		g.git("update-ref", "refs/heads/tip", ids[len(ids)-1])
		r := g.open()
		for range 15 {
			a, b := ids[random.IntN(len(ids))], ids[random.IntN(len(ids))]
			want := strings.Fields(g.git("log", "-1", "--format=", a) + mergeBases(g, a, b))
			got, err := r.MergeBase(a, b)
			if len(want) == 0 {
				if !errors.Is(err, ErrNoMergeBase) {
					t.Errorf("MergeBase(%s, %s) = %s, %v; git finds none", a, b, got, err)
				}
			} else if !slices.Contains(want, got) {
				t.Errorf("MergeBase(%s, %s) = %s, %v; git finds %v", a, b, got, err, want)
			}
		}
	}
}

func mergeBases(g *gitRepo, a, b string) string {
	if g.git("rev-list", "--count", a, "--not", b) == g.git("rev-list", "--count", a) &&
		g.git("rev-list", "--count", b, "--not", a) == g.git("rev-list", "--count", b) {
		return ""
	}
	return g.git("merge-base", "--all", a, b)
}

func TestHead(t *testing.T) {
	g := newGit(t)
	check := func(commit, branch string) {
		t.Helper()
		gotCommit, gotBranch, err := g.open().Head()
		if gotCommit != commit || gotBranch != branch || err != nil {
			t.Errorf("Head() = %q, %q, %v, not %q, %q", gotCommit, gotBranch, err, commit, branch)
		}
	}
	check("", "main")
	first := g.write("a", "1").commit()
	check(first, "main")
	g.git("checkout", "-q", "-b", "feature/x")
	check(first, "feature/x")
	g.git("pack-refs", "--all")
	check(first, "feature/x")
	g.git("checkout", "-q", "--detach")
	check(first, "")
	g.git("tag", "v1")
	g.git("checkout", "-q", "v1")
	check(first, "")
}

func TestOpen(t *testing.T) {
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNoRepository) || !strings.HasSuffix(err.Error(), " is in no git repository") {
		t.Errorf("no repository: %v", err)
	}

	g := newGit(t)
	first := g.write("sub/dir/a", "1", "b", "1", "sub/.gitignore", "x\n").commit()
	g.write("sub/dir/a", "2", "b", "2", "sub/dir/x", "ignored", "sub/y", "new")

	t.Run("sub-folder", func(t *testing.T) {
		r := openAt(t, filepath.Join(g.dir, "sub"))
		if r.Root() != filepath.Join(g.dir, "sub") || r.Prefix() != "sub" {
			t.Errorf("root %s, prefix %s", r.Root(), r.Prefix())
		}
		got := lines(Diff(snapshotAt(t, r, "HEAD"), treeOf(t, r)))
		if want := []string{"modified dir/a", "added y"}; !slices.Equal(got, want) {
			t.Errorf("%q, not %q", got, want)
		}
		deeper := openAt(t, filepath.Join(g.dir, "sub", "dir"))
		if got, want := treeOf(t, deeper).Names, []string{"a"}; !slices.Equal(got, want) {
			t.Errorf("%q, not %q", got, want)
		}
	})
	t.Run("through a link", func(t *testing.T) {
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(filepath.Join(g.dir, "sub"), link); err != nil {
			t.Fatal(err)
		}
		if r := openAt(t, link); r.Prefix() != "sub" {
			t.Errorf("prefix %s", r.Prefix())
		}
	})
	t.Run("bare", func(t *testing.T) {
		c := g.clone("--bare")
		r := c.open()
		if got := snapshotAt(t, r, "main"); got.Commit != first {
			t.Errorf("main is %s", got.Commit)
		}
		if _, err := r.WorkingTree(); err == nil || !strings.HasSuffix(err.Error(), "is a bare repository: it has no working tree") {
			t.Errorf("%v", err)
		}
	})
	t.Run("worktree", func(t *testing.T) {
		dir := filepath.Join(realPath(t, t.TempDir()), "wt")
		g.git("worktree", "add", "-q", "-b", "elsewhere", dir)
		w := &gitRepo{t: t, dir: dir, clock: g.clock}
		second := w.write("b", "worktree").commit()
		w.write("new", "1")
		r := w.open()
		commit, branch, err := r.Head()
		if commit != second || branch != "elsewhere" || err != nil {
			t.Errorf("Head() = %s, %s, %v", commit, branch, err)
		}
		if got, want := lines(Diff(snapshotAt(t, r, "main"), treeOf(t, r))), []string{"modified b", "added new"}; !slices.Equal(got, want) {
			t.Errorf("%q, not %q", got, want)
		}
		g.git("worktree", "lock", dir)
		if err := os.Rename(filepath.Join(g.dir, ".git", "worktrees"), filepath.Join(g.dir, ".git", "gone")); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "a worktree or submodule needs the repository that it belongs to beside it") {
			t.Errorf("without its repository: %v", err)
		}
	})
	t.Run("alternates", func(t *testing.T) {
		c := &gitRepo{t: t, dir: filepath.Join(realPath(t, t.TempDir()), "clone"), clock: g.clock}
		g.git("clone", "-q", "--shared", g.dir, c.dir)
		if got := snapshotAt(t, c.open(), "HEAD"); got.Commit != first {
			t.Errorf("HEAD is %s", got.Commit)
		}
		alternates := filepath.Join(c.dir, ".git", "objects", "info", "alternates")
		relative, err := filepath.Rel(filepath.Join(c.dir, ".git", "objects"), filepath.Join(g.dir, ".git", "objects"))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, alternates, "# a comment\n"+relative+"\n")
		if got := snapshotAt(t, c.open(), "HEAD"); got.Commit != first {
			t.Errorf("HEAD is %s", got.Commit)
		}
		writeFile(t, alternates, "/does/not/exist\n")
		if _, err := Open(c.dir); err == nil || !strings.Contains(err.Error(), "mount it too, or make the clone whole with git repack -ad") {
			t.Errorf("a missing alternate: %v", err)
		}
	})
	t.Run("sha256", func(t *testing.T) {
		dir := t.TempDir()
		g.git("init", "-q", "--object-format=sha256", dir)
		if _, err := Open(dir); err == nil || !strings.HasSuffix(err.Error(), "its objects are named by sha256; only SHA-1 is supported") {
			t.Errorf("%v", err)
		}
	})
	t.Run("reftable", func(t *testing.T) {
		c := g.clone()
		c.git("config", "core.repositoryformatversion", "1")
		writeFile(t, filepath.Join(c.dir, ".git", "config"), "[core]\n\trepositoryformatversion = 1\n[extensions]\n\trefStorage = reftable\n")
		if _, err := Open(c.dir); err == nil || !strings.Contains(err.Error(), "git refs migrate --ref-format=files") {
			t.Errorf("%v", err)
		}
	})
}

func writeFile(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
