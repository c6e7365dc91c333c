package report

import (
	"strings"
	"testing"
	"time"
)

func TestClean(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain", "plain"},
		{"\x1b[31mred\x1b[0m", "red"},
		{"\x1b[38:2::1:2:3mx", "x"},
		{"a\r\nb\tc\rd", "a b c d"},
		{"\x1b[2Jx\x1b]0;t\x07", "�[2Jx�]0;t�"},
		{"\u009b2J\x7f", "�2J�"},
		{"a\u202eb", "a�b"},
		{"\xff", "�"},
		{"日本 é", "日本 é"},
		{"\x1b[", "�["},
	}
	for _, test := range tests {
		if got := clean(test.in); got != test.want {
			t.Errorf("clean(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestDisarm(t *testing.T) {
	tests := []struct{ in, want string }{
		{"::error::x", ": :error::x"},
		{" \t ::error::x", " \t : :error::x"},
		{"\u00a0::x", "\u00a0: :x"},
		{"a::b", "a::b"},
		{":::x", ": ::x"},
		{"x ##[command]y ##vso[task]z", "x ## [command]y ## vso[task]z"},
		{"# heading", "# heading"},
	}
	for _, test := range tests {
		if got := disarm(test.in); got != test.want {
			t.Errorf("disarm(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestDuration(t *testing.T) {
	for seconds, want := range map[float64]string{0: "0.0s", -1: "0.0s", 3.14: "3.1s", 9.94: "9.9s", 9.96: "10s", 59.4: "59s", 59.6: "1m00s", 130: "2m10s", 3599.7: "1h00m", 3725: "1h02m"} {
		if got := duration(seconds); got != want {
			t.Errorf("duration(%v) = %s, want %s", seconds, got, want)
		}
	}
	if got := elapsed(130*time.Second + 900*time.Millisecond); got != "2m10s" {
		t.Errorf("elapsed = %s", got)
	}
}

func TestWrap(t *testing.T) {
	got := strings.Join(wrap("one two averyveryverylongword three", 8), "|")
	if want := "one two|averyveryverylongword|three"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFenceOutlastsItsContent(t *testing.T) {
	var b strings.Builder
	mdFence(&b, "diff", []string{"```", "a ````` b", "``````"})
	if got := b.String(); !strings.HasPrefix(got, "```````diff\n") || !strings.HasSuffix(got, "\n```````\n") {
		t.Errorf("got %q", got)
	}
}

// Of long values, what differs is shown.
func TestValues(t *testing.T) {
	long := strings.Repeat("x", 100)
	tests := []struct{ before, after, want string }{
		{`"a"`, `"b"`, `"a" → "b"`},
		{``, `{"a": 1}`, `null → {"a":1}`},
		{`"` + long + `-one"`, `"` + long + `-two"`, `…xxxx-one" → …xxxx-two"`},
		{`"` + long + `"`, `"y"`, `"xxxxxxxxxxxxxxxxxx… → "y"`},
		{`"` + long + `"`, `"` + long + long + `"`, `…xxxxx" → …xxxxxxxxxxxxxxxxxx…`},
		{`"` + long + `é` + long + `"`, `"` + long + `日` + long + `"`, `…xxxxxéxxxxxxxxxxxx… → …xxxxx日xxxxxxxxxxxx…`},
		{`{`, `[1]`, `(not readable) → [1]`},
	}
	for _, test := range tests {
		a := Attribute{Before: raw(test.before), After: raw(test.after)}
		if got := attributeText(&a, "", 20, clean); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}
