package stack

import "strings"

// Literal is a glob of addresses or attributes that matches the text alone.
func Literal(text string) string { return strings.NewReplacer("*", `\*`, "?", `\?`).Replace(text) }

// wildcard matches a glob of addresses or attributes: * is any text, ? any one
// character, \* and \? are these themselves. All else stands for itself, the
// brackets, slashes and quotes of addresses too, so that an address matches
// itself.
func wildcard(pattern, text string) bool {
	if pattern == text {
		return true
	}
	p, t := wildcardSigns(pattern), []rune(text)
	i, star, after := 0, -1, 0 // star: the last * passed; after: where what follows it was tried
	for j := 0; j < len(t); {
		switch {
		case i < len(p) && p[i] == anyText:
			star, after = i, j
			i++
		case i < len(p) && (p[i] == anySign || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			after++
			i, j = star+1, after
		default:
			return false
		}
	}
	for i < len(p) && p[i] == anyText {
		i++
	}
	return i == len(p)
}

// What * and ? mean, beside the characters that stand for themselves.
const (
	anyText rune = -1
	anySign rune = -2
)

func wildcardSigns(pattern string) []rune {
	var signs []rune
	escaped := false
	for _, r := range pattern {
		switch special := r == '*' || r == '?'; {
		case special && escaped:
			signs[len(signs)-1] = r // in place of the backslash
		case r == '*':
			signs = append(signs, anyText)
		case r == '?':
			signs = append(signs, anySign)
		default:
			signs = append(signs, r)
		}
		escaped = r == '\\'
	}
	return signs
}

// covers says whether a glob means an attribute, or one that it is a part of:
// tags means tags.Name, and ingress means ingress[0].cidr_blocks.
func covers(pattern, attribute string) bool {
	if wildcard(pattern, attribute) {
		return true
	}
	for i := 1; i < len(attribute); i++ {
		if (attribute[i] == '.' || attribute[i] == '[') && wildcard(pattern, attribute[:i]) {
			return true
		}
	}
	return false
}
