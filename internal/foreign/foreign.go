// Package foreign knows what text from repositories, tools and clouds may hold
// that must not reach people as it is.
package foreign

import "strings"

// ColourLen is the length of the colour sequence that s begins with, or 0.
func ColourLen(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	for i := 2; i < len(s); i++ {
		switch c := s[i]; {
		case c == 'm':
			return i + 1
		case c != ';' && c != ':' && (c < '0' || c > '9'):
			return 0
		}
	}
	return 0
}

// Reorders tells the invisible characters that make text read differently
// from what it is.
func Reorders(r rune) bool {
	return r == '\u200e' || r == '\u200f' || r == '\u061c' || r == '\ufeff' ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
