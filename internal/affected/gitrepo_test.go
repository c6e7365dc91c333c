package affected

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// gitRepo is a repository that real git makes.
type gitRepo struct {
	t     testing.TB
	dir   string
	clock int64
}

// newGit makes an empty repository on the branch main. The user's own settings
// of git do not count.
func newGit(t testing.TB) *gitRepo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not there to make test repositories")
	}
	home := t.TempDir()
	if t, ok := t.(*testing.T); ok {
		t.Setenv("HOME", home)
		t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
		t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	}
	g := &gitRepo{t: t, dir: filepath.Join(realPath(t, t.TempDir()), "repo"), clock: 1_700_000_000}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	g.git("init", "-q", "-b", "main")
	g.git("config", "gc.auto", "0")
	return g
}

func realPath(t testing.TB, name string) string {
	t.Helper()
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		t.Fatal(err)
	}
	return real
}

// git runs git in the repository and returns what it wrote.
func (g *gitRepo) git(args ...string) string {
	g.t.Helper()
	out, err := g.try(args...)
	if err != nil {
		g.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimRight(out, "\n")
}

// try runs git where it may fail.
func (g *gitRepo) try(args ...string) (string, error) {
	g.clock++
	date := fmt.Sprintf("%d +0000", g.clock)
	cmd := exec.Command("git", args...)
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a",
		"GIT_COMMITTER_EMAIL=a@example.com", "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date,
		"GIT_ALLOW_PROTOCOL=file", "GIT_TERMINAL_PROMPT=0")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// write writes files: name, content, name, content.
func (g *gitRepo) write(pairs ...string) *gitRepo {
	g.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		full := filepath.Join(g.dir, filepath.FromSlash(pairs[i]))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			g.t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(pairs[i+1]), 0o644); err != nil {
			g.t.Fatal(err)
		}
	}
	return g
}

func (g *gitRepo) remove(name string) {
	g.t.Helper()
	if err := os.RemoveAll(filepath.Join(g.dir, name)); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gitRepo) symlink(target, name string) {
	g.t.Helper()
	full := filepath.Join(g.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Symlink(target, full); err != nil {
		g.t.Fatal(err)
	}
}

// commit commits all there is and returns the commit's id.
func (g *gitRepo) commit() string {
	g.t.Helper()
	g.git("add", "-A")
	g.git("commit", "-q", "--allow-empty", "-m", "change")
	return g.git("rev-parse", "HEAD")
}

// clone clones the repository into a new folder.
func (g *gitRepo) clone(args ...string) *gitRepo {
	g.t.Helper()
	dir := filepath.Join(realPath(g.t, g.t.TempDir()), "clone")
	g.git(append(append([]string{"clone", "-q"}, args...), "file://"+g.dir, dir)...)
	return &gitRepo{t: g.t, dir: dir, clock: g.clock}
}

// old makes all files older than the index, so that its times prove something.
func (g *gitRepo) old() {
	g.t.Helper()
	then := time.Now().Add(-time.Hour)
	err := filepath.WalkDir(g.dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(name, "/.git/") || d.Type()&os.ModeSymlink != 0 {
			return err
		}
		return os.Chtimes(name, then, then)
	})
	if err != nil {
		g.t.Fatal(err)
	}
	g.git("update-index", "-q", "--really-refresh")
}

func (g *gitRepo) open() *Repository {
	g.t.Helper()
	return openAt(g.t, g.dir)
}

func openAt(t testing.TB, dir string) *Repository {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func snapshotAt(t testing.TB, r *Repository, rev string) *Snapshot {
	t.Helper()
	s, err := r.Commit(rev)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func treeOf(t testing.TB, r *Repository) *Snapshot {
	t.Helper()
	s, err := r.WorkingTree()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lines renders changes: "renamed a -> b".
func lines(changes []Change) []string {
	var out []string
	for _, c := range changes {
		line := c.Kind + " " + c.Path
		if c.From != "" {
			line = c.Kind + " " + c.From + " -> " + c.Path
		}
		out = append(out, line)
	}
	return out
}

// pointerOf is what git-lfs stores for a content.
func pointerOf(content string) []byte {
	sum := sha256.Sum256([]byte(content))
	return pointer(sum[:], int64(len(content)))
}
