package affected

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	"golang.org/x/sync/errgroup"
)

// WorkingTree returns the snapshot of what lies in the working tree: the
// tracked files and those untracked ones that git does not ignore, with the ids
// that git add would give them. What the index's times prove unchanged is not
// read. Files that a sparse checkout leaves out are there, as in the index.
func (r *Repository) WorkingTree() (*Snapshot, error) {
	if r.top == "" {
		return nil, fmt.Errorf("%s is a bare repository: it has no working tree", r.root)
	}
	w, err := r.newWorktree()
	if err == nil {
		err = w.scan()
	}
	if err != nil {
		return nil, fmt.Errorf("read the working tree of %s: %w", r.root, err)
	}
	for name, e := range w.tracked {
		if e.SkipWorktree && !w.seen[name] && w.below(name) {
			w.files = append(w.files, named{w.rel(name), entry{e.Mode, e.Hash}})
		}
	}
	names, entries := split(w.files)
	return newSnapshot(names, entries, func(at int32) ([]byte, error) {
		if w.sparse(names[at]) {
			return r.blob(entries[at].hash)
		}
		full := filepath.Join(r.root, filepath.FromSlash(names[at]))
		if entries[at].mode == filemode.Symlink {
			return readLink(full)
		}
		return os.ReadFile(full)
	}), nil
}

// worktree is one look at a working tree.
type worktree struct {
	*Repository
	tracked     map[string]*index.Entry
	trackedDirs map[string]bool
	folded      map[string]string // lower case -> tracked name, where case does not count
	indexTime   time.Time
	attributes  *attributes // nil where there are none
	autoCRLF    bool
	trustMode   bool // the file system knows executable files
	trustLinks  bool // and symbolic links
	trustCtime  bool

	group errgroup.Group
	mu    sync.Mutex
	files []named
	seen  map[string]bool
}

func (r *Repository) newWorktree() (*worktree, error) {
	w := &worktree{Repository: r,
		tracked: make(map[string]*index.Entry), trackedDirs: make(map[string]bool), seen: make(map[string]bool),
		trustMode:  r.config.boolean("core.filemode", runtime.GOOS != "windows"),
		trustLinks: r.config.boolean("core.symlinks", runtime.GOOS != "windows"),
		trustCtime: r.config.boolean("core.trustctime", true),
		autoCRLF:   r.config.get("core.autocrlf") == "input" || r.config.boolean("core.autocrlf", false),
	}
	w.group.SetLimit(2 * runtime.GOMAXPROCS(0))
	if err := w.readIndex(); err != nil {
		return nil, err
	}
	fold := r.config.boolean("core.ignorecase", false)
	if fold {
		w.folded = make(map[string]string, len(w.tracked))
	}
	for name := range w.tracked {
		if fold {
			w.folded[strings.ToLower(name)] = name
		}
		for dir := path.Dir(name); dir != "." && !w.trackedDirs[dir]; dir = path.Dir(dir) {
			w.trackedDirs[dir] = true
		}
	}
	if a := newAttributes(r, fold); a.exist(maps.Keys(w.tracked)) {
		w.attributes = a
	}
	return w, nil
}

// readIndex reads what is tracked.
func (w *worktree) readIndex() error {
	name := filepath.Join(w.gitDir, "index")
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	w.indexTime = info.ModTime()
	idx := new(index.Index)
	err = index.NewDecoder(file).Decode(idx)
	switch {
	case errors.Is(err, index.ErrInvalidChecksum) && w.config.boolean("index.skiphash", w.config.boolean("feature.manyfiles", false)):
		// It has none.
	case errors.Is(err, index.ErrUnknownExtension):
		return fmt.Errorf("%s is split or sparse, which is not supported: git update-index --no-split-index, "+
			"or git sparse-checkout reapply --no-sparse-index, writes a plain one", name)
	case err != nil:
		return fmt.Errorf("read %s: %w", name, err)
	}
	for _, e := range idx.Entries {
		if e.Stage != 0 { // (index.Merged is another one)
			// In conflict: no id is known.
			e = &index.Entry{Name: e.Name, Mode: e.Mode}
		}
		w.tracked[e.Name] = e
	}
	return nil
}

// below says whether a path lies below the snapshot's root.
func (w *worktree) below(name string) bool {
	return w.prefix == "" || strings.HasPrefix(name, w.prefix+"/")
}

