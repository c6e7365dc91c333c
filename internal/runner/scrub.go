package runner

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Scrubber replaces secret values in text that is about to be shown or kept: as
// they are, quoted (once or twice), as Terraform's urlencode writes them, and in
// base64, also of a text that holds one. The zero Scrubber replaces nothing.
type Scrubber struct {
	values []string
	forms  map[uint32][]string // all that is looked for, by its first four bytes, the longest first
}

const scrubbed = "(secret)"

// shortestSecret is the length below which a value is not scrubbed: replacing
// every "a" of a log hides nothing and spoils it.
const shortestSecret = 4

// NewScrubber returns a Scrubber for values. Lines of a value of many lines
// count as values too, since streams are handled line by line.
func NewScrubber(values ...string) *Scrubber {
	s := &Scrubber{values: values, forms: make(map[uint32][]string)}
	for _, value := range values {
		for _, part := range append(strings.Split(value, "\n"), value) {
			if part = strings.TrimSpace(part); len(part) >= shortestSecret {
				s.add(part)
			}
		}
	}
	for first, forms := range s.forms {
		slices.SortFunc(forms, func(a, b string) int {
			if d := len(b) - len(a); d != 0 {
				return d
			}
			return strings.Compare(a, b)
		})
		s.forms[first] = slices.Compact(forms)
	}
	return s
}

// With returns a Scrubber for further values too.
func (s *Scrubber) With(values ...string) *Scrubber {
	if s != nil {
		values = slices.Concat(s.values, values)
	}
	return NewScrubber(values...)
}

func (s *Scrubber) add(value string) {
	for _, form := range slices.Concat([]string{value, url.QueryEscape(value)}, quoted(value), base64Forms(value)) {
		s.forms[firstBytes(form)] = append(s.forms[firstBytes(form)], form)
	}
}

func firstBytes(text string) uint32 {
	return uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24
}

// quoted lists how a string is written between quotes, and between those of
// what is quoted again: a diagnostic's snippet does that.
func quoted(value string) []string {
	texts := []string{strconv.Quote(value)}
	for _, escapeHTML := range []bool{true, false} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(escapeHTML)
		_ = e.Encode(value) // a string always can be
		texts = append(texts, strings.TrimSpace(b.String()))
	}
	var forms []string
	for _, text := range texts {
		once := text[1 : len(text)-1]
		forms = append(forms, once, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(once))
	}
	return forms
}

// base64Forms lists what base64 makes of value alone and, for each of the three
// places where it can begin, of value within other text: there without the
// characters that also hold bits of its neighbours.
func base64Forms(value string) []string {
	var forms []string
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		alone := e.EncodeToString([]byte(value))
		forms = append(forms, alone, strings.TrimRight(alone, "="))
		for before := range 3 {
			within := e.EncodeToString(append(make([]byte, before), value...))
			forms = append(forms, within[(before*8+5)/6:(before+len(value))*8/6])
		}
	}
	return forms
}

// Text returns text without the secret values. Of those that overlap nothing
// stays.
func (s *Scrubber) Text(text string) string {
	if s == nil || len(s.forms) == 0 {
		return text
	}
	var out strings.Builder
	end := 0 // of what is in out
	for i := 0; i+shortestSecret <= len(text); i++ {
		n := s.match(text[i:])
		if n == 0 {
			continue
		}
		if i >= end {
			out.WriteString(text[end:i])
			out.WriteString(scrubbed)
		}
		end = max(end, i+n)
	}
	if end == 0 {
		return text
	}
	return out.String() + text[end:]
}

// match returns the length of the secret that text begins with, 0 for none.
func (s *Scrubber) match(text string) int {
	for _, form := range s.forms[firstBytes(text)] {
		if strings.HasPrefix(text, form) {
			return len(form)
		}
	}
	return 0
}
