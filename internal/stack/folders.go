package stack

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// folders reads folders of the repository, those that lead to units once each.
type folders struct {
	fsys  fs.FS
	cache map[string][]subfolder
	links bool // a symbolic link led somewhere
}

func newFolders(fsys fs.FS) *folders {
	return &folders{fsys: fsys, cache: map[string][]subfolder{}}
}

// subfolder is a folder, or a link to one, in another one.
type subfolder struct {
	name  string
	fault error // a link that cannot be followed
}

// below lists the folders in a folder, sorted, hidden ones left out. A folder
// that is not there has none.
func (f *folders) below(dir string) []subfolder {
	if list, ok := f.cache[dir]; ok {
		return list
	}
	var list []subfolder
	entries, _ := fs.ReadDir(f.fsys, dir)
	for _, entry := range entries {
		switch {
		case strings.HasPrefix(entry.Name(), "."):
		case entry.IsDir():
			list = append(list, subfolder{name: entry.Name()})
		case entry.Type()&fs.ModeSymlink != 0:
			info, err := fs.Stat(f.fsys, path.Join(dir, entry.Name()))
			if err != nil || info.IsDir() {
				f.links = true
				list = append(list, subfolder{name: entry.Name(), fault: err})
			}
		}
	}
	f.cache[dir] = list
	return list
}

// content is what matters of a folder that may be a unit.
type content struct {
	missing   bool  // there is no such folder
	fault     error // it cannot be read
	terraform bool  // it has Terraform files
	left      bool  // nothing but what Terraform itself left there
}

// read looks into a folder that may be a unit.
func (f *folders) read(dir string) content {
	entries, err := fs.ReadDir(f.fsys, dir)
	if err != nil {
		info, statErr := fs.Stat(f.fsys, dir)
		if errors.Is(statErr, fs.ErrNotExist) || statErr == nil && !info.IsDir() {
			return content{missing: true}
		}
		return content{fault: err}
	}
	var c content
	data, only := false, true
	for _, entry := range entries {
		name := entry.Name()
		state := strings.Contains(name, ".tfstate") // backups and the folder of workspaces too
		data = data || state || name == ".terraform"
		only = only && (state || strings.HasPrefix(name, "."))
		c.terraform = c.terraform || !entry.IsDir() && IsTerraformFile(name)
	}
	c.left = data && only
	return c
}

// IsTerraformFile says whether Terraform or OpenTofu reads a file of a folder by
// itself, as a part of a module. Both leave out hidden files, and those that
// editors put beside a file end otherwise.
func IsTerraformFile(name string) bool {
	if strings.HasPrefix(name, ".") {
		return false
	}
	for _, suffix := range []string{".tf", ".tf.json", ".tofu", ".tofu.json"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}
