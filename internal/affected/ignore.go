package affected

import (
	"bytes"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
)

// gitPattern is one pattern of a .gitignore or .gitattributes file. (go-git's
// own patterns do not look back in a/**/b and know no negated classes.)
type gitPattern struct {
	text    string
	negated bool
	dirOnly bool
	whole   bool // compared with the path from the file's folder, not with the name
	literal bool
}

// parsePattern reads one line; ok is false for an empty one or a comment.
func parsePattern(line string, fold bool) (p gitPattern, ok bool) {
	line = strings.TrimSuffix(line, "\r")
	if strings.HasPrefix(line, "#") {
		return p, false
	}
	line = trimSpaces(line)
	if rest, negated := strings.CutPrefix(line, "!"); negated {
		line, p.negated = rest, true
	}
	if rest, dir := strings.CutSuffix(line, "/"); dir {
		line, p.dirOnly = rest, true
	}
	if line == "" {
		return p, false
	}
	if strings.Contains(line, "/") {
		p.whole = true
		line = strings.TrimPrefix(line, "/")
	}
	if fold {
		line = strings.ToLower(line)
	}
	p.literal = !strings.ContainsAny(line, `*?[\`)
	p.text = bytewise(line)
	if p.literal {
		return p, true
	}
	before, stars, after, special := starsAfterText(p.text)
	if !special || !p.whole {
		p.text, ok = globOf([]rune(p.text))
		return p, ok
	}
	after, ok = globOf([]rune(after))
	before, _ = globOf([]rune(before))
	p.text = before + stars + after
	return p, ok
}

// bytewise makes a letter of every byte, since to git's ? and [!a] a byte is a
// letter.
func bytewise(text string) string {
	ascii := true
	for i := range len(text) {
		ascii = ascii && text[i] < utf8.RuneSelf
	}
	if ascii {
		return text
	}
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// trimSpaces takes off spaces at the end that no backslash protects.
func trimSpaces(line string) string {
	for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
		line = line[:len(line)-1]
	}
	return line
}

// match says whether the pattern is that of a path relative to its folder.
func (p gitPattern) match(rel string, dir bool) bool {
	if p.dirOnly && !dir {
		return false
	}
	if !p.whole {
		rel = path.Base(rel)
	}
	rel = bytewise(rel)
	if p.literal {
		return rel == p.text
	}
	return doublestar.MatchUnvalidated(p.text, rel)
}

// ignores are the patterns that hold in one folder: its own, then those of the
// folders above, then .git/info/exclude, then the user's.
type ignores struct {
	above    *ignores
	dir      string // the folder of the patterns, "" for the top
	patterns []gitPattern
	fold     bool // upper and lower case are the same
}

// with adds the text of an ignore file in a folder.
func (g *ignores) with(dir string, text []byte, fold bool) *ignores {
	added := &ignores{above: g, dir: dir, fold: fold}
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\ufeff"))) {
		if p, ok := parsePattern(strings.TrimSuffix(string(line), "\n"), fold); ok {
			added.patterns = append(added.patterns, p)
		}
	}
	if len(added.patterns) == 0 {
		return g
	}
	return added
}

// ignored says whether a path is ignored, given that its folder is not.
func (g *ignores) ignored(name string, dir bool) bool {
	for ; g != nil; g = g.above {
		rel := strings.TrimPrefix(name[len(g.dir):], "/")
		if g.fold {
			rel = strings.ToLower(rel)
		}
		for i := len(g.patterns) - 1; i >= 0; i-- {
			if g.patterns[i].match(rel, dir) {
				return !g.patterns[i].negated
			}
		}
	}
	return false
}
