package affected

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// LeftBehind lists the files that git tracks although its ignore files, or the
// given function, name them, and that are not below the root: a copy of the
// working tree that was made by these rules lacks them. The paths are sorted.
func (r *Repository) LeftBehind(also func(name string) bool) ([]string, error) {
	w := &worktree{Repository: r, tracked: make(map[string]*index.Entry)}
	if err := w.readIndex(); err != nil {
		return nil, err
	}
	known := make(map[string]*ignores)
	var names []string
	for name, e := range w.tracked {
		if !w.below(name) || e.SkipWorktree || e.Mode == filemode.Submodule {
			continue
		}
		_, err := os.Lstat(filepath.Join(r.top, filepath.FromSlash(name)))
		if !errors.Is(err, fs.ErrNotExist) || !also(w.rel(name)) && !w.ignored(known, name, false) {
			continue
		}
		names = append(names, w.rel(name))
	}
	slices.Sort(names)
	return names, nil
}

// Ignored says whether the root is a folder that git ignores: a copy or a
// scratch folder within another repository, of whose files git knows nothing.
func (r *Repository) Ignored() (bool, error) {
	if r.prefix == "" {
		return false, nil
	}
	w := &worktree{Repository: r, tracked: make(map[string]*index.Entry)}
	if err := w.readIndex(); err != nil {
		return false, err
	}
	for name := range w.tracked {
		if w.below(name) {
			return false, nil
		}
	}
	return w.ignored(make(map[string]*ignores), r.prefix, true), nil
}

// ignored says whether the ignore files name a path, or a folder that it is in.
func (w *worktree) ignored(known map[string]*ignores, name string, dir bool) bool {
	for at := name; at != "."; at, dir = path.Dir(at), true {
		if w.rulesIn(known, path.Dir(at)).ignored(at, dir) {
			return true
		}
	}
	return false
}

// rulesIn are the patterns that hold in a folder.
func (w *worktree) rulesIn(known map[string]*ignores, dir string) *ignores {
	if rules, ok := known[dir]; ok {
		return rules
	}
	var rules *ignores
	own := dir
	if dir == "." {
		own = ""
		rules = rules.withFile("", filepath.Join(w.common, "info", "exclude"))
	} else {
		rules = w.rulesIn(known, path.Dir(dir))
	}
	rules = rules.withFile(own, filepath.Join(w.top, filepath.FromSlash(dir), ".gitignore"))
	known[dir] = rules
	return rules
}

// withFile adds an ignore file, if it is there.
func (g *ignores) withFile(dir, name string) *ignores {
	text, err := os.ReadFile(name)
	if err != nil {
		return g
	}
	return g.with(dir, text, false)
}
