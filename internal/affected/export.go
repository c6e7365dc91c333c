package affected

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// Export writes the snapshot's files into a folder that is empty or not there
// yet. A submodule is an empty folder. A name or a link that leads out of the
// folder is an error.
func (s *Snapshot) Export(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir) // refuses what leads out of it
	if err != nil {
		return err
	}
	defer root.Close()
	for i, name := range s.Names {
		if err := s.export(root, name, s.entries[i].mode); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

func (s *Snapshot) export(root *os.Root, name string, mode filemode.FileMode) error {
	at := filepath.FromSlash(name)
	if err := root.MkdirAll(filepath.FromSlash(path.Dir(name)), 0o700); err != nil {
		return err
	}
	switch mode {
	case filemode.Submodule:
		return root.MkdirAll(at, 0o700)
	case filemode.Symlink:
		target, err := fs.ReadLink(s.FS, name)
		if err != nil {
			return err
		}
		return root.Symlink(filepath.FromSlash(target), at)
	}
	data, err := fs.ReadFile(s.FS, name)
	if err != nil {
		return err
	}
	perm := os.FileMode(0o600)
	if mode == filemode.Executable {
		perm = 0o700
	}
	return root.WriteFile(at, data, perm)
}
