package affected

import (
	"fmt"
	"strings"
)

// globOf writes a pattern of git's as one of doublestar's that means the same:
// braces mean nothing to git, its classes follow other rules, dir/** is what
// lies within dir only. ok is false for a pattern that matches nothing. The
// pattern's letters are bytes.
func globOf(pattern []rune) (glob string, ok bool) {
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '{', '}':
			out.WriteString(`\` + string(c))
		case '\\':
			if i++; i == len(pattern) {
				return "", false
			}
			out.WriteString(`\` + string(pattern[i]))
		case '[':
			class, end := globClass(pattern, i+1)
			if end < 0 || class == "" {
				return "", false
			}
			out.WriteString(class)
			i = end
		default:
			out.WriteRune(c)
		}
	}
	if glob = out.String(); strings.HasSuffix(glob, "/**") {
		glob += "/*"
	}
	return glob, true
}

// starsAfterText is for a peculiarity: git compares the text before the first
// wildcard apart, so that in ab**/c the stars stand at a beginning and mean any
// folders. It returns what is before and after them, and a glob for them.
func starsAfterText(pattern string) (before, stars, after string, ok bool) {
	i := strings.IndexAny(pattern, `*?[\`)
	if i < 1 || pattern[i-1] == '/' || !strings.HasPrefix(pattern[i:], "**") {
		return "", "", "", false
	}
	before, after = pattern[:i], strings.TrimLeft(pattern[i:], "*")
	switch {
	case after == "":
		return before, "{*,*/**}", "", true
	case after[0] == '/':
		return before, "{,*/**/}", after[1:], true
	}
	return "", "", "", false
}

// globClass reads a class from after its bracket to the one that closes it, at
// end. end is negative for one that does not end, and class empty for one that
// no letter is in.
func globClass(pattern []rune, i int) (class string, end int) {
	at := func(i int) rune {
		if i < len(pattern) {
			return pattern[i]
		}
		return 0
	}
	negated := at(i) == '!' || at(i) == '^'
	if negated {
		i++
	}
	var ranges []string
	add := func(low, high rune) {
		if low <= high {
			ranges = append(ranges, fmt.Sprintf(`\%c-\%c`, low, high))
		}
	}
	previous := rune(0)
	for first := true; first || at(i) != ']'; i++ {
		first = false
		c := at(i)
		switch {
		case c == 0:
			return "", -1
		case c == '\\':
			if i++; at(i) == 0 {
				return "", -1
			}
			c = at(i)
			add(c, c)
		case c == '-' && previous != 0 && at(i+1) != 0 && at(i+1) != ']':
			if i++; at(i) == '\\' {
				i++
			}
			if at(i) == 0 {
				return "", -1
			}
			add(previous, at(i))
			c = 0
		case c == '[' && at(i+1) == ':':
			stop := i + 2
			for at(stop) != 0 && at(stop) != ']' {
				stop++
			}
			if at(stop) == 0 {
				return "", -1
			}
			if stop == i+2 || at(stop-1) != ':' {
				add('[', '[') // not a named class after all
				break
			}
			bounds, known := namedClasses[string(pattern[i+2:stop-1])]
			if !known {
				return "", -1
			}
			for n := 0; n+1 < len(bounds); n += 2 {
				add(rune(bounds[n]), rune(bounds[n+1]))
			}
			i, c = stop, 0
		default:
			add(c, c)
		}
		previous = c
	}
	switch {
	case len(ranges) > 0 && negated:
		return "[^" + strings.Join(ranges, "") + "]", i
	case len(ranges) > 0:
		return "[" + strings.Join(ranges, "") + "]", i
	case negated:
		return "?", i
	default:
		return "", i
	}
}

// namedClasses are git's, each as pairs of a first and a last letter.
var namedClasses = map[string]string{
	"alnum": "09AZaz", "alpha": "AZaz", "blank": "  \t\t", "cntrl": "\x01\x1f\x7f\x7f", "digit": "09", "graph": "!~",
	"lower": "az", "print": " ~", "punct": "!/:@[`{~", "space": "  \t\r", "upper": "AZ", "xdigit": "09AFaf",
}
