package affected

import (
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// Diff lists what differs between two snapshots, sorted by path. A file that is
// gone and one of the same content that is new are a rename: one Change, of
// both paths.
func Diff(old, new *Snapshot) []Change {
	var changes, added []Change
	var deleted []string
	gone := make(map[plumbing.Hash][]string)
	i, j := 0, 0
	for i < len(old.Names) || j < len(new.Names) {
		order := 0
		switch {
		case i == len(old.Names):
			order = 1
		case j == len(new.Names):
			order = -1
		default:
			order = strings.Compare(old.Names[i], new.Names[j])
		}
		switch {
		case order < 0:
			deleted = append(deleted, old.Names[i])
			gone[old.entries[i].hash] = append(gone[old.entries[i].hash], old.Names[i])
			i++
		case order > 0:
			added = append(added, Change{Path: new.Names[j], Kind: "added"})
			j++
		default:
			if kind := differ(old.entries[i], new.entries[j]); kind != "" {
				changes = append(changes, Change{Path: new.Names[j], Kind: kind})
			}
			i++
			j++
		}
	}
	changes = append(changes, renames(old, new, deleted, gone, added)...)
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return changes
}

// differ says how two versions of one path differ, "" where they do not.
func differ(old, new entry) string {
	switch {
	case old == new:
		return ""
	case kindOf(old.mode) != kindOf(new.mode):
		return "type"
	case new.mode == filemode.Submodule:
		return "submodule"
	case old.hash == new.hash:
		return "mode"
	default:
		return "modified"
	}
}

// kindOf takes executable and other files as one kind.
func kindOf(mode filemode.FileMode) filemode.FileMode {
	if mode == filemode.Executable {
		return filemode.Regular
	}
	return mode
}

// renames finds what was moved among what is added and gone, by content: first
// to where the file keeps its name, then to anywhere.
func renames(old, new *Snapshot, deleted []string, gone map[plumbing.Hash][]string, added []Change) []Change {
	type where struct {
		hash plumbing.Hash
		base string
	}
	byBase := make(map[where][]string)
	for hash, names := range gone {
		for _, name := range names {
			key := where{hash, path.Base(name)}
			byBase[key] = append(byBase[key], name)
		}
	}
	taken := make(map[string]bool)
	// take removes from a list the first that is free and of the same kind.
	take := func(list []string, to string) (from string, rest []string) {
		for len(list) > 0 {
			from, list = list[0], list[1:]
			if !taken[from] && kindOf(old.entry(from).mode) == kindOf(new.entry(to).mode) {
				taken[from] = true
				return from, list
			}
		}
		return "", nil
	}
	for pass := range 2 {
		for i := range added {
			c := &added[i]
			if c.From != "" {
				continue
			}
			hash := new.entry(c.Path).hash
			if pass == 0 {
				key := where{hash, path.Base(c.Path)}
				c.From, byBase[key] = take(byBase[key], c.Path)
			} else {
				c.From, gone[hash] = take(gone[hash], c.Path)
			}
			if c.From != "" {
				c.Kind = "renamed"
			}
		}
	}
	for _, name := range deleted {
		if !taken[name] {
			added = append(added, Change{Path: name, Kind: "deleted"})
		}
	}
	return added
}
