package affected

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// Only is the part of a snapshot whose files match.
func (s *Snapshot) Only(match func(name string) bool) *Snapshot {
	return assemble([]*Snapshot{s}, func(_ int, name string) bool { return match(name) })
}

// Replace is the snapshot with the files that match as another has them: those
// that it alone has are added, those that it lacks are gone.
func (s *Snapshot) Replace(other *Snapshot, match func(name string) bool) *Snapshot {
	return assemble([]*Snapshot{s, other}, func(from int, name string) bool { return match(name) == (from == 1) })
}

// assemble makes one snapshot of the files of several that keep wants; no name is
// wanted of two.
func assemble(parts []*Snapshot, keep func(from int, name string) bool) *Snapshot {
	type place struct {
		name string
		from *Snapshot
		at   int32
	}
	var places []place
	for i, part := range parts {
		for at, name := range part.Names {
			if keep(i, name) {
				places = append(places, place{name, part, int32(at)})
			}
		}
	}
	slices.SortFunc(places, func(a, b place) int { return strings.Compare(a.name, b.name) })
	names, entries := make([]string, len(places)), make([]entry, len(places))
	for i, p := range places {
		names[i], entries[i] = p.name, p.from.entries[p.at]
	}
	return newSnapshot(names, entries, func(at int32) ([]byte, error) {
		p := places[at]
		return p.from.FS.(*snapshotFS).read(p.at)
	})
}

// Plain is the snapshot with each link to a file as the file that it leads to:
// tools leave links out that Terraform follows. Links to folders stay.
func (s *Snapshot) Plain() *Snapshot {
	entries := slices.Clone(s.entries)
	links := make(map[int32][]byte)
	for _, name := range s.links {
		data, err := fs.ReadFile(s.FS, name)
		if err != nil {
			continue // a folder, or nothing that is here
		}
		at, _ := s.at(name)
		links[at], entries[at] = data, entry{mode: filemode.Regular, hash: hashBlob(data)}
	}
	read := s.FS.(*snapshotFS).read
	return newSnapshot(s.Names, entries, func(at int32) ([]byte, error) {
		if data, ok := links[at]; ok {
			return data, nil
		}
		return read(at)
	})
}

// In is the snapshot with all its files below a folder that has nothing else.
func (s *Snapshot) In(dir string) *Snapshot {
	names := make([]string, len(s.Names))
	for i, name := range s.Names {
		names[i] = dir + "/" + name
	}
	return newSnapshot(names, s.entries, s.FS.(*snapshotFS).read)
}

// Below says whether a file is a folder's, or has its name; "." has all.
func Below(dir, name string) bool {
	return dir == "." || name == dir || strings.HasPrefix(name, dir+"/")
}
