package affected

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// repository makes one with n commits and returns the newest.
func repository(t *testing.T, n int) (dir string, repo *git.Repository, head string) {
	t.Helper()
	dir = t.TempDir()
	repo, err := git.PlainInit(dir, false)
	check(t, err)
	for i := range n {
		head = commit(t, dir, repo, fmt.Sprint(i))
	}
	return dir, repo, head
}

func commit(t *testing.T, dir string, repo *git.Repository, content string) string {
	t.Helper()
	write(t, filepath.Join(dir, "file"), content)
	tree, err := repo.Worktree()
	check(t, err)
	_, err = tree.Add("file")
	check(t, err)
	id, err := tree.Commit("commit "+content, &git.CommitOptions{Author: &object.Signature{Name: "n", Email: "e", When: time.Unix(0, 0)}})
	check(t, err)
	return id.String()
}

func write(t *testing.T, path, content string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(content), 0o644))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// headOf is the commit that the checkout around a folder is at, "" where there is
// none.
func headOf(dir string) (string, error) {
	r, err := Open(dir)
	if errors.Is(err, ErrNoRepository) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	id, _, err := r.Head()
	return id, errors.Join(err, r.Close())
}

// is compares the commit of a folder.
func is(t *testing.T, dir, want string) {
	t.Helper()
	got, err := headOf(dir)
	if err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestCommit(t *testing.T) {
	dir, _, head := repository(t, 2)
	is(t, dir, head)
	below := filepath.Join(dir, "regions", "us-east-1")
	check(t, os.MkdirAll(below, 0o755))
	is(t, below, head)
}

func TestCommitRelativeFolder(t *testing.T) {
	dir, _, head := repository(t, 1)
	check(t, os.MkdirAll(filepath.Join(dir, "a"), 0o755))
	t.Chdir(filepath.Join(dir, "a"))
	is(t, ".", head)
}

func TestCommitNone(t *testing.T) {
	is(t, t.TempDir(), "")
	dir, _, _ := repository(t, 0)
	is(t, dir, "")
}

func TestCommitDetached(t *testing.T) {
	dir, repo, head := repository(t, 2)
	tree, err := repo.Worktree()
	check(t, err)
	ref, err := repo.Head()
	check(t, err)
	newest, err := repo.CommitObject(ref.Hash())
	check(t, err)
	check(t, tree.Checkout(&git.CheckoutOptions{Hash: newest.ParentHashes[0]}))
	is(t, dir, newest.ParentHashes[0].String())
	if head == newest.ParentHashes[0].String() {
		t.Error("both commits are the same")
	}
}

// TestCommitPacked: references that git gc has packed into one file.
func TestCommitPacked(t *testing.T) {
	dir, repo, head := repository(t, 1)
	ref, err := repo.Head()
	check(t, err)
	check(t, os.Remove(filepath.Join(dir, ".git", filepath.FromSlash(ref.Name().String()))))
	is(t, dir, "")
	write(t, filepath.Join(dir, ".git", "packed-refs"), "# pack-refs with: peeled fully-peeled sorted \n"+head+" "+ref.Name().String()+"\n")
	is(t, dir, head)
}

// TestCommitWorktree: what git worktree add makes, .git being a file.
func TestCommitWorktree(t *testing.T) {
	dir, repo, _ := repository(t, 1)
	first := commit(t, dir, repo, "other")
	commit(t, dir, repo, "main goes on")
	of := filepath.Join(dir, ".git", "worktrees", "wt")
	write(t, filepath.Join(dir, ".git", "refs", "heads", "other"), first+"\n")
	write(t, filepath.Join(of, "HEAD"), "ref: refs/heads/other\n")
	write(t, filepath.Join(of, "commondir"), "../..\n")
	tree := t.TempDir()
	write(t, filepath.Join(tree, ".git"), "gitdir: "+of+"\n")
	is(t, tree, first)

	relative := filepath.Join(dir, "nested")
	write(t, filepath.Join(relative, ".git"), "gitdir: ../.git/worktrees/wt\n")
	is(t, relative, first)
}

// TestCommitExtensions: `git sparse-checkout` and partial clones set these.
func TestCommitExtensions(t *testing.T) {
	for _, extension := range []string{"worktreeConfig = true", "partialClone = origin"} {
		for _, version := range []string{"0", "1"} {
			t.Run(extension+" "+version, func(t *testing.T) {
				dir, _, head := repository(t, 1)
				write(t, filepath.Join(dir, ".git", "config"), "[core]\n\trepositoryformatversion = "+version+"\n\tbare = false\n[extensions]\n\t"+extension+"\n")
				is(t, dir, head)
			})
		}
	}
}

func TestCommitUnreadable(t *testing.T) {
	for name, test := range map[string]struct {
		file, content string
		want          string
	}{
		"a .git that says nothing":   {".git", "nonsense\n", "does not name a folder"},
		"a .git that leads nowhere":  {".git", "gitdir: /none/there\n", ""},
		"references as one table":    {".git/reftable/tables.list", "", "reftable"},
		"a HEAD that is none of git": {".git/HEAD", "<html>", "read HEAD"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if strings.Contains(test.file, "/") {
				_, err := git.PlainInit(dir, false)
				check(t, err)
			}
			write(t, filepath.Join(dir, filepath.FromSlash(test.file)), test.content)
			got, err := headOf(dir)
			if got != "" || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %q, %v; want an error with %q", got, err, test.want)
			}
		})
	}
}
