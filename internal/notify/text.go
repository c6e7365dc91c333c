package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/strata-tf/strata/internal/foreign"
)

// escape writes one character of foreign text as a format takes it literally.
// before is what was written of the text so far, rest what follows in it.
type escape func(before string, r rune, rest string) string

// plain is the escape of formats without marks.
func plain(_ string, r rune, _ string) string { return string(r) }

// fit makes one line of foreign text, escaped and at most so long, as size
// measures it: what is longer ends with "…", between two characters. Colours of
// tools are taken out, white space becomes single spaces, other control
// characters, those that reorder text and invalid UTF-8 become U+FFFD.
func fit(s string, most int, size func(string) int, esc escape) string {
	const dots = "…"
	var b strings.Builder
	used, room := 0, 0 // room is how much of b leaves space for the dots
	space := false
	for len(s) > 0 {
		if n := foreign.ColourLen(s); n > 0 {
			s = s[n:]
			continue
		}
		r, width := utf8.DecodeRuneInString(s)
		s = s[width:]
		if unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if unicode.IsControl(r) || foreign.Reorders(r) {
			r = utf8.RuneError
		}
		var piece string
		if space {
			piece, space = " ", false
		}
		piece += esc(b.String()+piece, r, s)
		used += size(piece)
		if used > most {
			return b.String()[:room] + dots
		}
		b.WriteString(piece)
		if used+size(dots) <= most {
			room = b.Len()
		}
	}
	return b.String()
}

// units measures text in UTF-16 units: no vendor that counts "characters"
// counts more.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// octets measures text in bytes.
func octets(s string) int { return len(s) }

// encode writes JSON without making "<", ">" and "&" six bytes each.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// most is the greatest number of n things that fit; that none fits is for fits
// to make impossible.
func most(n int, fits func(n int) bool) int {
	return sort.Search(n, func(i int) bool { return !fits(i + 1) })
}

// andMore says that some things are left out.
func andMore(n int) string { return fmt.Sprintf("… and %d more", n) }
