package affected

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// add adds a file and all symbolic links on the way to it, and returns the name
// behind these.
func (c *Closures) add(in *Inputs, name, why string) string {
	real, via := c.real(name)
	for _, link := range via {
		in.file(link, why)
	}
	if real != "" {
		in.file(real, why)
	}
	return real
}

// isLink says whether a name may be a symbolic link.
func (c *Closures) isLink(name string) bool {
	if c.snapshot == nil {
		return true
	}
	_, ok := slices.BinarySearch(c.snapshot.links, name)
	return ok
}

// linksBelow says whether there may be a symbolic link below a folder.
func (c *Closures) linksBelow(dir string) bool {
	if c.snapshot == nil || dir == "" {
		return c.snapshot == nil || len(c.snapshot.links) > 0
	}
	i, _ := slices.BinarySearch(c.snapshot.links, dir+"/")
	return i < len(c.snapshot.links) && strings.HasPrefix(c.snapshot.links[i], dir+"/")
}

// real follows the symbolic links of a path, as Terraform does: a module that is
// a link goes on from the real folder. It returns the links too.
func (c *Closures) real(name string) (real string, via []string) {
	if c.snapshot != nil && len(c.snapshot.links) == 0 {
		return name, nil
	}
	rest, done := name, ""
	for hops := 0; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		next := path.Join(done, part)
		if !c.isLink(next) || hops > 40 {
			done = next
			continue
		}
		target, err := fs.ReadLink(c.fsys, dot(next))
		if err != nil {
			done = next
			continue
		}
		hops++
		via = append(via, next)
		resolved, ok := inside(path.Join(done, target))
		if !ok || strings.HasPrefix(target, "/") {
			return name, via // out of the repository
		}
		rest, done = strings.TrimPrefix(resolved+"/"+rest, "/"), ""
		rest = strings.TrimSuffix(rest, "/")
	}
	return done, via
}
