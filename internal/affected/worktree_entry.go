package affected

import (
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// errNoFile: a socket, a pipe, or a repository without a commit.
var errNoFile = errors.New("not a file")

// largeFile is from where on a file is not read into memory to be hashed.
const largeFile = 4 << 20

// entry returns the mode and id of one file of the working tree. tracked is nil
// for one that the index does not know.
func (w *worktree) entry(name, full string, tracked *index.Entry) (entry, error) {
	info, err := os.Lstat(full)
	if err != nil {
		return entry{}, err
	}
	var e entry
	switch mode := info.Mode(); {
	case mode.IsDir():
		e.mode = filemode.Submodule
		if id, ok := submoduleHead(full); ok {
			e.hash = id
		} else if tracked != nil {
			e.hash = tracked.Hash // not checked out
		}
		return e, nil
	case mode.Type() == fs.ModeSymlink:
		e.mode = filemode.Symlink
	case !mode.IsRegular():
		return entry{}, errNoFile
	case !w.trustLinks && tracked != nil && tracked.Mode == filemode.Symlink:
		e.mode = filemode.Symlink
	case !w.trustMode && tracked != nil && tracked.Mode == filemode.Executable:
		e.mode = filemode.Executable
	case w.trustMode && mode&0o100 != 0:
		e.mode = filemode.Executable
	default:
		e.mode = filemode.Regular
	}
	if w.unchanged(info, tracked) && kindOf(tracked.Mode) == kindOf(e.mode) {
		e.hash = tracked.Hash
		return e, nil
	}
	if e.mode == filemode.Symlink {
		target, err := readLink(full)
		e.hash = hashBlob(target)
		return e, err
	}
	e.hash, err = w.hash(name, full, info.Size(), tracked)
	return e, err
}

// unchanged says whether the index proves that a file is what it was when git
// last looked: size and times are the same, and the file did not change while
// the index was being written, which its times could not tell.
func (w *worktree) unchanged(info fs.FileInfo, tracked *index.Entry) bool {
	if tracked == nil || tracked.Hash.IsZero() || tracked.IntentToAdd {
		return false
	}
	if tracked.Size != uint32(info.Size()) || !sameTime(tracked.ModifiedAt, info.ModTime()) {
		return false
	}
	if changed, ok := changeTime(info); ok && w.trustCtime && !tracked.CreatedAt.IsZero() && !sameTime(tracked.CreatedAt, changed) {
		return false
	}
	if tracked.ModifiedAt.Nanosecond() == 0 || w.indexTime.Nanosecond() == 0 {
		return tracked.ModifiedAt.Unix() < w.indexTime.Unix()
	}
	return tracked.ModifiedAt.Before(w.indexTime)
}

// sameTime compares a time of the index, which may lack the nanoseconds.
func sameTime(indexed, now time.Time) bool {
	return indexed.Unix() == now.Unix() && (indexed.Nanosecond() == 0 || indexed.Nanosecond() == now.Nanosecond())
}

// hash returns the id that git would give to a file.
func (w *worktree) hash(name, full string, size int64, tracked *index.Entry) (plumbing.Hash, error) {
	var attr map[string]string
	if w.attributes != nil {
		attr = w.attributes.of(name)
	}
	lfs := attr["filter"] == "lfs"
	if size >= largeFile && (lfs || len(attr) == 0 && !w.autoCRLF) {
		return hashLarge(full, size, lfs)
	}
	data, err := os.ReadFile(full)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return hashBlob(clean(data, attr, w.autoCRLF, func() []byte {
		if tracked == nil {
			return nil
		}
		stored, err := w.blob(tracked.Hash)
		if err != nil {
			return nil
		}
		return stored
	})), nil
}

// hashLarge hashes a file piece by piece: its content, or what git-lfs stores
// in its place.
func hashLarge(full string, size int64, lfs bool) (id plumbing.Hash, err error) {
	file, err := os.Open(full)
	if err != nil {
		return id, err
	}
	defer file.Close()
	h := sha1.New()
	if lfs {
		h = sha256.New()
	} else {
		fmt.Fprintf(h, "blob %d\x00", size)
	}
	if _, err := io.Copy(h, file); err != nil {
		return id, err
	}
	if lfs {
		return hashBlob(pointer(h.Sum(nil), size)), nil
	}
	h.Sum(id[:0])
	return id, nil
}

func readLink(full string) ([]byte, error) {
	target, err := os.Readlink(full)
	if err != nil {
		if info, statErr := os.Lstat(full); statErr == nil && info.Mode().IsRegular() {
			return os.ReadFile(full) // a link where the file system has none
		}
		return nil, err
	}
	return []byte(filepath.ToSlash(target)), nil
}

// submoduleHead returns the commit that a repository within the working tree is
// at. ok is false where there is no repository, or no commit in it.
func submoduleHead(dir string) (id plumbing.Hash, ok bool) {
	r := &Repository{}
	dot := filepath.Join(dir, ".git")
	info, err := os.Lstat(dot)
	switch {
	case err != nil:
		return id, false
	case info.IsDir() && isGitDir(dot):
		r.gitDir = dot
	case info.Mode().IsRegular():
		if r.gitDir, err = gitFile(dot); err != nil {
			return id, false
		}
	default:
		return id, false
	}
	if err := r.openRefs(); err != nil {
		return id, false
	}
	id, _, err = r.head()
	return id, err == nil && !id.IsZero()
}
