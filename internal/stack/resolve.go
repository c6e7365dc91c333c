package stack

import (
	"io/fs"
	"path"
	"strings"
)

// resolver follows symbolic links in paths of the repository. It is not safe
// for concurrent use.
type resolver struct {
	fsys  fs.ReadLinkFS // nil if links cannot be read
	cache map[string]string
}

func newResolver(fsys fs.FS) *resolver {
	links, _ := fsys.(fs.ReadLinkFS)
	return &resolver{fsys: links, cache: map[string]string{}}
}

// real is the path with every link in it followed. A link that leads in a
// circle or out of the repository is left as it is.
func (r *resolver) real(p string) string {
	if r.fsys == nil {
		return p
	}
	return r.follow(p, 0)
}

func (r *resolver) follow(p string, hops int) string {
	if p == "." || p == "" {
		return "."
	}
	if known, ok := r.cache[p]; ok {
		return known
	}
	parent := r.follow(path.Dir(p), hops)
	here := path.Join(parent, path.Base(p))
	real := here
	if target, ok := r.link(here); ok && hops < 40 {
		if next := path.Join(parent, target); insideRoot(next) && !strings.HasPrefix(target, "/") {
			real = r.follow(next, hops+1)
		}
	}
	if hops == 0 {
		r.cache[p] = real
	}
	return real
}

// link reads a link; false if it is none.
func (r *resolver) link(p string) (string, bool) {
	info, err := r.fsys.Lstat(p)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return "", false
	}
	target, err := r.fsys.ReadLink(p)
	return target, err == nil
}
