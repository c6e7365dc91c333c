package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/runner"
)

// The parts of .git that are read: which commit is checked out and what is
// tracked, and the commits. Its configuration, where CI jobs keep credentials,
// is never one of them.
var (
	gitHead    = []string{".git/HEAD", ".git/packed-refs", ".git/refs", ".git/index", ".git/info/exclude", ".git/info/attributes"}
	gitHistory = slices.Concat(gitHead, []string{".git/objects", ".git/shallow"})
)

// git is what of the git repository around the repository is wanted, and what
// of the folders above the repository's root holds for it.
func (s *Strata) git(w want) *dagger.Directory {
	include := slices.Clone(gitHead)
	if w.history {
		include = slices.Clone(gitHistory)
	}
	if w.files == noFiles {
		include = append(include, path.Join(s.prefix(), "strata.yaml"))
	}
	for dir := s.prefix(); dir != "."; dir = path.Dir(dir) {
		include = append(include, path.Join(path.Dir(dir), ".gitignore"), path.Join(path.Dir(dir), ".gitattributes"))
	}
	switch {
	case s.Given != nil:
		return s.Given.Filter(dagger.DirectoryFilterOpts{Include: include})
	case s.Caller != nil:
		return s.Caller.Directory("/", dagger.WorkspaceDirectoryOpts{Include: include})
	}
	return dag.Directory()
}

// prefix is the repository's path in the git repository, "." for all of it.
func (s *Strata) prefix() string { return path.Join(".", strings.TrimPrefix(s.Root, "/")) }

// checkOut brings what a verb needs of the repository here, in the form of a
// checkout, and opens it.
func (e *engine) checkOut(ctx context.Context, w want, o *pipeline.Options) error {
	top := filepath.Join(e.scratch, "repository")
	root, err := filepath.Abs(filepath.Join(top, filepath.FromSlash(e.module.prefix())))
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.Go(func() error {
		if err := e.archive(ctx, e.module.git(w), top); err != nil {
			return fmt.Errorf("bring the git repository here: %w", err)
		}
		return nil
	})
	group.Go(func() (err error) {
		if w.files == noFiles {
			return os.MkdirAll(root, 0o755)
		}
		if e.source, err = e.module.source().Sync(ctx); err != nil {
			return fmt.Errorf("read the repository: %w", err)
		}
		if w.files == allFiles {
			return e.fetchAll(ctx, e.source, root)
		}
		return e.fetch(ctx, e.source, root)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	e.files, o.Root = os.DirFS(root), root
	repository, err := e.repository(ctx, top, root)
	if err == nil {
		o.Commit, _, err = repository.Head()
	}
	if err == nil && w.files != noFiles {
		err = e.fetchLeft(ctx, repository, root)
	}
	if w.history {
		o.Repository, o.NoRepository = repository, err
	}
	if err != nil && !errors.Is(err, affected.ErrNoRepository) {
		fmt.Fprintf(os.Stderr, "strata: warning: %v\n", err)
	}
	o.WorkingTree = func() (*affected.Snapshot, error) { return affected.SnapshotOf(e.files) }
	if repository != nil {
		o.WorkingTree = repository.WorkingTree
	}
	return nil
}

// repository opens the git repository that was brought here.
func (e *engine) repository(ctx context.Context, top, root string) (*affected.Repository, error) {
	dot := filepath.Join(top, ".git")
	if _, err := os.Stat(filepath.Join(dot, "HEAD")); err != nil {
		return nil, e.module.noRepository(ctx)
	}
	// Without its objects it is no repository yet, for a library that looks.
	for _, name := range []string{"objects", "refs"} {
		if err := os.MkdirAll(filepath.Join(dot, name), 0o755); err != nil {
			return nil, err
		}
	}
	return affected.Open(root)
}

// noRepository says why there is no git repository.
func (s *Strata) noRepository(ctx context.Context) error {
	if s.Caller == nil {
		return fmt.Errorf("%w: --source has no .git; give a folder that is a repository's root, or a remote one without a folder in it", affected.ErrNoRepository)
	}
	// A folder would be empty here.
	file, err := s.Caller.Directory("/", dagger.WorkspaceDirectoryOpts{Include: []string{".git"}, Exclude: []string{".git/*"}}).Glob(ctx, ".git")
	if err != nil {
		return fmt.Errorf("look for .git: %w", err)
	}
	if slices.Contains(file, ".git") {
		return errors.New(".git is a file: the repository of a worktree or submodule is elsewhere, where the engine does not read. Call from a clone of its own, or run `strata` natively")
	}
	return fmt.Errorf("%w around the folder that dagger is called in", affected.ErrNoRepository)
}

// fetchLeft brings the files here that git tracks although they are named where
// others are told to stay behind, and adds them to what steps get.
func (e *engine) fetchLeft(ctx context.Context, repository *affected.Repository, root string) error {
	names, err := repository.LeftBehind(func(name string) bool { return strings.Contains("/"+name, "/node_modules/") })
	names = slices.DeleteFunc(names, neverTravels)
	if err != nil || len(names) == 0 {
		return err
	}
	include := make([]string, len(names))
	for i, name := range names {
		include[i] = literal.Replace(name)
	}
	var left *dagger.Directory
	if s := e.module; s.Caller != nil {
		left = s.Caller.Directory(s.Root, dagger.WorkspaceDirectoryOpts{Include: include})
	} else {
		left = s.Given.Filter(dagger.DirectoryFilterOpts{Include: include})
	}
	e.source = e.source.WithDirectory(".", left)
	if err := e.archive(ctx, left, root); err != nil {
		return fmt.Errorf("bring tracked files that git ignores here: %w", err)
	}
	return nil
}

// literal writes a path as a pattern that only it matches.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `!`, `\!`)

// neverTravels says whether a file stays behind although it is tracked.
func neverTravels(name string) bool {
	at := "/" + name
	return strings.Contains(at, "/.terraform/") || strings.Contains(at, "/.strata/") ||
		strings.HasSuffix(name, ".tfstate") || strings.Contains(path.Base(name), ".tfstate.")
}

// at is an engine on the files of another commit.
func (e *engine) at(files *affected.Snapshot) (runner.Runner, func() error, error) {
	dir, err := os.MkdirTemp(e.scratch, "commit-")
	if err != nil {
		return nil, nil, err
	}
	remove := func() error { return os.RemoveAll(dir) }
	checkout := filepath.Join(dir, "files")
	if err := files.Export(checkout); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	other := newEngine(e.module, dir)
	other.source, other.files = dag.CurrentModule().Workdir(checkout), files.FS
	return other, remove, nil
}
