// Package affected knows the repository's history.
package affected

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// Commit returns the id of the commit that the checkout around dir is at, ""
// where dir is in no repository or nothing is committed yet.
func Commit(dir string) (string, error) {
	store, err := open(dir)
	if err != nil {
		return "", fmt.Errorf("open the git repository of %s: %w", dir, err)
	}
	if store == nil {
		return "", nil
	}
	head, err := storer.ResolveReference(store, plumbing.HEAD)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return "", nil
	}
	if err == nil && head.Hash().IsZero() {
		err = errors.New("it holds no commit's id")
	}
	if err != nil {
		return "", fmt.Errorf("read HEAD of %s: %w", dir, err)
	}
	return head.Hash().String(), nil
}

// open opens what git keeps of the repository around dir; nil where there is
// none. Going through git.PlainOpen would refuse every repository that was
// cloned sparsely: go-git knows no extensions.
func open(dir string) (*filesystem.Storage, error) {
	gitDir, err := findGitDir(dir)
	if err != nil || gitDir == "" {
		return nil, err
	}
	files := osfs.New(gitDir)
	common, err := readPath(filepath.Join(gitDir, "commondir"), "")
	switch {
	case err == nil:
		files = dotgit.NewRepositoryFilesystem(files, osfs.New(common))
	case errors.Is(err, fs.ErrNotExist):
		common = gitDir
	default:
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(common, "reftable")); err == nil {
		return nil, errors.New("it keeps its references as a reftable, which cannot be read: `git refs migrate --ref-format=files` changes that")
	}
	return filesystem.NewStorage(files, cache.NewObjectLRUDefault()), nil
}

// findGitDir looks for .git in dir and above; a file of that name, as worktrees
// and submodules have, says where the folder is.
func findGitDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(dir, ".git")
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			return path, nil
		case err == nil:
			return readPath(path, "gitdir: ")
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		if dir == filepath.Dir(dir) {
			return "", nil
		}
		dir = filepath.Dir(dir)
	}
}

// readPath reads a file that holds nothing but a path, relative to its folder.
func readPath(file, prefix string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	path, ok := strings.CutPrefix(strings.TrimSpace(string(data)), prefix)
	if !ok || path == "" {
		return "", fmt.Errorf("%s does not name a folder", file)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(file), path)
	}
	return path, nil
}
