package affected

import (
	"io/fs"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// filesetOf is the folder that a fileset looks into and the pattern from there:
// a pattern may climb (../x/*).
func (s *scope) filesetOf(dir, pattern string) (folder, glob string, ok bool) {
	pattern = path.Clean(pattern)
	for strings.HasPrefix(pattern, "../") {
		dir, pattern = path.Join(dir, ".."), strings.TrimPrefix(pattern, "../")
	}
	folder, ok = s.place(dir)
	return folder, pattern, ok && doublestar.ValidatePattern(pattern)
}

// listing is what a fileset finds.
type listing struct {
	names   []string    // relative to the folder
	links   []string    // symbolic links that it follows, and what they lead to
	folders [][2]string // folders that it enters through links: where they are, and their names relative to the folder
}

// mostLinks is how many linked folders one fileset enters.
const mostLinks = 100

// list lists what a pattern matches below a folder. Linked folders are entered,
// as Terraform does.
func (s *scope) list(dir, glob string) *listing {
	l := &listing{}
	real, via := s.closures.real(dir)
	l.links = append(l.links, via...)
	if real != dir {
		l.folders = append(l.folders, [2]string{real, ""})
	}
	s.closures.list(l, real, "", glob, map[string]bool{real: true})
	return l
}

// list adds what is below a folder whose name, relative to where the fileset
// began, is rel. entered are the folders that links led to on the way here.
func (c *Closures) list(l *listing, dir, rel, glob string, entered map[string]bool) {
	entries, err := fs.ReadDir(c.fsys, dot(dir))
	if err != nil {
		return
	}
	for _, entry := range entries {
		name, lexical := path.Join(dir, entry.Name()), path.Join(rel, entry.Name())
		folder := entry.IsDir()
		if entry.Type()&fs.ModeSymlink != 0 {
			if !doublestar.MatchUnvalidated(glob, lexical) && !mayMatchBelow(glob, lexical) {
				continue
			}
			real, via := c.real(name)
			l.links = append(append(l.links, via...), real)
			info, err := fs.Stat(c.fsys, dot(real))
			if err != nil {
				continue
			}
			if folder = info.IsDir(); folder {
				if entered[real] || len(l.folders) == mostLinks || !mayMatchBelow(glob, lexical) {
					continue
				}
				l.folders = append(l.folders, [2]string{real, lexical})
				entered[real] = true
				c.list(l, real, lexical, glob, entered)
				delete(entered, real)
				continue
			}
		}
		switch {
		case !folder && doublestar.MatchUnvalidated(glob, lexical):
			l.names = append(l.names, lexical)
		case folder && mayMatchBelow(glob, lexical):
			c.list(l, name, lexical, glob, entered)
		}
	}
}
