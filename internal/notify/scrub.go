package notify

import (
	"cmp"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// firstLine is the first line of what a server said: clean, bounded, and
// without what is secret. Servers and proxies repeat the URL they were asked
// for.
func firstLine(t Target, text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return scrub(t, line)
}

// scrub takes a target's URL and key out of a text, makes one clean line of the
// text and cuts it.
func scrub(t Target, text string) string {
	text = fit(text, len(text)*3, octets, plain) // first, as what is taken out may stand within a secret
	if secrets := secrets(t); len(secrets) > 0 {
		text = regexp.MustCompile("(?i)"+strings.Join(secrets, "|")).ReplaceAllLiteralString(text, "[…]")
	}
	return fit(text, 200, octets, plain)
}

// secrets are patterns for what a target's URL and key are made of, in the ways
// they are written, the longest first.
func secrets(t Target) []string {
	const least = 6 // a part as short as that is no secret, but a word of a sentence
	parts := []string{t.URL, t.Key}
	if u, err := url.Parse(t.URL); err == nil {
		bare := *u
		bare.Scheme = ""
		long := []string{bare.String(), u.Host, u.Hostname(), u.RequestURI(), u.EscapedPath(), u.Path, u.RawQuery}
		password, _ := u.User.Password()
		long = append(long, u.User.Username(), password)
		long = append(long, strings.Split(u.Path, "/")...)
		long = append(long, strings.Split(u.EscapedPath(), "/")...)
		for _, values := range u.Query() {
			long = append(long, values...)
		}
		for _, pair := range strings.Split(u.RawQuery, "&") {
			_, value, _ := strings.Cut(pair, "=")
			long = append(long, value)
		}
		for _, part := range long {
			if len(part) >= least {
				parts = append(parts, part)
			}
		}
	}
	var patterns []string
	for _, part := range parts {
		quoted, _ := json.Marshal(part)
		for _, written := range []string{
			part, url.QueryEscape(part), url.PathEscape(part), html.EscapeString(part),
			strings.Trim(string(quoted), `"`), strings.ReplaceAll(part, "/", `\/`),
		} {
			if written != "" {
				patterns = append(patterns, regexp.QuoteMeta(written))
			}
		}
	}
	slices.SortFunc(patterns, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return slices.Compact(patterns)
}
