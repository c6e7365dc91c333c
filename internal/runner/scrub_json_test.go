package runner

import (
	"strings"
	"testing"
)

func TestScrubJSON(t *testing.T) {
	long := strings.Repeat("long-", 1000)
	s := NewScrubber("hunter22", "8080", "two\nlines", long)
	for in, want := range map[string]string{
		`{"a":"is hunter22","hunter22":[{"port":8080,"text":"8080"}]}`: `{"(secret)":[{"port":8080,"text":"(secret)"}],"a":"is (secret)"}` + "\n",
		`["` + long + `"]`:       `["(secret)"]` + "\n",
		`{"a":"two\nlines"}`:     `{"a":"(secret)"}` + "\n",
		`{"half": "hunter22`:     `{"half": "(secret)`,
		`{} hunter22`:            `{} (secret)`,
		`[1.50, true, null, ""]`: `[1.50,true,null,""]` + "\n",
	} {
		if got := string(s.JSON([]byte(in))); got != want {
			t.Errorf("%.80s: got %.120q, want %.120q", in, got, want)
		}
	}
	var none *Scrubber
	if got := string(none.JSON([]byte(`{"a": 1}`))); got != `{"a": 1}` {
		t.Errorf("got %q", got)
	}
}
