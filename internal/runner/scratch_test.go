package runner

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// old makes the folder around a temporary one as old as what a sweep looks at.
func old(t *testing.T, dir string) {
	t.Helper()
	then := time.Now().Add(-2 * time.Minute)
	if err := os.Chtimes(filepath.Join(dir, "lock"), then, then); err != nil {
		t.Fatal(err)
	}
}

// missing says whether there is no such file.
func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, os.ErrNotExist)
}

func TestTempFolder(t *testing.T) {
	private(t)
	dir, remove, err := TempFolder()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%s: %v, %v", dir, info, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("it begins with %v, %v", entries, err)
	}
	writeFile(t, filepath.Join(dir, "lock"), "a file of the repository")
	if err := remove(); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(os.TempDir()); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

// TestTempFolderOfKilled: the next run removes what a killed one has left, and
// nothing of one that lives.
func TestTempFolderOfKilled(t *testing.T) {
	private(t)
	said := filepath.Join(t.TempDir(), "said")
	p := start(t, "hold-temporary", said).held(t)
	text, err := os.ReadFile(said)
	if err != nil {
		t.Fatal(err)
	}
	dir := string(text)
	old(t, filepath.Dir(dir))
	next := func() {
		h, err := NewHost(HostOptions{Root: t.TempDir(), Environ: os.Environ()})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
	next()
	if missing(filepath.Join(dir, "main.tf")) {
		t.Fatal("it is removed while its owner lives")
	}
	p.kill(t)
	next()
	if entries, err := os.ReadDir(os.TempDir()); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

// TestSweepFollowsNoLink: another user may put a link beside our folders.
func TestSweepFollowsNoLink(t *testing.T) {
	private(t)
	victim := t.TempDir()
	writeFile(t, filepath.Join(victim, "lock"), "")
	writeFile(t, filepath.Join(victim, "precious"), "")
	old(t, victim)
	if err := os.Symlink(victim, filepath.Join(os.TempDir(), scratchPrefix+"link")); err != nil {
		t.Skip("needs symbolic links:", err)
	}
	sweep(os.TempDir())
	for _, name := range []string{"lock", "precious"} {
		if missing(filepath.Join(victim, name)) {
			t.Errorf("%s is removed", name)
		}
	}
}
