package affected

import "bytes"

// quickCall is a module block, as far as a glance tells.
type quickCall struct{ name, source string }

// glimpse is what a glance at a file finds.
type glimpse struct {
	calls   []quickCall
	backend bool // there is a backend block
}

// quick looks at the text of a .tf file without parsing it. It finds the modules
// that are called; ok is false where that would not do: the file may name files,
// or it is written in a way that this does not follow. What else is in the file
// is parsed when a value of it is asked for.
func quick(text []byte) (found glimpse, ok bool) {
	if telling(text) {
		return glimpse{}, false
	}
	g := &glance{text: text}
	if !g.body() {
		return glimpse{}, false
	}
	return g.glimpse, true
}

// telling says whether a file's text has a word in it that may lead to files.
func telling(text []byte) bool {
	for rest := text; ; {
		i := bytes.Index(rest, []byte("file"))
		if i < 0 {
			break
		}
		// "profile" is a word of every other provider block.
		if i < 3 || string(rest[i-3:i]) != "pro" {
			return true
		}
		rest = rest[i+4:]
	}
	for _, word := range []string{"path", "::", "<<", "/*", "\xef\xbb\xbf"} {
		if bytes.Contains(text, []byte(word)) {
			return true
		}
	}
	return false
}

// glance goes through a file's text.
type glance struct {
	glimpse
	text      []byte
	at        int
	depth     int
	open      int  // the call whose block this is, counted from 1; 0 outside of one
	terraform bool // this is a terraform block
}

// body goes through the whole text; false where it cannot be followed.
func (g *glance) body() bool {
	fresh := true // at the beginning of a line
	for g.at < len(g.text) {
		c := g.text[g.at]
		switch {
		case c == '\n':
			fresh = true
			g.at++
			continue
		case c == ' ' || c == '\t' || c == '\r':
			g.at++
			continue
		case c == '#' || c == '/' && g.at+1 < len(g.text) && g.text[g.at+1] == '/':
			if end := bytes.IndexByte(g.text[g.at:], '\n'); end >= 0 {
				g.at += end
			} else {
				g.at = len(g.text)
			}
			continue
		case c == '{' || c == '[' || c == '(':
			g.depth++
			g.at++
		case c == '}' || c == ']' || c == ')':
			if g.depth--; g.depth < 0 {
				return false
			}
			if g.depth == 0 {
				g.open, g.terraform = 0, false
			}
			g.at++
		case c == '"':
			text, plain, ok := g.quoted()
			if !ok || plain && isDotted(text) {
				return false // perhaps a path for a provider
			}
		case isWord(c):
			word := g.word()
			if fresh && !g.statement(word) {
				return false
			}
			// A block of one line begins anew: module "a" { source = "./a" }.
			fresh = false
			continue
		case c < ' ' || c > '~':
			return false
		default:
			g.at++
		}
		fresh = c == '{' && g.depth == 1
	}
	return g.depth == 0
}

// statement looks at what a line begins with.
func (g *glance) statement(word string) bool {
	switch {
	case g.depth == 0 && word == "terraform":
		g.terraform = true
	case g.depth == 1 && g.terraform && word == "backend":
		g.backend = true
	case g.depth == 0 && word == "module":
		g.blank()
		name, plain, ok := g.quoted()
		if g.blank(); !ok || !plain || g.at == len(g.text) || g.text[g.at] != '{' {
			return false
		}
		g.calls = append(g.calls, quickCall{name: name})
		g.open = len(g.calls)
	case g.depth == 1 && g.open > 0 && word == "source":
		g.blank()
		if g.at == len(g.text) || g.text[g.at] != '=' {
			return false
		}
		g.at++
		g.blank()
		source, plain, ok := g.quoted()
		if !ok || !plain {
			return false
		}
		g.calls[g.open-1].source = source
	}
	return true
}

func (g *glance) blank() {
	for g.at < len(g.text) && (g.text[g.at] == ' ' || g.text[g.at] == '\t') {
		g.at++
	}
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

func (g *glance) word() string {
	start := g.at
	for g.at < len(g.text) && isWord(g.text[g.at]) {
		g.at++
	}
	return string(g.text[start:g.at])
}

// quoted reads a string; plain says that it is all literal.
func (g *glance) quoted() (text string, plain, ok bool) {
	if g.at == len(g.text) || g.text[g.at] != '"' {
		return "", false, false
	}
	plain = true
	start := g.at + 1
	for g.at++; g.at < len(g.text); g.at++ {
		switch c := g.text[g.at]; {
		case c == '"':
			text = string(g.text[start:g.at])
			g.at++
			return text, plain, true
		case c == '\n' || c < ' ' && c != '\t':
			return "", false, false
		case c == '\\':
			plain = false
			g.at++
		case (c == '$' || c == '%') && g.at+1 < len(g.text) && g.text[g.at+1] == '{':
			if g.text[g.at-1] == c {
				return "", false, false // $${: leave it to the parser
			}
			plain = false
			g.at += 2
			if !g.template() {
				return "", false, false
			}
		}
	}
	return "", false, false
}

// template goes to the closing brace of what stands in a string.
func (g *glance) template() bool {
	for depth := 0; g.at < len(g.text); g.at++ {
		switch c := g.text[g.at]; c {
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return true
			}
			depth--
		case '"', '\n', '#', '/':
			return false
		}
	}
	return false
}

// isDotted says whether a text begins as a path relative to a folder.
func isDotted(text string) bool {
	return len(text) > 1 && text[0] == '.' && (text[1] == '/' || len(text) > 2 && text[1] == '.' && text[2] == '/')
}
