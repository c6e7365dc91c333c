package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const key = "rescued/clients+mtn-ghana@us-east-1@staging/20260101T120000.000Z.tfstate"

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) {
	ctx, s := t.Context(), Open(filepath.Join(t.TempDir(), "a", "store"))
	for name, content := range map[string]string{key: "first", "rescued/x/b": "b", "rescued/x/a": "\x00\xff", "other": ""} {
		check(t, s.Put(ctx, name, []byte(content)))
	}
	check(t, s.Put(ctx, key, []byte("second")))
	if got, err := s.Get(ctx, key); err != nil || string(got) != "second" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := s.Get(ctx, "rescued/x/a"); err != nil || string(got) != "\x00\xff" {
		t.Errorf("binary: got %q, %v", got, err)
	}
	for prefix, want := range map[string][]string{
		"":                   {"other", key, "rescued/x/a", "rescued/x/b"},
		"rescued/x/":         {"rescued/x/a", "rescued/x/b"},
		"rescued/clients+mt": {key},
		"none/":              nil,
	} {
		if got, err := s.List(ctx, prefix); err != nil || !cmp.Equal(got, want) {
			t.Errorf("list %q: got %q, %v; want %q", prefix, got, err, want)
		}
	}
	check(t, s.Delete(ctx, key))
	if _, err := s.Get(ctx, key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read what was removed: %v", err)
	}
	if got, err := s.List(ctx, "rescued/clients"); err != nil || len(got) != 0 {
		t.Errorf("list after it was removed: %q, %v", got, err)
	}
	if err := s.Delete(ctx, key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("remove it again: %v", err)
	}
}

// TestStorePrivate: states hold secrets.
func TestStorePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	root := filepath.Join(t.TempDir(), "store")
	check(t, Open(root).Put(t.Context(), key, []byte("secret")))
	check(t, Open(root).Put(t.Context(), key, []byte("again")))
	files := 0
	check(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		check(t, err)
		info, err := d.Info()
		check(t, err)
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
		return nil
	}))
	if files != 1 {
		t.Errorf("%d files", files)
	}
}

// TestStoreUntouched: looking makes no folder.
func TestStoreUntouched(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	s := Open(root)
	if keys, err := s.List(t.Context(), ""); err != nil || keys != nil {
		t.Errorf("list: %q, %v", keys, err)
	}
	if _, err := s.Get(t.Context(), "x"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "read x") {
		t.Errorf("read: %v", err)
	}
	if err := s.Delete(t.Context(), "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("remove: %v", err)
	}
	if _, err := os.Stat(root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
}

func TestStoreUnusable(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	check(t, os.WriteFile(root, nil, 0o600))
	s := Open(root)
	for name, err := range map[string]error{
		"put": s.Put(t.Context(), "x", nil), "list": func() error { _, err := s.List(t.Context(), ""); return err }(),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "store "+root+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStoreKeys: no key leads out of the store.
func TestStoreKeys(t *testing.T) {
	root := t.TempDir()
	s := Open(filepath.Join(root, "store"))
	for _, name := range []string{"../out", "a/../../out", "/out"} {
		check(t, s.Put(t.Context(), name, []byte("x")))
		if got, err := s.Get(t.Context(), name); err != nil || string(got) != "x" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	entries, err := os.ReadDir(root)
	check(t, err)
	if len(entries) != 1 {
		t.Errorf("files beside the store: %v", entries)
	}
}
