package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDataFolderLock: of two Strata processes one waits, is told for whom, and
// goes on when the other has ended or was killed.
func TestDataFolderLock(t *testing.T) {
	for name, end := range map[string]func(*process, *testing.T){"ended": (*process).release, "killed": (*process).kill} {
		t.Run(name, func(t *testing.T) {
			h, root := newTestHost(t)
			holder := start(t, "hold-folder", root).held(t)
			waiting, ended := 0, make(chan struct{})
			w, err := h.Open(t.Context(), Spec{
				ID: "u", DataDir: "data", LockTimeout: 10 * time.Second,
				Waiting: func(words string) {
					waiting++
					want := fmt.Sprintf("another strata run on this machine (process %d since %d-", holder.Process.Pid, time.Now().UTC().Year())
					if !strings.HasPrefix(words, want) {
						t.Errorf("waits for %q, want %q", words, want)
					}
					go func() { end(holder, t); close(ended) }()
				},
			})
			<-ended
			if err != nil {
				t.Fatal(err)
			}
			if waiting != 1 {
				t.Errorf("told %d times", waiting)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDataFolderLockTimeout(t *testing.T) {
	h, root := newTestHost(t)
	holder := start(t, "hold-folder", root).held(t)
	_, err := h.Open(t.Context(), Spec{ID: "platform@r:staging", DataDir: "data", LockTimeout: 150 * time.Millisecond})
	if err == nil {
		t.Fatal("two processes use the folder")
	}
	before, after, _ := strings.Cut(err.Error(), " since ")
	if want := fmt.Sprintf("open platform@r:staging: another strata run on this machine (process %d", holder.Process.Pid); before != want {
		t.Errorf("got %q, want %q", before, want)
	}
	if want := ") works on it and did not end within 150ms: wait for it, or give a longer --lock-timeout"; !strings.HasSuffix(after, want) {
		t.Errorf("got %q, want %q", after, want)
	}
	if entries, err := os.ReadDir(h.scratch.dir); err != nil || len(entries) != 1 {
		t.Errorf("private folders are left: %v, %v", entries, err)
	}
}

func TestDataFolderLockCancelled(t *testing.T) {
	h, root := newTestHost(t)
	start(t, "hold-folder", root).held(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := h.Open(ctx, Spec{ID: "u", DataDir: "data", LockTimeout: time.Minute, Waiting: func(string) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestDataFolderLockFree: nobody waits for a lock that is free, also of another
// workspace of the same process before.
func TestDataFolderLockFree(t *testing.T) {
	h, _ := newTestHost(t)
	for range 2 {
		w, err := h.Open(t.Context(), Spec{ID: "u", DataDir: "a/data", Waiting: func(words string) { t.Errorf("waits for %s", words) }})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Errorf("closed twice: %v", err)
		}
	}
}

func TestScratchSweep(t *testing.T) {
	private(t)
	tmp := os.TempDir()
	// leftover makes the folder of a run that was killed.
	leftover := func(name string, age time.Duration) string {
		dir := filepath.Join(tmp, name)
		lock := filepath.Join(dir, "lock")
		writeFile(t, filepath.Join(dir, "unit-1", "values.tfvars.json"), "secret")
		writeFile(t, lock, "")
		then := time.Now().Add(-age)
		if err := os.Chtimes(lock, then, then); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dead := leftover(scratchPrefix+"dead", time.Hour)
	young := leftover(scratchPrefix+"young", 50*time.Second)
	others := leftover("strata-other", time.Hour)
	unmade := filepath.Join(tmp, scratchPrefix+"unmade") // not locked yet
	if err := os.Mkdir(unmade, 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, "hold-folder", t.TempDir()).held(t)
	living := ""
	entries, err := os.ReadDir(tmp)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if dir := filepath.Join(tmp, entry.Name()); strings.HasPrefix(entry.Name(), scratchPrefix) && dir != dead && dir != young && dir != unmade {
			living = dir
			then := time.Now().Add(-time.Hour)
			if err := os.Chtimes(filepath.Join(dir, "lock"), then, then); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := newScratch(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for dir, want := range map[string]bool{dead: false, young: true, living: true, others: true, unmade: true, s.dir: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", filepath.Base(dir), err == nil, want)
		}
	}
}

// TestScratchOfKilled: what a killed run has left is private, and is swept when
// it is old enough.
func TestScratchOfKilled(t *testing.T) {
	private(t)
	p := start(t, "hold-folder", t.TempDir()).held(t)
	p.kill(t)
	left, err := filepath.Glob(filepath.Join(os.TempDir(), scratchPrefix+"*"))
	if err != nil || len(left) != 1 {
		t.Fatalf("%v, %v", left, err)
	}
	then := time.Now().Add(-2 * time.Minute)
	if err := os.Chtimes(filepath.Join(left[0], "lock"), then, then); err != nil {
		t.Fatal(err)
	}
	sweep(os.TempDir())
	if _, err := os.Stat(left[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is left: %v", err)
	}
}

// TestDataFolderLockHolder: who holds the lock is said beside the locked file,
// which nobody else may read on Windows.
func TestDataFolderLockHolder(t *testing.T) {
	h, root := newTestHost(t)
	w, err := h.Open(t.Context(), Spec{ID: "u", DataDir: "data"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	lock := filepath.Join(root, "data", "strata.lock")
	words, err := os.ReadFile(lock + ".holder")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("process %d since ", os.Getpid()); !strings.HasPrefix(string(words), want) {
		t.Errorf("the holder is %q, want %q…", words, want)
	}
	info, err := os.Stat(lock)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != 0 {
		t.Errorf("the locked file holds %d bytes", info.Size())
	}
}
