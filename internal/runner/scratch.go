package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// scratch is the folder, outside the repository, of one runner's private
// files. A runner that was killed cannot remove its own: the next one does,
// which is why each is locked while its owner lives.
type scratch struct {
	dir  string
	lock *flock.Flock
}

const scratchPrefix = "strata-run-"

func newScratch(parent string) (*scratch, error) {
	sweep(parent)
	dir, err := os.MkdirTemp(parent, scratchPrefix) // mode 0700
	if err != nil {
		return nil, fmt.Errorf("private folder for this run: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	if _, err := lock.TryLock(); err != nil {
		return nil, errors.Join(fmt.Errorf("private folder for this run: %w", err), os.RemoveAll(dir))
	}
	return &scratch{dir: dir, lock: lock}, nil
}

// folder makes a folder for one workspace.
func (s *scratch) folder() (string, error) { return os.MkdirTemp(s.dir, "unit-") }

func (s *scratch) close() error {
	return errors.Join(s.lock.Close(), os.RemoveAll(s.dir))
}

// sweep removes what killed runs left, as far as it is ours.
func sweep(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), scratchPrefix) {
			continue
		}
		dir := filepath.Join(parent, entry.Name())
		path := filepath.Join(dir, "lock")
		info, err := os.Stat(path)
		if err != nil || time.Since(info.ModTime()) < time.Minute {
			continue // another user's, or one that is just being made
		}
		lock := flock.New(path)
		if ok, err := lock.TryLock(); ok && err == nil {
			_ = os.RemoveAll(dir) // another sweep may be at it
		}
		_ = lock.Close()
	}
}
