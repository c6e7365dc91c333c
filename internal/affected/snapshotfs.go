package affected

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// snapshotFS is a snapshot as a file system. Modification times are zero.
type snapshotFS struct {
	*Snapshot
	// read returns a file's content or a symbolic link's target.
	read func(at int32) ([]byte, error)
}

var _ interface {
	fs.ReadDirFS
	fs.StatFS
	fs.ReadFileFS
	fs.ReadLinkFS
} = (*snapshotFS)(nil)

// newSnapshot makes a snapshot of sorted names.
func newSnapshot(names []string, entries []entry, read func(at int32) ([]byte, error)) *Snapshot {
	s := &Snapshot{Names: names, entries: entries}
	for i := range entries {
		switch entries[i].mode {
		case filemode.Symlink:
			s.links = append(s.links, names[i])
		case filemode.Submodule:
			s.submodules = append(s.submodules, names[i])
		}
	}
	s.FS = &snapshotFS{s, read}
	return s
}

// isDir says whether a folder of this name exists, without following links.
func (s *Snapshot) isDir(name string) bool {
	if name == "." {
		return true
	}
	i, _ := slices.BinarySearch(s.Names, name+"/")
	if i < len(s.Names) && strings.HasPrefix(s.Names[i], name+"/") {
		return true
	}
	at, ok := s.at(name)
	return ok && s.entries[at].mode == filemode.Submodule
}

// noFile is the place of a folder: it has none in Names.
const noFile = -1

// lookup finds what a name leads to: real is its own name once symbolic links
// are followed, at its place in Names. The last link is followed if follow says so.
func (f *snapshotFS) lookup(op, name string, follow bool) (real string, at int32, err error) {
	fail := func(err error) (string, int32, error) {
		return "", noFile, &fs.PathError{Op: op, Path: name, Err: err}
	}
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	if f.isDir(name) {
		return name, noFile, nil
	}
	if at, ok := f.at(name); ok && (!follow || f.entries[at].mode != filemode.Symlink) {
		return name, at, nil
	}
	real, rest, links := ".", name, 0
	for rest != "" {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			if real == "." {
				return fail(fs.ErrNotExist) // out of the repository
			}
			real = path.Dir(real)
			continue
		}
		next := path.Join(real, part)
		if f.isDir(next) {
			real = next
			continue
		}
		at, ok := f.at(next)
		switch {
		case !ok:
			return fail(fs.ErrNotExist)
		case f.entries[at].mode == filemode.Symlink && (rest != "" || follow):
			if links++; links > 40 {
				return fail(syscall.ELOOP)
			}
			target, err := f.read(at)
			if err != nil {
				return fail(err)
			}
			if len(target) == 0 || target[0] == '/' {
				return fail(fs.ErrNotExist)
			}
			rest = string(target) + "/" + rest
		case strings.Trim(rest, "/") != "":
			return fail(syscall.ENOTDIR)
		default:
			return next, at, nil
		}
	}
	return real, noFile, nil
}

func (f *snapshotFS) Open(name string) (fs.File, error) {
	real, at, err := f.lookup("open", name, true)
	if err != nil {
		return nil, err
	}
	info := f.info(path.Base(name), at)
	if at == noFile {
		return &openDir{info: info, name: name, entries: f.list(real)}, nil
	}
	return &openFile{info: info, name: name}, nil
}

func (f *snapshotFS) Stat(name string) (fs.FileInfo, error) {
	_, at, err := f.lookup("stat", name, true)
	if err != nil {
		return nil, err
	}
	return f.info(path.Base(name), at), nil
}

func (f *snapshotFS) Lstat(name string) (fs.FileInfo, error) {
	_, at, err := f.lookup("lstat", name, false)
	if err != nil {
		return nil, err
	}
	return f.info(path.Base(name), at), nil
}

func (f *snapshotFS) ReadLink(name string) (string, error) {
	_, at, err := f.lookup("readlink", name, false)
	if err != nil {
		return "", err
	}
	if at == noFile || f.entries[at].mode != filemode.Symlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	target, err := f.read(at)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return string(target), nil
}

func (f *snapshotFS) ReadFile(name string) ([]byte, error) {
	_, at, err := f.lookup("open", name, true)
	if err != nil {
		return nil, err
	}
	if at == noFile {
		return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	}
	data, err := f.read(at)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return bytes.Clone(data), nil
}

func (f *snapshotFS) ReadDir(name string) ([]fs.DirEntry, error) {
	real, at, err := f.lookup("open", name, true)
	if err != nil {
		return nil, err
	}
	if at != noFile {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	return f.list(real), nil
}

// list lists a folder that exists.
func (f *snapshotFS) list(dir string) []fs.DirEntry {
	start := dir + "/"
	if dir == "." {
		start = ""
	}
	var entries []fs.DirEntry
	i, _ := slices.BinarySearch(f.Names, start)
	for i < len(f.Names) && strings.HasPrefix(f.Names[i], start) {
		name, _, deeper := strings.Cut(f.Names[i][len(start):], "/")
		if !deeper {
			entries = append(entries, fs.FileInfoToDirEntry(f.info(name, int32(i))))
			i++
			continue
		}
		entries = append(entries, fs.FileInfoToDirEntry(f.info(name, noFile)))
		// The folder's last name is before the first one that begins with what
		// follows a slash.
		step, _ := slices.BinarySearch(f.Names[i:], start+name+"0")
		i += step
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries
}

func (f *snapshotFS) info(name string, at int32) *fileInfo {
	info := &fileInfo{name: name, mode: fs.ModeDir | 0o755}
	if at == noFile {
		return info
	}
	switch f.entries[at].mode {
	case filemode.Submodule:
		return info
	case filemode.Symlink:
		info.mode = fs.ModeSymlink | 0o777
	case filemode.Executable:
		info.mode = 0o755
	default:
		info.mode = 0o644
	}
	info.read = func() ([]byte, error) { return f.read(at) }
	return info
}

// fileInfo reads a file only when somebody wants to know its size.
type fileInfo struct {
	name string
	mode fs.FileMode
	read func() ([]byte, error)
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) Mode() fs.FileMode  { return i.mode }
func (i *fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i *fileInfo) ModTime() time.Time { return time.Time{} }
func (i *fileInfo) Sys() any           { return nil }

func (i *fileInfo) Size() int64 {
	if i.read == nil {
		return 0
	}
	data, err := i.read()
	if err != nil {
		return 0
	}
	return int64(len(data))
}

// openFile is an open file.
type openFile struct {
	info *fileInfo
	name string
	data *bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

func (f *openFile) Read(p []byte) (int, error) {
	if f.data == nil {
		data, err := f.info.read()
		if err != nil {
			return 0, &fs.PathError{Op: "read", Path: f.name, Err: err}
		}
		f.data = bytes.NewReader(data)
	}
	return f.data.Read(p)
}

// openDir is an open folder.
type openDir struct {
	info    *fileInfo
	name    string
	entries []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: syscall.EISDIR}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.entries) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.entries) {
		n = len(d.entries)
	}
	entries := d.entries[:n]
	d.entries = d.entries[n:]
	return entries, nil
}
