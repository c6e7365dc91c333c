// Package accuracy measures what `strata affected` misses and what it selects
// for nothing, against an oracle that shares no code with it: the files that
// Terraform itself opens, seen with strace. docs/accuracy.md has the numbers.
package accuracy

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tree is a working tree that mutations change. Its methods panic: every use of
// them is a step of a test that cannot go on.
type tree struct{ dir string }

func (t *tree) path(name string) string { return filepath.Join(t.dir, filepath.FromSlash(name)) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (t *tree) write(name, text string) {
	must(os.MkdirAll(filepath.Dir(t.path(name)), 0o755))
	must(os.WriteFile(t.path(name), []byte(text), 0o644))
}

func (t *tree) read(name string) string {
	text, err := os.ReadFile(t.path(name))
	must(err)
	return string(text)
}

// replace changes text in a file; the text must be there.
func (t *tree) replace(name, old, new string) {
	text := t.read(name)
	if !strings.Contains(text, old) {
		panic(fmt.Sprintf("%s does not contain %q", name, old))
	}
	t.write(name, strings.ReplaceAll(text, old, new))
}

func (t *tree) add(name, text string) { t.write(name, t.read(name)+text) }

func (t *tree) link(name, target string) {
	must(os.MkdirAll(filepath.Dir(t.path(name)), 0o755))
	if _, err := os.Lstat(t.path(name)); err == nil {
		must(os.Remove(t.path(name)))
	}
	must(os.Symlink(target, t.path(name)))
}

func (t *tree) remove(name string) {
	_, err := os.Lstat(t.path(name))
	must(err)
	must(os.RemoveAll(t.path(name)))
}

func (t *tree) rename(from, to string) {
	must(os.MkdirAll(filepath.Dir(t.path(to)), 0o755))
	must(os.Rename(t.path(from), t.path(to)))
}

func (t *tree) exists(name string) bool {
	_, err := os.Lstat(t.path(name))
	return err == nil
}

// flip changes the executable bit.
func (t *tree) flip(name string) {
	info, err := os.Stat(t.path(name))
	must(err)
	must(os.Chmod(t.path(name), info.Mode()^0o111))
}

// git runs git in the tree with a fixed identity, date and configuration.
func (t *tree) git(args ...string) string { return gitIn(t.dir, args...) }

func gitIn(dir string, args ...string) string {
	command := exec.Command("git", append([]string{
		"-c", "user.name=Nobody", "-c", "user.email=nobody@example.com", "-c", "commit.gpgsign=false",
		"-c", "core.autocrlf=false", "-c", "advice.addEmbeddedRepo=false", "-c", "gc.auto=0", "-c", "core.hooksPath=/dev/null",
	}, args...)...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_DATE=2024-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2024-01-02T03:04:05Z")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		panic(fmt.Sprintf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String()))
	}
	return string(out)
}

// commit records the whole tree and returns the commit.
func (t *tree) commit() string {
	t.git("add", "--all")
	t.git("commit", "--quiet", "--allow-empty", "--message", "change")
	return strings.TrimSpace(t.git("rev-parse", "HEAD"))
}

// reset takes the tree back to a commit, with the submodule.
func (t *tree) reset(commit string) {
	if t.exists(submodule + "/.git") {
		gitIn(t.path(submodule), "reset", "--quiet", "--hard", submoduleTag)
	}
	t.git("checkout", "--quiet", "--force", "main")
	t.git("reset", "--quiet", "--hard", commit)
	t.git("clean", "--quiet", "-ffdx", "--exclude", submodule)
}

// tracked lists the files that git has, sorted.
func (t *tree) tracked() []string {
	return strings.Split(strings.TrimSuffix(t.git("ls-files", "-z"), "\x00"), "\x00")
}

// changed lists the files that differ between two commits, or between one and
// the working tree.
func (t *tree) changed(base, head string) []string {
	args := []string{"diff", "--name-only", "--no-renames", "-z", base}
	if head != "" {
		args = append(args, head)
	}
	names := strings.Split(t.git(args...), "\x00")
	if head == "" {
		names = append(names, strings.Split(t.git("ls-files", "--others", "--exclude-standard", "-z"), "\x00")...)
	}
	var found []string
	for _, name := range names {
		if name != "" {
			found = append(found, name)
		}
	}
	return found
}

// copyTree makes another tree of the same files, git's included.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		info, err := entry.Info()
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case info.Mode()&fs.ModeSymlink != 0:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, info.Mode().Perm())
	})
}
