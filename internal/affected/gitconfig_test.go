package affected

import (
	"os"
	"path/filepath"
	"testing"
)

func TestGitConfig(t *testing.T) {
	g := newGit(t)
	home := os.Getenv("HOME")
	writeFile(t, filepath.Join(home, ".gitconfig"), "[core]\n\tautocrlf = true\n\tExcludesFile = \"~/a b\" ; comment\n[include]\n\tpath = more\n"+
		"[includeIf \"gitdir:~/x/\"]\n\tpath = never\n[alias]\n\tx = \"!f() { git log \\\"$1\\\"; }; f\"\n")
	writeFile(t, filepath.Join(home, "more"), "[core]\n\ttrustctime = false\n")
	writeFile(t, filepath.Join(home, "never"), "[core]\n\ttrustctime = true\n")
	// What CI vendors write.
	for _, pair := range [][2]string{
		{"http.https://github.com/.extraheader", "AUTHORIZATION: basic eDpz"},
		{"url.https://x:y@example.com/.insteadOf", "git@example.com:"},
		{"remote.origin.fetch", "+refs/pull/*/merge:refs/remotes/pull/*"},
		{"core.autocrlf", "input"},
		{"branch.a\"b.merge", "refs/heads/x"},
		{"core.sshCommand", `"C:\Program Files\ssh.exe" -i "a b"`},
		{"gc.auto", "0"},
	} {
		g.git("config", pair[0], pair[1])
	}
	if err := os.WriteFile(filepath.Join(g.dir, ".git", "config"),
		append(must(os.ReadFile(filepath.Join(g.dir, ".git", "config"))), "[core]\n\tignorecase\n[extensions]\n\tworktreeConfig = true\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(g.dir, ".git", "config.worktree"), "[core]\n\tsymlinks = off\n")
	c := g.open().config
	for key, want := range map[string]string{"core.autocrlf": "input", "core.excludesfile": "~/a b", "gc.auto": "0"} {
		if got := c.get(key); got != want {
			t.Errorf("%s = %q, not %q", key, got, want)
		}
	}
	for key, want := range map[string]bool{"core.trustctime": false, "core.ignorecase": true, "core.symlinks": false, "gc.auto": false, "core.filemode": true} {
		if got := c.boolean(key, !want); got != want {
			t.Errorf("%s = %v", key, got)
		}
	}
	writeFile(t, filepath.Join(home, ".gitconfig"), "[broken\n")
	if c := g.open().config; c.get("core.autocrlf") != "input" {
		t.Error("a broken file of the user hides the repository's own")
	}
}
