package runner

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
)

// Scrubber replaces secret values in text that is about to be shown or kept:
// as they are, as JSON writes them, and in base64. The zero Scrubber replaces
// nothing.
type Scrubber struct {
	values   []string
	replacer *strings.Replacer
	needles  [][]byte
}

const scrubbed = "(secret)"

// shortestSecret is the length below which a value is not scrubbed: replacing
// every "a" of a log hides nothing and spoils it.
const shortestSecret = 4

// NewScrubber returns a Scrubber for values. Lines of a value of many lines
// count as values too, since streams are handled line by line.
func NewScrubber(values ...string) *Scrubber {
	var forms []string
	for _, value := range values {
		parts := []string{value}
		if lines := strings.Split(value, "\n"); len(lines) > 1 {
			parts = append(parts, lines...)
		}
		for _, part := range parts {
			if part = strings.TrimSpace(part); len(part) >= shortestSecret {
				forms = append(forms, encodings(part)...)
			}
		}
	}
	// The longest first: a value that holds another is replaced whole.
	slices.SortFunc(forms, func(a, b string) int {
		if d := len(b) - len(a); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	forms = slices.Compact(forms)
	s := &Scrubber{values: values}
	if len(forms) == 0 {
		return s
	}
	var pairs []string
	for _, form := range forms {
		pairs = append(pairs, form, scrubbed)
		s.needles = append(s.needles, []byte(form))
	}
	s.replacer = strings.NewReplacer(pairs...)
	return s
}

// With returns a Scrubber for further values too.
func (s *Scrubber) With(values ...string) *Scrubber {
	if s != nil {
		values = slices.Concat(s.values, values)
	}
	return NewScrubber(values...)
}

func encodings(value string) []string {
	forms := []string{value, base64.StdEncoding.EncodeToString([]byte(value)), base64.URLEncoding.EncodeToString([]byte(value))}
	for _, escapeHTML := range []bool{true, false} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(escapeHTML)
		if e.Encode(value) == nil {
			inner := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(b.String()), `"`), `"`)
			// A diagnostic's snippet quotes what is quoted already.
			twice := strings.ReplaceAll(strings.ReplaceAll(inner, `\`, `\\`), `"`, `\"`)
			forms = append(forms, inner, twice)
		}
	}
	return forms
}

// Text returns text without the secret values.
func (s *Scrubber) Text(text string) string {
	if s == nil || s.replacer == nil {
		return text
	}
	return s.replacer.Replace(text)
}

// Bytes returns data without the secret values; data itself where it has none.
func (s *Scrubber) Bytes(data []byte) []byte {
	if s == nil || s.replacer == nil || !slices.ContainsFunc(s.needles, func(n []byte) bool { return bytes.Contains(data, n) }) {
		return data
	}
	return []byte(s.replacer.Replace(string(data)))
}
