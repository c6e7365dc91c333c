package affected

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// SnapshotOf returns the snapshot of any file system, without git: all files in
// it, or those that are, or are below, one of the names that are given, with the
// ids that git would give them. What is named .git is left out. A name that does
// not exist has no files.
func SnapshotOf(fsys fs.FS, below ...string) (*Snapshot, error) {
	var files []named
	read := func(name string, mode filemode.FileMode) ([]byte, error) {
		if mode == filemode.Symlink {
			target, err := fs.ReadLink(fsys, name)
			return []byte(target), err
		}
		return fs.ReadFile(fsys, name)
	}
	visit := func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && slices.Contains(below, name):
			return nil
		case err != nil:
			return err
		case d.Name() == ".git" && d.IsDir():
			return fs.SkipDir
		case d.Name() == ".git", d.IsDir():
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		e := entry{mode: filemode.Regular}
		switch mode := info.Mode(); {
		case mode.Type() == fs.ModeSymlink:
			e.mode = filemode.Symlink
		case !mode.IsRegular():
			return nil
		case mode&0o100 != 0:
			e.mode = filemode.Executable
		}
		data, err := read(name, e.mode)
		if err != nil {
			return err
		}
		e.hash = hashBlob(data)
		files = append(files, named{name, e})
		return nil
	}
	roots := below
	if len(roots) == 0 {
		roots = []string{"."}
	}
	for _, root := range roots {
		if err := fs.WalkDir(fsys, root, visit); err != nil {
			return nil, err
		}
	}
	files = slices.CompactFunc(sorted(files), func(a, b named) bool { return a.name == b.name })
	names, entries := split(files)
	return newSnapshot(names, entries, func(at int32) ([]byte, error) {
		return read(names[at], entries[at].mode)
	}), nil
}
