package affected

import (
	"io/fs"
	"path"
	"slices"
	"sync"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/strata-tf/strata/internal/stack"
)

// Closures finds what units depend on, in one state of the repository. Folders
// are read once. It is safe for concurrent use.
type Closures struct {
	fsys     fs.FS
	snapshot *Snapshot // nil where fsys is not one's
	layers   func() map[string][]string
	// submodules are their folders: git knows only their commits.
	submodules []string

	mu      sync.Mutex
	folders map[string]*folder
	glances map[plumbing.Hash]glanced
	parts   map[partKey]*sharedPart
}

// partKey is all that the inputs of most modules depend on: the module's folder
// and the way there from the unit.
type partKey struct{ dir, way string }

// sharedPart is the inputs of such a module, nil for a module whose inputs depend
// on what it is given.
type sharedPart struct {
	in    *Inputs
	least int
}

// glanced is what was found of a file's content.
type glanced struct {
	glimpse
	ok bool
}

// NewClosures looks at the given files.
func NewClosures(fsys fs.FS) *Closures {
	c := &Closures{fsys: fsys, folders: make(map[string]*folder), glances: make(map[plumbing.Hash]glanced), parts: make(map[partKey]*sharedPart)}
	if s, ok := fsys.(*snapshotFS); ok {
		c.snapshot, c.submodules = s.Snapshot, slices.Clone(s.submodules)
	}
	c.layers = sync.OnceValue(c.neededLayers)
	return c
}

// Unit returns the inputs of a unit: its own files, its modules' through any
// depth, the files that their expressions read, and what its configuration
// names.
func (c *Closures) Unit(u *stack.Unit) *Inputs {
	in := &Inputs{}
	for _, name := range u.VarFiles {
		c.add(in, name, "variable file")
	}
	for _, glob := range u.Watch {
		dir, rest := doublestar.SplitPattern(glob)
		in.area(area{dir: dir, glob: rest, why: "watch: " + glob})
	}
	dir, via := c.real(u.Path)
	for _, link := range via {
		in.file(link, "symbolic link to the unit's folder")
	}
	const own = "own file"
	for _, name := range []string{lockFile, ".terraform-version", ".opentofu-version"} {
		in.file(path.Join(dir, name), own)
	}
	in.area(area{dir: dir, kind: variableFiles, why: own})
	in.area(area{dir: dir, kind: testFiles, why: own})
	in.area(area{dir: path.Join(dir, "tests"), kind: testFiles, why: own})
	f := c.unitFolder(u, dir)
	in.backend = f.backend
	if u.Backend.Config != "" && in.backend {
		c.add(in, u.Backend.Config, "backend configuration")
	}
	i := &instance{closures: c, unit: dir, workspace: u.Workspace}
	s := i.scope(f, nil)
	s.vars = c.rootVariables(u, f)
	in.area(area{dir: dir, kind: codeFiles, why: own})
	i.module(f, s, in, own)
	c.inSubmodules(in)
	return in
}

// inSubmodules adds the submodules in which inputs lie.
func (c *Closures) inSubmodules(in *Inputs) {
	for _, name := range c.submodules {
		if in.reaches(name) {
			in.file(name, "submodule")
		}
	}
}

// quick looks at a file without parsing it. Files of the same content are looked
// at once.
func (c *Closures) quick(name string) (glimpse, bool) {
	var id plumbing.Hash
	if c.snapshot != nil {
		if at, ok := c.snapshot.at(name); ok && c.snapshot.entries[at].mode != filemode.Symlink {
			id = c.snapshot.entries[at].hash
			c.mu.Lock()
			found, known := c.glances[id]
			c.mu.Unlock()
			if known {
				return found.glimpse, found.ok
			}
		}
	}
	text, err := fs.ReadFile(c.fsys, name)
	if err != nil {
		return glimpse{}, false
	}
	var found glanced
	found.glimpse, found.ok = quick(text)
	if !id.IsZero() {
		c.mu.Lock()
		c.glances[id] = found
		c.mu.Unlock()
	}
	return found.glimpse, found.ok
}

// unitFolder returns a unit's folder. Of the many that nothing else uses none is
// kept.
func (c *Closures) unitFolder(u *stack.Unit, dir string) *folder {
	c.mu.Lock()
	f := c.folders[dir]
	c.mu.Unlock()
	switch {
	case f != nil:
		return f
	case u.Shared:
		return c.folder(dir)
	}
	return newFolder(c, dir)
}

// folder returns a folder, read once.
func (c *Closures) folder(dir string) *folder {
	c.mu.Lock()
	f := c.folders[dir]
	c.mu.Unlock()
	if f != nil {
		return f
	}
	f = newFolder(c, dir)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.folders[dir]; known != nil {
		return known
	}
	c.folders[dir] = f
	return f
}

func (c *Closures) part(key partKey) (part *sharedPart, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	part, known = c.parts[key]
	return part, known
}

func (c *Closures) share(key partKey, part *sharedPart) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parts[key] = part
}
