package notify

import "testing"

func TestFit(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		size func(string) int
		esc  escape
		want string
	}{
		{"as it is", 8, units, plain, "as it is"},
		{"as it is!", 8, units, plain, "as it i…"},
		{" \t two  lines\r\nof\u2028text \n", 99, units, plain, "two lines of text"},
		{"\x1b[1;31mred\x1b[0m \x1b]0;x\a", 99, units, plain, "red \uFFFD]0;x\uFFFD"},
		{"a\u202eb\xffc\x00d", 99, units, plain, "a\uFFFDb\uFFFDc\uFFFDd"},
		{"🚀🚀🚀", 6, units, plain, "🚀🚀🚀"},
		{"🚀🚀🚀", 5, units, plain, "🚀🚀…"},
		{"🚀🚀🚀", 11, octets, plain, "🚀🚀…"},
		{"üüü", 5, octets, plain, "ü…"},
		{"a<b&c", 11, units, slackEscape, "a&lt;b&amp;c"[:6] + "…"},
		{"a<b&c", 12, units, slackEscape, "a&lt;b&amp;c"},
		{"", 3, units, plain, ""},
		{"x", 0, units, plain, "…"},
		{"`a` ```b``` <!channel>", 99, units, slackEscape, "`a` ''`b''` &lt;!channel&gt;"},
		{"`a`", 99, units, slackCode, "'a'"},
		{"main_1 *b* [x](y) <at>", 99, octets, teamsEscape, `main\_1 \*b\* \[x\](y) \<at>`},
		{"- a-b", 99, octets, teamsEscape, `\- a-b`},
		{"# a #1", 99, octets, teamsEscape, `\# a #1`},
		{"12. a 1. b.", 99, octets, teamsEscape, `12\. a 1. b.`},
		{"a & b &amp; &#42;", 99, octets, teamsEscape, `a & b \&amp; \&#42;`},
		{"{{DATE(x)}} {a} {{{", 99, octets, teamsEscape, `\{\{DATE(x)}} {a} \{\{\{`},
	} {
		if got := fit(c.text, c.most, c.size, c.esc); got != c.want {
			t.Errorf("%q within %d is %q, not %q", c.text, c.most, got, c.want)
		}
	}
}

func TestMost(t *testing.T) {
	for limit := range 12 {
		if got := most(10, func(n int) bool { return n <= limit }); got != min(limit, 10) {
			t.Errorf("%d of 10 fit, not %d", got, limit)
		}
	}
}
