package runner

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestScrubberForms(t *testing.T) {
	const secret = `p"a\ss <wörd>&`
	asJSON := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	s := NewScrubber(secret)
	for name, text := range map[string]string{
		"raw":                        secret,
		"within a word":              "x" + secret + "y",
		"in JSON":                    asJSON(map[string]string{"k": secret}),
		"in JSON in JSON":            asJSON(asJSON(secret)),
		"JSON without HTML escapes":  `"p\"a\\ss <wörd>&"`,
		"quoted by Go":               fmt.Sprintf("%q", secret),
		"urlencode":                  "postgres://u:" + url.QueryEscape(secret) + "@db",
		"base64":                     base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 without padding":     base64.RawStdEncoding.EncodeToString([]byte(secret)),
		"base64 of a text, place 0":  base64.StdEncoding.EncodeToString([]byte("abc" + secret + "z")),
		"base64 of a text, place 1":  base64.StdEncoding.EncodeToString([]byte("a" + secret)),
		"base64 of a text, place 2":  base64.StdEncoding.EncodeToString([]byte("user:" + secret + "yz")),
		"base64 for URLs":            base64.URLEncoding.EncodeToString([]byte("??>>>" + secret)),
		"base64 with a line's end":   base64.StdEncoding.EncodeToString([]byte(secret + "\n")),
		"twice, one after the other": secret + secret,
	} {
		t.Run(name, func(t *testing.T) {
			got := s.Text(text)
			if !strings.Contains(got, scrubbed) {
				t.Fatalf("nothing was replaced in %q", text)
			}
			if rest := strings.ReplaceAll(got, scrubbed, ""); len(rest) > len(text)-len(secret)*4/3+4 && strings.HasPrefix(name, "base64") {
				t.Errorf("too much is left of %q: %q", text, got)
			}
			if strings.Contains(got, secret) {
				t.Errorf("the secret is left: %q", got)
			}
		})
	}
}

func TestScrubberExact(t *testing.T) {
	for _, test := range []struct {
		name    string
		secrets []string
		text    string
		want    string
	}{
		{"none", nil, "as it is", "as it is"},
		{"short ones are ignored", []string{"", "a", "abc", " ab "}, "abc a ab", "abc a ab"},
		{"spaces around it do not count", []string{" abcd\n"}, "x abcd y", "x (secret) y"},
		{"one within another", []string{"word", "password1"}, "password1 word", "(secret) (secret)"},
		{"overlapping", []string{"abcdef", "defghi"}, "<abcdefghi>", "<(secret)>"},
		{"overlapping, three", []string{"abcdef", "efghij", "ijklmn"}, "abcdefghijklmn!", "(secret)!"},
		{"overlapping itself", []string{"abab"}, "ababab.", "(secret)."},
		{"side by side", []string{"abcd"}, "abcdabcd", "(secret)(secret)"},
		{"at the very end", []string{"abcd"}, "xyabcd", "xy(secret)"},
		{"half of it", []string{"abcdefgh"}, "abcdefg", "abcdefg"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := NewScrubber(test.secrets...).Text(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestScrubberLines(t *testing.T) {
	const key = "-----BEGIN PRIVATE KEY-----\r\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\r\nBKcwggSjAgEAAoIBAQC7\r\n-----END PRIVATE KEY-----\r\n"
	s := NewScrubber(key)
	for name, text := range map[string]string{
		"line by line":  "  | MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
		"whole":         key,
		"in JSON":       fmt.Sprintf("%q", key),
		"base64":        base64.StdEncoding.EncodeToString([]byte(key)),
		"other endings": strings.ReplaceAll(key, "\r\n", "\n"),
	} {
		got := s.Text(text)
		for _, part := range []string{"MIIEvQ", "BKcwgg", "TUlJRXZR"} {
			if strings.Contains(got, part) {
				t.Errorf("%s: %q is left in %q", name, part, got)
			}
		}
	}
}

func TestScrubberWith(t *testing.T) {
	first := NewScrubber("first")
	both := first.With("second")
	if got := both.Text("first second"); got != "(secret) (secret)" {
		t.Errorf("both: %q", got)
	}
	if got := first.Text("first second"); got != "(secret) second" {
		t.Errorf("With changed the one it was called on: %q", got)
	}
	var none *Scrubber
	if got := none.With("second").Text("first second"); got != "first (secret)" {
		t.Errorf("of none: %q", got)
	}
	if got := none.Text("first"); got != "first" {
		t.Errorf("none: %q", got)
	}
	if got := new(Scrubber).Text("first"); got != "first" {
		t.Errorf("zero: %q", got)
	}
}

func FuzzScrubber(f *testing.F) {
	f.Add("password", "word", "a password\n and a word", uint8(0))
	f.Add("abcdef", "defghi", "abcdefghi", uint8(1))
	f.Add("line one\nline two", "\x00\xff\xfe\x01", "line two\x00\xff\xfe\x01", uint8(2))
	f.Fuzz(func(t *testing.T, one, two, text string, place uint8) {
		s := NewScrubber(one, two)
		at := int(place) % (len(text) + 1)
		text = text[:at] + one + two + text[at:]
		out := s.Text(text)
		encoded := s.Text(base64.StdEncoding.EncodeToString([]byte(text)))
		for _, secret := range []string{strings.TrimSpace(one), strings.TrimSpace(two)} {
			// What the mark itself could be a part of says nothing.
			if len(secret) < shortestSecret || strings.ContainsAny(secret, "()") || strings.Contains(scrubbed, secret) {
				continue
			}
			if strings.Contains(out, secret) {
				t.Errorf("%q is left in %q", secret, out)
			}
			// The marks are no base64: what stands between them is decoded by itself.
			for before := range 3 {
				form := base64.StdEncoding.EncodeToString(append(make([]byte, before), secret...))
				form = form[(before*8+5)/6 : (before+len(secret))*8/6]
				if !strings.Contains(scrubbed, form) && strings.Contains(encoded, form) {
					t.Errorf("%q (base64 of %q) is left in %q", form, secret, encoded)
				}
			}
		}
	})
}

func BenchmarkScrubber(b *testing.B) {
	var secrets []string
	for i := range 1000 {
		secrets = append(secrets, fmt.Sprintf("secret-number-%d-of-a-thousand", i))
	}
	s := NewScrubber(secrets...)
	text := strings.Repeat(`{"@level":"info","@message":"aws_instance.web: Creating...","secret":"secret-number-77-of"}`, 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s.Text(text)
	}
}
