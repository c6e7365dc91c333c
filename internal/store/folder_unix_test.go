//go:build unix

package store

import (
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
)

// What is in a store is for its owner alone, whatever the umask.
func TestFolderModes(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	s, dir := openTemp(t)
	if err := s.Put(t.Context(), "rescued/unit/1.tfstate", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if err := s.PutNew(t.Context(), "keys/new", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if err := writeNew(filepath.Join(dir, "keys", "plain"), []byte("secret")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %o", name, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
