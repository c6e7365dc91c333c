package stack

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// source is the text of a strata.yaml while it is changed in places. Lines and
// columns are those of the parsed text, offsets those of the text as it is.
type source struct {
	text   string
	starts []int // offset of each line
	end    string
	body   ast.Node // nil if there is nothing but comments
}

// edit puts a text in the place of another.
type edit struct {
	from, to int
	text     string
}

// newSource reads text that parseConfig has read before.
func newSource(data []byte) (*source, error) {
	s := &source{text: string(data), end: "\n"}
	if crlf := strings.Count(s.text, "\r\n"); 2*crlf > strings.Count(s.text, "\n") {
		s.end = "\r\n"
	}
	start := 0
	if strings.HasPrefix(s.text, "\ufeff") {
		start = len("\ufeff")
	}
	for line := range strings.Lines(s.text[start:]) {
		s.starts = append(s.starts, start)
		start += len(line)
	}
	file, err := parseYAML(normal(data))
	if err != nil {
		return nil, err
	}
	if len(file.Docs) > 0 {
		s.body = file.Docs[0].Body
	}
	return s, nil
}

// apply makes the edits, or says that they cannot be made.
func (s *source) apply(edits []edit) ([]byte, bool) {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out strings.Builder
	at := 0
	for _, e := range edits {
		if e.from < at || e.to < e.from || e.to > len(s.text) {
			return nil, false
		}
		out.WriteString(s.text[at:e.from])
		out.WriteString(strings.ReplaceAll(e.text, "\n", s.end))
		at = e.to
	}
	return []byte(out.String() + s.text[at:]), true
}

// offset is where a token begins, -1 if that cannot be told.
func (s *source) offset(tk *token.Token) int {
	if tk == nil || tk.Position == nil {
		return -1
	}
	line := tk.Position.Line - 1
	if line < 0 || line >= len(s.starts) {
		return -1
	}
	at := s.starts[line]
	for range tk.Position.Column - 1 {
		_, size := utf8.DecodeRuneInString(s.text[at:])
		at += size
	}
	return at
}

// lineStart is where a line begins, the first being 1; the text's end for one
// behind the last.
func (s *source) lineStart(line int) int {
	if line > len(s.starts) {
		return len(s.text)
	}
	return s.starts[line-1]
}

// line is a line without its end.
func (s *source) line(line int) string {
	return strings.TrimRight(s.text[s.lineStart(line):s.lineStart(line+1)], "\r\n")
}

// before puts whole lines before a line.
func (s *source) before(line int, lines string) []edit {
	at := s.lineStart(line)
	if line > len(s.starts) && len(s.starts) > 0 && !strings.HasSuffix(s.text, "\n") {
		lines = "\n" + lines
	}
	return []edit{{at, at, lines}}
}

// atEnd puts whole lines behind all others of the document.
func (s *source) atEnd(lines string) []edit {
	for line := range len(s.starts) {
		if text := s.line(line + 1); text == "..." || strings.HasPrefix(text, "... ") {
			return s.before(line+1, lines)
		}
	}
	return s.before(len(s.starts)+1, lines)
}

// scalarEnd is the end of a quoted or plain text that begins at an offset, -1
// if that cannot be told.
func (s *source) scalarEnd(at int, value string) int {
	rest := s.text[at:]
	if rest == "" {
		return -1
	}
	pattern := ""
	switch rest[0] {
	case '"':
		pattern = `^"(\\(?s:.)|[^"\\])*"`
	case '\'':
		pattern = `^'(''|[^'])*'`
	default: // perhaps of more lines than one
		words := strings.Fields(value)
		for i, word := range words {
			words[i] = regexp.QuoteMeta(word)
		}
		pattern = "^" + strings.Join(words, `\s+`)
	}
	found := regexp.MustCompile(pattern).FindStringIndex(rest)
	if found == nil || found[1] == 0 {
		return -1
	}
	return at + found[1]
}
