//go:build aliases

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// checkout is a real git repository on this machine, whose files a scripted
// engine can be given.
type checkout struct {
	t   *testing.T
	dir string
}

func newCheckout(t *testing.T) *checkout {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git on PATH")
	}
	c := &checkout{t: t, dir: t.TempDir()}
	c.git("init", "-q", "-b", "main")
	return c
}

func (c *checkout) git(args ...string) string {
	c.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=tests", "-c", "user.email=tests@example.com"}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// write makes the working tree these files, below a folder of it, and nothing
// else there.
func (c *checkout) write(below string, contents map[string]string) {
	c.t.Helper()
	root := filepath.Join(c.dir, below)
	entries, _ := os.ReadDir(root)
	for _, entry := range entries {
		if entry.Name() == ".git" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(root, entry.Name())); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := tree(contents).export(root); err != nil {
		c.t.Fatal(err)
	}
}

// commit commits the files, and returns the commit.
func (c *checkout) commit(contents map[string]string) string {
	c.t.Helper()
	c.write(".", contents)
	c.git("add", "-A")
	c.git("commit", "-q", "--allow-empty", "-m", "change")
	return c.git("rev-parse", "HEAD")
}

// files are what lies there, .git too.
func (c *checkout) files() files {
	c.t.Helper()
	found, err := diskFiles(c.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	return found
}

// here makes a checkout of the repository the one that dagger is called in, and
// the module for it.
func (f *fixture) here(c *checkout) *Strata {
	f.t.Helper()
	f.workspace = c.files()
	f.mu.Lock()
	f.nodes = make(map[string]*node) // as in another session, nothing is known of it
	f.mu.Unlock()
	s, err := New(f.t.Context(), dag.CurrentWorkspace(), nil, "staging")
	if err != nil {
		f.t.Fatal(err)
	}
	return s.WithSecret("db_password", dag.Secret("env://DB_PASSWORD"))
}
