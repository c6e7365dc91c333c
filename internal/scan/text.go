package scan

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

// within makes a path, as a tool has it, one relative to the repository's root.
// One that is not in the repository stays as it is.
func within(root, file string) string {
	file, root = filepath.ToSlash(file), strings.TrimSuffix(filepath.ToSlash(root), "/")
	if rel, ok := strings.CutPrefix(file, root+"/"); ok {
		file = rel
	}
	return path.Clean(file)
}

// escapes are what colours a terminal.
var escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// longest is how much of a tool's words is taken.
const longest = 500

// line makes a tool's words one line without anything a terminal would obey.
func line(text string) string {
	text = escapes.ReplaceAllString(text, "")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + " …"
	}
	return text
}

var (
	modulePrefix = regexp.MustCompile(`^module\.[^.\[]+(\[("[^"]*"|[^\]]*)\])?\.?`)
	resourceHead = regexp.MustCompile(`^(data\.)?[^.\[]+(\.[^.\[]+)?`)
)

// inFile is a resource's address as its own file has it: without the modules
// that lead to it, the key of an instance and the name of an attribute. It is
// empty for a module's.
func inFile(address string) string {
	for {
		rest := modulePrefix.ReplaceAllString(address, "")
		if rest == address {
			return resourceHead.FindString(address)
		}
		address = rest
	}
}
