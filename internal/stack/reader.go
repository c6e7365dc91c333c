package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sync"
)

// Reader reads Terraform folders, each once however often it is asked. It is
// safe for concurrent use.
type Reader struct {
	fsys fs.FS

	mu       sync.Mutex
	modules  map[string]*reading
	resolver *resolver
}

// reading is one folder's result, filled in by the first who asks.
type reading struct {
	once   sync.Once
	module *Module
	err    error
}

// NewReader reads folders of the given repository.
func NewReader(fsys fs.FS) *Reader {
	return &Reader{fsys: fsys, modules: map[string]*reading{}, resolver: newResolver(fsys)}
}

// Module reads a Terraform folder: a slash path relative to the repository's
// root. What its files say wrongly is a *ModuleError, and the module then holds
// what could be read all the same. A folder that does not exist, or has no
// Terraform file, is an error that wraps fs.ErrNotExist. The module is shared:
// it must not be changed.
func (r *Reader) Module(dir string) (*Module, error) {
	r.mu.Lock()
	real := r.resolver.real(path.Clean(dir))
	m := r.modules[real]
	if m == nil {
		m = &reading{}
		r.modules[real] = m
	}
	r.mu.Unlock()
	m.once.Do(func() { m.module, m.err = readModule(r.fsys, real) })
	return m.module, m.err
}

// Tree reads a Terraform folder and all local modules that it calls, through
// any depth, by folder. Modules that call each other in a circle are read once.
// The error is a *ModuleError with all that is wrong in any of them; what could
// be read is returned beside it. Only a missing dir itself is another error.
func (r *Reader) Tree(dir string) (map[string]*Module, error) {
	root, err := r.Module(dir)
	if root == nil {
		return nil, err
	}
	found := map[string]*Module{}
	problems := r.tree(path.Clean(dir), root, err, found)
	if len(problems) > 0 {
		return found, &ModuleError{Problems: sortProblems(problems)}
	}
	return found, nil
}

// tree adds a module and all below it, and returns what is wrong.
func (r *Reader) tree(dir string, m *Module, err error, found map[string]*Module) []Problem {
	found[dir] = m
	var problems []Problem
	var faulty *ModuleError
	if errors.As(err, &faulty) {
		problems = slices.Clone(faulty.Problems)
	}
	for _, call := range m.Calls {
		if call.Source == "" || !isLocal(call.Source) {
			continue
		}
		if call.Dir == "" {
			problems = append(problems, Problem{call.Pos, fmt.Sprintf("module %q: its source %q leads out of the repository", call.Name, call.Source)})
			continue
		}
		if _, seen := found[call.Dir]; seen {
			continue
		}
		child, err := r.Module(call.Dir)
		if child == nil {
			problems = append(problems, Problem{call.Pos, fmt.Sprintf("module %q: %v", call.Name, err)})
			continue
		}
		problems = append(problems, r.tree(call.Dir, child, err, found)...)
	}
	return problems
}

// readModule reads all Terraform files of a folder.
func readModule(fsys fs.FS, dir string) (*Module, error) {
	entries, err := fs.ReadDir(fsys, dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("folder %s does not exist: %w", shown(dir), fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("folder %s cannot be read: %w", shown(dir), err)
	}
	p := newParsing(fsys, dir)
	for _, entry := range entries {
		if !entry.IsDir() && IsTerraformFile(entry.Name()) {
			p.files = append(p.files, entry.Name())
		}
	}
	if len(p.files) == 0 {
		return nil, fmt.Errorf("folder %s has no .tf file: %w", shown(dir), fs.ErrNotExist)
	}
	m := p.module()
	if len(p.problems) > 0 {
		return m, &ModuleError{Problems: sortProblems(p.problems)}
	}
	return m, nil
}
