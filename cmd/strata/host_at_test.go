package main

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/runner"
)

// TestHostAt: the files are in a folder that is held while they are in use; what
// a run that was killed has left of them is removed by the next one.
func TestHostAt(t *testing.T) {
	tmp := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP"} {
		t.Setenv(name, tmp)
	}
	files, err := affected.SnapshotOf(fstest.MapFS{"a/main.tf": {Data: []byte("# a\n")}, "lock": {Data: []byte("b\n")}})
	if err != nil {
		t.Fatal(err)
	}
	host, done, err := hostAt(os.Environ(), "")(files)
	if err != nil {
		t.Fatal(err)
	}
	w, err := host.Open(t.Context(), runner.Spec{ID: "u"})
	if err != nil {
		t.Fatal(err)
	}
	root := w.SourcePath(".")
	got := make(map[string]string)
	for _, name := range files.Names {
		data, err := w.ReadSource(t.Context(), name)
		if err != nil {
			t.Error(err)
		}
		got[name] = string(data)
	}
	if diff := cmp.Diff(map[string]string{"a/main.tf": "# a\n", "lock": "b\n"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	left := filepath.Join(filepath.Dir(filepath.Dir(root)), filepath.Base(filepath.Dir(root))+"-killed")
	if err := os.CopyFS(left, os.DirFS(filepath.Dir(root))); err != nil { // nobody holds the copy
		t.Fatal(err)
	}
	for _, dir := range []string{left, filepath.Dir(root)} {
		then := time.Now().Add(-time.Hour)
		if err := os.Chtimes(filepath.Join(dir, "lock"), then, then); err != nil {
			t.Fatal(err)
		}
	}
	_, alsoDone, err := hostAt(os.Environ(), "")(files) // the next run
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the killed run's is left: %v", err)
	}
	if _, err := w.ReadSource(t.Context(), "a/main.tf"); err != nil {
		t.Errorf("the living run's is removed: %v", err)
	}
	for _, end := range []func() error{w.Close, done, alsoDone} {
		if err := end(); err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(tmp); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}
