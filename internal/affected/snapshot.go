package affected

import (
	"io/fs"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// Snapshot is a repository's files at one point: a commit's, or the working
// tree's. It does not change.
type Snapshot struct {
	// Names are the paths of all files, symbolic links and submodules, sorted.
	Names []string
	// FS reads them (fs.ReadDirFS, fs.StatFS, fs.ReadFileFS, fs.ReadLinkFS):
	// whatever it is asked for is as it is in this snapshot. Opening follows
	// symbolic links, unless they lead out of the repository. A submodule is an
	// empty folder. It may be read from many goroutines.
	FS fs.FS
	// Commit is the commit's id, "" for a working tree.
	Commit string

	entries    []entry  // of Names, in their order
	links      []string // symbolic links, sorted
	submodules []string // sorted
}

// at is a file's place in Names.
func (s *Snapshot) at(name string) (int32, bool) {
	i, ok := slices.BinarySearch(s.Names, name)
	return int32(i), ok
}

// entry is what git knows of one file.
type entry struct {
	mode filemode.FileMode
	hash plumbing.Hash // blob, or a submodule's commit
}

// entry is what git knows of a file that exists.
func (s *Snapshot) entry(name string) entry {
	i, _ := s.at(name)
	return s.entries[i]
}

// ID returns what identifies a file's content and kind: its git mode and blob
// id ("100644 3b18e5…"); for a submodule its commit. ok is false where the
// snapshot has no such file.
func (s *Snapshot) ID(name string) (id string, ok bool) {
	i, ok := s.at(name)
	if !ok {
		return "", false
	}
	return s.entries[i].id(), true
}

func (e entry) id() string { return e.mode.String()[1:] + " " + e.hash.String() }

// Change is one file that differs between two snapshots.
type Change struct {
	Path string // in the newer snapshot, or in the older one where it is gone
	From string // where it was before, for a rename; the old path counts as changed too
	Kind string // added, modified, deleted, renamed, mode, type or submodule
}
