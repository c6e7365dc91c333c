package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// folder is a store in a folder of this machine. gocloud.dev's fileblob is not
// used: its files are as open as the umask lets them be, of two writers that
// both want a new file both may win, and a folder that cannot be read lists as
// empty, which would hide rescued states.
type folder struct{ dir string }

func openFolder(u *url.URL) (*folder, error) {
	dir := u.Path
	if filepath.VolumeName(strings.TrimPrefix(dir, "/")) != "" { // file:///C:/…
		dir = strings.TrimPrefix(dir, "/")
	}
	dir = filepath.FromSlash(dir)
	if u.Host != "" || u.RawQuery != "" || u.Fragment != "" || !filepath.IsAbs(dir) {
		return nil, errors.New("write file:///absolute/folder: three slashes, nothing after the folder")
	}
	return &folder{dir: filepath.Clean(dir)}, nil
}

// FolderURL is the URL of a store in a folder of this machine.
func FolderURL(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	dir = filepath.ToSlash(dir)
	if !strings.HasPrefix(dir, "/") {
		dir = "/" + dir
	}
	return (&url.URL{Scheme: "file", Path: dir}).String(), nil
}

func (f *folder) path(key string) string { return filepath.Join(f.dir, filepath.FromSlash(key)) }

func (f *folder) put(ctx context.Context, key string, data []byte, exclusive bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name := f.path(key)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	// A name that is no key, beside the file: never listed, and renamed within
	// one file system. CreateTemp's mode is 0600.
	tmp, err := os.CreateTemp(filepath.Dir(name), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if !exclusive {
		return os.Rename(tmp.Name(), name)
	}
	err = os.Link(tmp.Name(), name) // unlike a rename it never replaces
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return writeNew(name, data) // no hard links here
}

// writeNew writes a file that must not be there yet, on a file system without
// hard links: a reader may see it half written.
func writeNew(name string, data []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

func (f *folder) get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return os.ReadFile(f.path(key))
}

func (f *folder) remove(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name := f.path(key)
	if info, err := os.Lstat(name); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder", name)
	}
	return os.Remove(name)
}

func (f *folder) list(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	top := f.dir // the folder below which all keys with the prefix are
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		if !validKey(prefix[:i]) {
			return nil, fmt.Errorf("%q is no key", prefix)
		}
		top = f.path(prefix[:i])
	}
	err := filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // not made yet, or removed meanwhile
		}
		if err != nil || entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(f.dir, name)
		if err != nil {
			return err
		}
		if key := filepath.ToSlash(rel); strings.HasPrefix(key, prefix) && validKey(key) {
			keys = append(keys, key)
		}
		return nil
	})
	slices.Sort(keys)
	return keys, err
}

func (f *folder) advice(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "the folder of the store belongs to another user: change its owner, or run as that user"
	}
	return ""
}