// rel is a path from the snapshot's root.
func (w *worktree) rel(name string) string {
	if w.prefix == "" {
		return name
	}
	return name[len(w.prefix)+1:]
}

// sparse says whether a file of the snapshot is only in the index.
func (w *worktree) sparse(rel string) bool {
	name := path.Join(w.prefix, rel)
	e := w.tracked[name]
	return e != nil && e.SkipWorktree && !w.seen[name]
}

// scan walks the working tree from the snapshot's root, with the ignore files
// from above it.
func (w *worktree) scan() error {
	fold := w.folded != nil
	var rules *ignores
	user := expandHome(w.config.get("core.excludesfile"))
	if user == "" {
		user = filepath.Join(userConfigDir(), "git", "ignore")
	}
	for _, name := range []string{user, filepath.Join(w.common, "info", "exclude")} {
		if text, err := os.ReadFile(name); err == nil {
			rules = rules.with("", text, fold)
		}
	}
	ignored := false
	if w.prefix != "" {
		for i := 0; i <= len(w.prefix); i++ {
			if i < len(w.prefix) && w.prefix[i] != '/' {
				continue
			}
			above := path.Dir(w.prefix[:i])
			if above == "." {
				above = ""
			}
			if text, err := os.ReadFile(filepath.Join(w.top, filepath.FromSlash(above), ".gitignore")); err == nil {
				rules = rules.with(above, text, fold)
			}
			ignored = ignored || rules.ignored(w.prefix[:i], true)
		}
	}
	w.group.Go(func() error { return w.folder(w.prefix, rules, ignored) })
	return w.group.Wait()
}

// folder reads one folder, and hands on those below it. Of an ignored folder
// only tracked files count.
func (w *worktree) folder(dir string, rules *ignores, ignored bool) error {
	full := filepath.Join(w.top, filepath.FromSlash(dir))
	entries, err := os.ReadDir(full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: make it readable, or name it in .gitignore", err)
	}
	for _, e := range entries {
		switch {
		case e.Name() == ".gitignore" && e.Type().IsRegular():
			text, err := os.ReadFile(filepath.Join(full, ".gitignore"))
			if err != nil {
				return err
			}
			rules = rules.with(dir, text, w.folded != nil)
		case e.Name() == ".git" && dir != w.prefix && !w.trackedDirs[dir]:
			// A repository within this one: to git it is one thing, its commit.
			if id, ok := submoduleHead(full); ok {
				w.add([]named{{w.rel(dir), entry{filemode.Submodule, id}}})
				return nil
			}
		}
	}
	var files []named
	for _, e := range entries {
		if e.Name() == ".git" {
			continue
		}
		name := w.ownName(path.Join(dir, e.Name()))
		tracked := w.tracked[name]
		skip := ignored || tracked == nil && rules.ignored(name, e.IsDir())
		if e.IsDir() && (tracked == nil || tracked.Mode != filemode.Submodule) {
			if !skip || w.trackedDirs[name] {
				if err := w.enter(name, rules, skip); err != nil {
					return err
				}
			}
			continue
		}
		if skip && tracked == nil {
			continue
		}
		found, err := w.entry(name, filepath.Join(full, e.Name()), tracked)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNoFile) {
			continue
		}
		if err != nil {
			return err
		}
		files = append(files, named{w.rel(name), found})
	}
	w.add(files)
	return nil
}

// enter reads a folder, on a goroutine of its own where one is free.
func (w *worktree) enter(dir string, rules *ignores, ignored bool) error {
	task := func() error { return w.folder(dir, rules, ignored) }
	if w.group.TryGo(task) {
		return nil
	}
	return task()
}

func (w *worktree) add(files []named) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files = append(w.files, files...)
	for _, file := range files {
		// Only these are asked for later.
		if e := w.tracked[path.Join(w.prefix, file.name)]; e != nil && e.SkipWorktree {
			w.seen[e.Name] = true
		}
	}
}

// ownName is the name that git knows a file by, where upper and lower case are
// the same to the file system.
func (w *worktree) ownName(name string) string {
	if w.folded == nil || w.tracked[name] != nil {
		return name
	}
	if known, ok := w.folded[strings.ToLower(name)]; ok {
		return known
	}
	return name
}
