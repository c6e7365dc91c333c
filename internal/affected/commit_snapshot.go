package affected

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"golang.org/x/sync/errgroup"
)

// Commit returns the snapshot of a revision's commit. It lists the trees; what
// is in a file is read when somebody opens it.
func (r *Repository) Commit(rev string) (*Snapshot, error) {
	id, err := r.resolve(rev)
	if err != nil {
		return nil, err
	}
	c, err := r.commit(id)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", rev, err)
	}
	listed, err := r.files(c.tree)
	if err != nil {
		return nil, fmt.Errorf("list the files of commit %s: %w", rev, err)
	}
	names, entries := split(listed)
	s := newSnapshot(names, entries, func(at int32) ([]byte, error) { return r.blob(entries[at].hash) })
	s.Commit = id.String()
	return s, nil
}

// named is a file of a listing.
type named struct {
	name string
	entry
}

// sorted sorts a listing by name.
func sorted(listed []named) []named {
	slices.SortFunc(listed, func(a, b named) int { return strings.Compare(a.name, b.name) })
	return listed
}

// split sorts a listing by name.
func split(listed []named) (names []string, entries []entry) {
	listed = sorted(listed)
	names, entries = make([]string, len(listed)), make([]entry, len(listed))
	for i, file := range listed {
		names[i], entries[i] = file.name, file.entry
	}
	return names, entries
}

// blob returns the content of a file.
func (r *Repository) blob(id plumbing.Hash) ([]byte, error) {
	if data, ok := r.blobs.get(id); ok {
		return data, nil
	}
	data, err := r.objects.typed(id, plumbing.BlobObject)
	if errors.Is(err, errMissing) {
		err = fmt.Errorf("%w; in a partial clone (git clone --filter) git fetch --refetch --no-filter brings it", err)
	}
	if err != nil {
		return nil, err
	}
	r.blobs.put(id, data, len(data))
	return data, nil
}

// files lists all files below the prefix of a commit's tree.
func (r *Repository) files(tree plumbing.Hash) ([]named, error) {
	root := plumbing.Hash{}
	var err error
	if root, err = r.subtree(tree); err != nil || root.IsZero() {
		return nil, err
	}
	// Level by level, each shared among the processors: neighbours are deltas of
	// one another, so that each gets a run of them.
	var files []named
	level := []named{{entry: entry{hash: root}}}
	for len(level) > 0 {
		workers := min(runtime.GOMAXPROCS(0), (len(level)+15)/16)
		share := (len(level) + workers - 1) / workers
		blobs, trees := make([][]named, workers), make([][]named, workers)
		var group errgroup.Group
		for w := range workers {
			part := level[min(w*share, len(level)):min((w+1)*share, len(level))]
			group.Go(func() error {
				for _, tree := range part {
					data, err := r.treeData(tree.hash)
					if err != nil {
						return err
					}
					if blobs[w], trees[w], err = parseTree(tree, data, blobs[w], trees[w]); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		files = append(files, slices.Concat(blobs...)...)
		level = slices.Concat(trees...)
	}
	return files, nil
}

// treeData returns what a tree holds. Commits that are compared have most trees
// in common.
func (r *Repository) treeData(id plumbing.Hash) ([]byte, error) {
	if data, ok := r.trees.get(id); ok {
		return data, nil
	}
	data, err := r.objects.typed(id, plumbing.TreeObject)
	if err == nil {
		r.trees.put(id, data, len(data))
	}
	return data, err
}

// subtree returns the tree at the prefix, zero where there is none.
func (r *Repository) subtree(tree plumbing.Hash) (plumbing.Hash, error) {
	if r.prefix == "" {
		return tree, nil
	}
	for part := range strings.SplitSeq(r.prefix, "/") {
		data, err := r.objects.typed(tree, plumbing.TreeObject)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		_, trees, err := parseTree(named{entry: entry{hash: tree}}, data, nil, nil)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		at := slices.IndexFunc(trees, func(n named) bool { return n.name == part })
		if at < 0 {
			return plumbing.ZeroHash, nil
		}
		tree = trees[at].hash
	}
	return tree, nil
}

// parseTree adds what a tree holds: "100644 name\x00" and 20 bytes of id each.
func parseTree(tree named, data []byte, blobs, trees []named) ([]named, []named, error) {
	for len(data) > 0 {
		space, zero := bytes.IndexByte(data, ' '), bytes.IndexByte(data, 0)
		if space < 0 || zero < space || len(data) < zero+21 {
			return nil, nil, fmt.Errorf("the tree %s is broken", tree.hash)
		}
		mode, err := filemode.New(string(data[:space]))
		if err != nil {
			return nil, nil, fmt.Errorf("the tree %s is broken: %w", tree.hash, err)
		}
		n := named{name: string(data[space+1 : zero]), entry: entry{mode: mode}}
		if tree.name != "" {
			n.name = tree.name + "/" + n.name
		}
		copy(n.hash[:], data[zero+1:])
		data = data[zero+21:]
		switch mode {
		case filemode.Dir:
			trees = append(trees, n)
		case filemode.Deprecated: // 100664, of very old commits
			n.mode = filemode.Regular
			blobs = append(blobs, n)
		default:
			blobs = append(blobs, n)
		}
	}
	return blobs, trees, nil
}
