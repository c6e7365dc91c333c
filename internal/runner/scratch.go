package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// TempFolder makes an empty folder, outside the repository, that only this user
// may enter; remove removes it, whatever permissions the files in it have. What
// a run that was killed has left is removed by the next runner or TempFolder,
// once it is a minute old.
func TempFolder() (dir string, remove func() error, err error) {
	s, err := newScratch(os.TempDir())
	if err != nil {
		return "", nil, err
	}
	dir = filepath.Join(s.dir, "files") // beside the lock: any name is free in it
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", nil, errors.Join(err, s.close())
	}
	return dir, s.close, nil
}

// scratch is the folder, outside the repository, of one owner's private files.
// One that was killed cannot remove its own: the next one does, which is why
// each is locked while its owner lives.
type scratch struct {
	dir  string
	lock *flock.Flock
}

const (
	scratchPrefix = "strata-run-"
	scratchLock   = "lock"
)

func newScratch(parent string) (*scratch, error) {
	sweep(parent)
	dir, err := os.MkdirTemp(parent, scratchPrefix) // mode 0700
	if err != nil {
		return nil, fmt.Errorf("private folder for this run: %w", err)
	}
	lock := flock.New(filepath.Join(dir, scratchLock), flock.SetPermissions(0o600))
	if _, err := lock.TryLock(); err != nil {
		return nil, errors.Join(fmt.Errorf("private folder for this run: %w", err), os.RemoveAll(dir))
	}
	return &scratch{dir: dir, lock: lock}, nil
}

// folder makes a folder for one workspace.
func (s *scratch) folder() (string, error) { return os.MkdirTemp(s.dir, "unit-") }

// close removes the folder. The lock goes last: what cannot be removed now is
// left to a sweep.
func (s *scratch) close() error {
	err := empty(s.dir)
	if err = errors.Join(err, s.lock.Close()); err != nil {
		return err
	}
	return os.RemoveAll(s.dir)
}

// sweep removes what killed runs left, as far as it is ours.
func sweep(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), scratchPrefix) && entry.IsDir() {
			sweepOne(filepath.Join(parent, entry.Name()))
		}
	}
}

// sweepOne removes a folder that nobody holds. It fails silently: another sweep
// may be at it.
func sweepOne(dir string) {
	path := filepath.Join(dir, scratchLock)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < time.Minute {
		return // another user's, or one that is just being made
	}
	lock := flock.New(path)
	ok, err := lock.TryLock()
	if ok && err == nil {
		err = empty(dir)
	}
	if _ = lock.Close(); ok && err == nil {
		_ = os.RemoveAll(dir)
	}
}

// empty removes all that is in a folder but its lock. It does nothing to what is
// outside, wherever links lead: another user may have made one of that name.
func empty(dir string) error {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	opened, err := root.Stat(".")
	if err != nil {
		return err
	}
	if !os.SameFile(info, opened) {
		return fmt.Errorf("%s is a link", dir)
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if entry.Name() != scratchLock {
			errs = append(errs, removeTree(root, entry.Name()))
		}
	}
	return errors.Join(errs...)
}

// removeTree removes a file or folder, and what is in it, although folders may
// lack the permissions for that.
func removeTree(root *os.Root, name string) error {
	if root.RemoveAll(name) == nil {
		return nil
	}
	_ = fs.WalkDir(root.FS(), name, func(path string, entry fs.DirEntry, _ error) error {
		if entry != nil && entry.IsDir() {
			_ = root.Chmod(path, 0o700) // before it is read; RemoveAll says what did not help
		}
		return nil
	})
	return root.RemoveAll(name)
}
