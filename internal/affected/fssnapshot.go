package affected

import (
	"errors"
	"io/fs"
	"path"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// SnapshotOf returns the snapshot of any file system, without git: all files in
// it, with the ids that git would give them. What is named .git is left out.
func SnapshotOf(fsys fs.FS) (*Snapshot, error) {
	var files []named
	read := func(name string, mode filemode.FileMode) ([]byte, error) {
		if mode == filemode.Symlink {
			target, err := fs.ReadLink(fsys, name)
			return []byte(target), err
		}
		return fs.ReadFile(fsys, name)
	}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
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
	})
	if err != nil {
		return nil, err
	}
	names, entries := split(files)
	return newSnapshot(names, entries, func(at int32) ([]byte, error) {
		return read(names[at], entries[at].mode)
	}), nil
}

// ReadBelow returns the snapshot of the files that are, or are below, one of the
// names, as what reads them finds them: a link is the file, or the folder, that it
// leads to. A name that does not exist has no files; a link that leads nowhere is
// an error.
func ReadBelow(fsys fs.FS, below ...string) (*Snapshot, error) {
	content := make(map[string][]byte)
	for _, name := range below {
		if err := readBelow(fsys, name, content, 0); err != nil {
			return nil, err
		}
	}
	var files []named
	for name, data := range content {
		files = append(files, named{name, entry{mode: filemode.Regular, hash: hashBlob(data)}})
	}
	names, entries := split(files)
	return newSnapshot(names, entries, func(at int32) ([]byte, error) { return content[names[at]], nil }), nil
}

// mostFolders is how many folders may be in each other: links can lead in a circle.
const mostFolders = 64

func readBelow(fsys fs.FS, name string, content map[string][]byte, depth int) error {
	info, err := fs.Stat(fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && depth == 0:
		return nil
	case err != nil:
		return err
	case depth > mostFolders:
		return &fs.PathError{Op: "read", Path: name, Err: errors.New("links lead in a circle")}
	case info.Mode().IsRegular():
		content[name], err = fs.ReadFile(fsys, name)
		return err
	case !info.IsDir() || path.Base(name) == ".git":
		return nil
	}
	entries, err := fs.ReadDir(fsys, name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := readBelow(fsys, path.Join(name, e.Name()), content, depth+1); err != nil {
			return err
		}
	}
	return nil
}
