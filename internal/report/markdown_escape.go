package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// mdText makes a line of foreign text safe within Markdown, table cells
// included. It must not stand at the start of a line. What it has between
// backticks is shown as code.
func mdText(s string) string {
	parts := strings.Split(clean(s), "`")
	if len(parts)%2 == 0 { // one backtick is left over
		return mdWords(strings.Join(parts, "`"))
	}
	var b strings.Builder
	for n, part := range parts {
		switch {
		case n%2 == 0:
			b.WriteString(mdWords(part))
		case strings.TrimSpace(part) == "":
			b.WriteString("&#96;" + part + "&#96;")
		default:
			b.WriteString(mdCode(part))
		}
	}
	return b.String()
}

// mdWords escapes all of a clean text. Neither people nor issues that it names
// are notified or linked.
func mdWords(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		var before, next byte
		if i > 0 {
			before = s[i-1]
		}
		if i+1 < len(s) {
			next = s[i+1]
		}
		switch {
		case c == '@' && isWord(next) && !isWord(before) && before != '_':
			b.WriteString("@&#8203;")
		case c == '#' && next >= '0' && next <= '9':
			b.WriteString("#&#8203;")
		case strings.IndexByte("&<>|\\`", c) >= 0:
			fmt.Fprintf(&b, "&#%d;", c)
		case strings.IndexByte("*_[]#~!", c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// mdCode shows a name or a value as code, within table cells too.
func mdCode(s string) string {
	s = disarm(clean(s))
	if s == "" {
		return "`\"\"`"
	}
	if !strings.ContainsAny(s, "`|\\<") {
		return "`" + s + "`"
	}
	var b strings.Builder
	b.WriteString("<code>")
	for _, r := range s {
		if strings.ContainsRune("&<>|\\`*_[]#~!@:", r) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteString("</code>")
	return b.String()
}

// mdFence writes clean lines as a block that nothing within them can end. The
// log of a job may show the text too, so its lines are disarmed.
func mdFence(b *strings.Builder, language string, lines []string) {
	longest, run := 2, 0
	for _, line := range lines {
		for i := range len(line) {
			if line[i] != '`' {
				run = 0
				continue
			}
			run++
			longest = max(longest, run)
		}
		run = 0
	}
	fence := strings.Repeat("`", longest+1)
	b.WriteString(fence + language + "\n")
	for _, line := range lines {
		b.WriteString(disarm(line) + "\n")
	}
	b.WriteString(fence + "\n")
}

// diffLines turns Terraform's words on a plan into a diff that is coloured:
// the mark of a line comes first, and "~" becomes "!".
func diffLines(diff string) []string {
	lines := cleanLines(diff)
	for n, line := range lines {
		rest := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(rest)]
		mark, after, found := strings.Cut(rest, " ")
		if !found {
			continue
		}
		switch mark {
		case "+", "-", "-/+", "+/-":
			lines[n] = mark + indent + " " + after
		case "~":
			lines[n] = "!" + indent + " " + after
		}
	}
	return lines
}

// cutBytes shortens text to at most n bytes between two characters.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n = max(n, 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// brief shortens a line of foreign text, before it is escaped.
func brief(s string, n int) string {
	s = clean(s)
	if len(s) <= n {
		return s
	}
	return cutBytes(s, n) + "…"
}
