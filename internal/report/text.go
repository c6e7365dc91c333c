package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/strata-tf/strata/internal/foreign"
)

// clean makes one line of foreign text safe to show: names and messages come
// from repositories, tools and clouds, and must neither command a terminal nor
// break a row. Colours of tools are taken out, line ends and tabs become
// spaces, other control characters and those that reorder text become U+FFFD.
func clean(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for len(s) > 0 {
		if n := foreign.ColourLen(s); n > 0 {
			s = s[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == '\r' && strings.HasPrefix(s, "\r\n"):
		case r == '\n' || r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			b.WriteByte(' ')
		case unicode.IsControl(r) || foreign.Reorders(r):
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
		s = s[size:]
	}
	return b.String()
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// cleanLines splits foreign text into clean lines, without the empty ones at
// its end.
func cleanLines(s string) []string {
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n\t \r"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(clean(strings.ReplaceAll(line, "\t", "    ")), " ")
	}
	return lines
}

// disarm keeps a whole line of output from being read as a command by the log
// reader of a CI vendor: "::set-env…" at the start of a line, "##[…]" and
// "##vso[…]" anywhere.
func disarm(line string) string {
	if strings.Contains(line, "##") {
		line = strings.ReplaceAll(line, "##[", "## [")
		line = strings.ReplaceAll(line, "##vso[", "## vso[")
	}
	rest := strings.TrimLeftFunc(line, unicode.IsSpace)
	if strings.HasPrefix(rest, "::") {
		return line[:len(line)-len(rest)] + ": " + rest[1:]
	}
	return line
}

// columns measures text as terminals outside East Asian locales do.
func columns() *runewidth.Condition {
	return &runewidth.Condition{StrictEmojiNeutral: true}
}

// pad fills clean text with spaces up to a width.
func pad(s string, width int) string { return columns().FillRight(s, width) }

// cut shortens clean text to a width, with an ellipsis where something went.
func cut(s string, width int) string {
	if width <= 0 {
		return ""
	}
	return columns().Truncate(s, width, "…")
}

// wrap breaks clean text between words into lines of at most a width. A word
// that is longer has a line of its own: addresses and paths stay whole.
func wrap(s string, width int) []string {
	if width <= 0 || columns().StringWidth(s) <= width {
		return []string{s}
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case columns().StringWidth(line)+1+columns().StringWidth(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// duration says seconds as people do: 3.1s, 41s, 2m10s, 1h02m.
func duration(seconds float64) string {
	switch whole := int(seconds + 0.5); {
	case seconds < 9.95:
		return fmt.Sprintf("%.1fs", max(seconds, 0))
	case whole < 60:
		return fmt.Sprintf("%ds", whole)
	case whole < 3600:
		return fmt.Sprintf("%dm%02ds", whole/60, whole%60)
	default:
		return fmt.Sprintf("%dh%02dm", whole/3600, whole/60%60)
	}
}

// elapsed says how long something has been going on, in whole seconds.
func elapsed(d time.Duration) string {
	if d = max(d, 0); d < 10*time.Second {
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	return duration(d.Truncate(time.Second).Seconds())
}

// count says a number of things: 1 unit, 2 units, 1,000 units.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return thousands(n) + " " + thing
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
