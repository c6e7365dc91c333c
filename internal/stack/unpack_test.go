package stack

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// packed writes an archive, and returns its name.
func packed(t *testing.T, headers ...tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := ""
		if h.Typeflag == tar.TypeReg {
			content = "content of " + h.Name
			h.Size = int64(len(content))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "archive.tar")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestUnpackKeepsWhatGitKnows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	err := Unpack(packed(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeDir, Name: "./a/", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeReg, Name: "./a/plain", Mode: 0o644},
		tar.Header{Typeflag: tar.TypeReg, Name: "./a/run", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "./a/link", Linkname: "run"},
		tar.Header{Typeflag: tar.TypeLink, Name: "./a/again", Linkname: "./a/run"},
	), dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"plain": 0o600, "run": 0o700, "again": 0o700} {
		info, err := os.Lstat(filepath.Join(dir, "a", name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != mode {
			t.Errorf("%s has the mode %s", name, info.Mode())
		}
	}
	if target, err := os.Readlink(filepath.Join(dir, "a", "link")); err != nil || target != "run" {
		t.Errorf("%q, %v", target, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "a", "again")); err != nil || string(text) != "content of ./a/run" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestUnpackWritesNothingElsewhere(t *testing.T) {
	for _, headers := range [][]tar.Header{
		{{Typeflag: tar.TypeReg, Name: "../out", Mode: 0o644}},
		{{Typeflag: tar.TypeSymlink, Name: "up", Linkname: ".."}, {Typeflag: tar.TypeReg, Name: "up/out", Mode: 0o644}},
		{{Typeflag: tar.TypeLink, Name: "out", Linkname: "../secret"}},
	} {
		above := t.TempDir()
		if err := os.WriteFile(filepath.Join(above, "secret"), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := Unpack(packed(t, headers...), filepath.Join(above, "new"))
		if err == nil || !strings.Contains(err.Error(), "escapes") {
			t.Errorf("%s: %v", headers[0].Name, err)
		}
		if _, err := os.Lstat(filepath.Join(above, "out")); err == nil {
			t.Errorf("%s is written", headers[0].Name)
		}
	}
}
