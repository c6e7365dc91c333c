package runner

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// likeAUser has the test's thread obey permissions, which root need not.
func likeAUser(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var before [2]unix.CapUserData
	if err := unix.Capget(&head, &before[0]); err != nil {
		t.Fatal(err)
	}
	without := before
	without[0].Effective &^= 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH
	if err := unix.Capset(&head, &without[0]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Capset(&head, &before[0]); err != nil {
			t.Error(err)
		}
		runtime.UnlockOSThread()
	})
}

// closedTree makes folders with these permissions, one in the other, and a
// read-only file in each.
func closedTree(t *testing.T, dir string, perm os.FileMode) {
	t.Helper()
	inner := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	for at := inner; at != filepath.Dir(dir); at = filepath.Dir(at) {
		if err := os.WriteFile(filepath.Join(at, "file"), nil, 0o400); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(at, perm); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTempFolderPermissions: files and folders that lack permissions are removed
// like others, by their owner and by a sweep, and no file outside gets others.
func TestTempFolderPermissions(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, dir string, remove func() error){
		"removed": func(t *testing.T, _ string, remove func() error) {
			if err := remove(); err != nil {
				t.Error(err)
			}
		},
		"swept": func(t *testing.T, dir string, _ func() error) { // as if killed: the lock is released
			outer := filepath.Dir(dir)
			writeFile(t, filepath.Join(outer+"-dead", "lock"), "")
			old(t, outer+"-dead")
			if err := os.Rename(dir, filepath.Join(outer+"-dead", "files")); err != nil {
				t.Fatal(err)
			}
			sweep(os.TempDir())
			if !missing(outer + "-dead") {
				t.Error("it is left")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			private(t)
			outside := t.TempDir()
			if err := os.Chmod(outside, 0o500); err != nil {
				t.Fatal(err)
			}
			dir, remove, err := TempFolder()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = remove() })
			if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
			for _, perm := range []os.FileMode{0, 0o300, 0o400, 0o500} {
				closedTree(t, filepath.Join(dir, perm.String()), perm)
			}
			likeAUser(t)
			end(t, dir, remove)
			if !missing(dir) {
				t.Error("it is left")
			}
			if info, err := os.Stat(outside); err != nil || info.Mode().Perm() != 0o500 {
				t.Errorf("outside: %v, %v", info.Mode(), err)
			}
		})
	}
}
