// Package affected knows the repository's history, what units depend on, and what
// a change affects.
package affected

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// ErrNoRepository: a folder is in no git repository.
var ErrNoRepository = errors.New("no git repository")

// Repository is a git repository. It is only read, from any number of
// goroutines.
type Repository struct {
	root   string // of the snapshots
	top    string // of the working tree, "" for a bare repository
	prefix string // of root below top, with slashes

	gitDir string // HEAD and the index: of this worktree
	common string // everything else: the main .git folder

	refs    *dotgit.DotGit
	objects *odb
	blobs   *memo[plumbing.Hash, []byte]
	trees   *memo[plumbing.Hash, []byte]
	config  gitConfig
	shallow map[plumbing.Hash]bool // the oldest commits of a shallow clone
}

// Open opens the git repository around dir, a folder of its working tree (or a
// bare repository). Where dir is not the working tree's root, snapshots hold
// only what is below dir, with paths from there.
func Open(dir string) (*Repository, error) {
	real, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if real, err = filepath.EvalSymlinks(real); err != nil {
		return nil, err
	}
	r := &Repository{root: real}
	if err := r.find(dir); err != nil {
		return nil, err
	}
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("open the git repository of %s: %w", dir, err)
	}
	return r, nil
}

// find looks for the .git folder upward from the root.
func (r *Repository) find(dir string) error {
	for at := r.root; ; {
		dot := filepath.Join(at, ".git")
		info, err := os.Stat(dot)
		switch {
		case err == nil && info.IsDir() && isGitDir(dot):
			r.gitDir, r.top = dot, at
		case err == nil && !info.IsDir():
			target, err := gitFile(dot)
			if err != nil {
				return err
			}
			r.gitDir, r.top = target, at
		case isGitDir(at) && filepath.Base(at) != ".git":
			r.gitDir = at
		}
		if r.gitDir != "" {
			break
		}
		parent := filepath.Dir(at)
		if parent == at {
			return fmt.Errorf("%s is in %w", dir, ErrNoRepository)
		}
		at = parent
	}
	if r.top == "" {
		r.root = r.gitDir
	} else if rel, err := filepath.Rel(r.top, r.root); err == nil && rel != "." {
		r.prefix = filepath.ToSlash(rel)
	}
	return nil
}

func isGitDir(dir string) bool {
	if _, err := os.Lstat(filepath.Join(dir, "HEAD")); err != nil {
		return false
	}
	if _, err := os.Stat(filepath.Join(dir, "commondir")); err == nil {
		return true
	}
	info, err := os.Stat(filepath.Join(dir, "objects"))
	return err == nil && info.IsDir()
}

// gitFile reads where a .git file says that the repository is: that of a
// worktree or a submodule.
func gitFile(name string) (string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	target, ok := strings.CutPrefix(strings.TrimRight(string(text), "\r\n"), "gitdir: ")
	if !ok {
		return "", fmt.Errorf("%s does not name a folder (gitdir: …)", name)
	}
	target = filepath.FromSlash(target)
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(name), target)
	}
	if !isGitDir(target) {
		return "", fmt.Errorf("%s leads to %s, where no repository is: a worktree or submodule needs the repository "+
			"that it belongs to beside it (mount that too, or use a clone of its own)", name, target)
	}
	return filepath.Clean(target), nil
}

// openRefs finds the main .git folder of a worktree, and its refs.
func (r *Repository) openRefs() error {
	r.common = r.gitDir
	text, err := os.ReadFile(filepath.Join(r.gitDir, "commondir"))
	var common billy.Filesystem
	switch {
	case err == nil:
		r.common = filepath.FromSlash(strings.TrimSpace(string(text)))
		if !filepath.IsAbs(r.common) {
			r.common = filepath.Join(r.gitDir, r.common)
		}
		common = osfs.New(r.common)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	r.refs = dotgit.New(dotgit.NewRepositoryFilesystem(osfs.New(r.gitDir), common))
	return nil
}

func (r *Repository) open() (err error) {
	if err := r.openRefs(); err != nil {
		return err
	}
	if r.config, err = readGitConfig(r.common, r.gitDir); err != nil {
		return err
	}
	if format := r.config.get("extensions.objectformat"); format != "" && !strings.EqualFold(format, "sha1") {
		return fmt.Errorf("its objects are named by %s; only SHA-1 is supported", format)
	}
	format := r.config.get("extensions.refstorage")
	if _, err := os.Stat(filepath.Join(r.common, "reftable")); err == nil {
		format = "reftable"
	}
	if format != "" && !strings.EqualFold(format, "files") {
		return fmt.Errorf("its refs are stored as %s, which is not supported: git refs migrate --ref-format=files changes it", format)
	}
	if r.objects, err = openObjects(filepath.Join(r.common, "objects")); err != nil {
		return err
	}
	r.blobs = newMemo[plumbing.Hash, []byte](32 << 20)
	r.trees = newMemo[plumbing.Hash, []byte](16 << 20)
	return r.readShallow()
}

func (r *Repository) readShallow() error {
	text, err := os.ReadFile(filepath.Join(r.common, "shallow"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	r.shallow = make(map[plumbing.Hash]bool)
	for _, id := range strings.Fields(string(text)) {
		r.shallow[plumbing.NewHash(id)] = true
	}
	return nil
}

// Close closes the files that are open. Snapshots cannot be read afterwards.
func (r *Repository) Close() error { return r.objects.close() }

// Root is the folder that the snapshots' paths start from, absolute and
// without symbolic links.
func (r *Repository) Root() string { return r.root }

// Prefix is the root's path in the git repository, "" where it is the whole.
func (r *Repository) Prefix() string { return r.prefix }

// Head returns the commit that is checked out, "" where nothing is committed
// yet, and its branch, "" where HEAD is detached.
func (r *Repository) Head() (commit, branch string, err error) {
	id, branch, err := r.head()
	if err != nil || id.IsZero() {
		return "", branch, err
	}
	return id.String(), branch, nil
}

func (r *Repository) head() (id plumbing.Hash, branch string, err error) {
	ref, err := r.refs.Ref(plumbing.HEAD)
	if err != nil {
		return plumbing.ZeroHash, "", fmt.Errorf("read HEAD of %s: %w", r.gitDir, err)
	}
	if ref.Type() == plumbing.HashReference {
		if ref.Hash().IsZero() {
			return plumbing.ZeroHash, "", fmt.Errorf("read HEAD of %s: it holds no commit's id", r.gitDir)
		}
		return ref.Hash(), "", nil
	}
	id, _, err = r.reference(ref.Target().String())
	return id, BranchOf(ref.Target().String()), err
}
