package notify

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/strata-tf/strata/internal/foreign"
)

// Kinds of hostile text: what links, mentions, commands, breaks lines or JSON.
const hostile = "<!channel> <@U123> <https://evil.example|click> [click](https://evil.example) **b** _i_ `c` ```block``` " +
	"&lt;!here&gt; {{DATE(2020-01-01T00:00:00Z)}} <at>all</at> \\[x] \x1b[31mred\x1b[0m \x00\x07\u202e\xff\xfe \"quoted\"\r\n# head\n- list\n1. one"

func messages() map[string]Message {
	huge := ordinary()
	huge.Facts, huge.Items = nil, nil
	for i := range 5000 {
		long := strings.Repeat(fmt.Sprintf("unit-%d/", i), 1000)
		huge.Items = append(huge.Items, Item{long, long, long})
		huge.Facts = append(huge.Facts, Fact{long, long})
	}
	huge.Title, huge.Environment, huge.Who, huge.Run = strings.Repeat("title ", 2000), huge.Items[0].Name, huge.Items[1].Name, huge.Items[2].Name
	huge.Link = "https://ci.example.com/" + strings.Repeat("job/", 5000)
	huge.Data = huge.Items[:300]

	many := ordinary()
	for i := range 5000 {
		many.Items = append(many.Items, Item{fmt.Sprintf("unit-%d@eu-central-1:prod", i), "failed", "no"})
	}
	many.Data = many.Items

	// Every character grows when it is escaped, and every text is cut.
	worst := func(s string) Message {
		s = strings.Repeat(s, 10_000/len(s))
		m := Message{
			Event: s, Title: s, Environment: s, Verb: s, Run: s, Commit: s, Who: s,
			Link: "https://ci.example.com/?" + strings.Repeat("&", 900), Time: ordinary().Time,
		}
		for range 200 {
			m.Facts = append(m.Facts, Fact{s, s})
			m.Items = append(m.Items, Item{s, s, s})
		}
		return m
	}
	return map[string]Message{
		"nothing":    {},
		"invisible":  {Event: "\x1b[1m", Title: " \x1b[0m\n", Items: []Item{{}, {"\t", "", ""}}, Facts: []Fact{{"", "x"}, {"x", ""}}},
		"tiny":       {Event: "succeeded", Title: "x"},
		"ordinary":   ordinary(),
		"huge":       huge,
		"many":       many,
		"hostile":    worst(hostile),
		"ampersands": worst("&"),
		"quotes":     worst(`"`),
		"backslash":  worst(`\`),
		"emoji":      worst("🚀"),
		"umlauts":    worst("ü"),
		"empty":      {Event: "failed", Title: "x", Items: make([]Item, 5000)},
	}
}

// TestLimits checks what a server gets against the vendors' published limits.
func TestLimits(t *testing.T) {
	all := messages()
	for kind, check := range map[string]func(*testing.T, Message, []byte){
		Slack: slackLimits, Teams: teamsLimits, Webhook: webhookLimits,
	} {
		for name, m := range all {
			t.Run(kind+"/"+name, func(t *testing.T) {
				got := post(t, kind, m)
				if got.method != http.MethodPost || got.header.Get("Content-Type") != "application/json" ||
					got.header.Get("User-Agent") != "strata/1.2.3" {
					t.Errorf("%s, %v", got.method, got.header)
				}
				if !utf8.Valid(got.body) || !json.Valid(got.body) {
					t.Fatal("the body is no JSON in UTF-8")
				}
				check(t, m, got.body)
				for _, text := range texts(t, got.body) {
					// What the clean names hold themselves is U+FFFD in "hostile" alone.
					if name != "hostile" && strings.ContainsRune(text, utf8.RuneError) {
						t.Errorf("a character was cut in two: %q", text)
					}
					if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' || foreign.Reorders(r) }) {
						t.Errorf("control characters: %q", text)
					}
				}
			})
		}
	}
}

// texts are all strings of a document.
func texts(t *testing.T, data []byte) (found []string) {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			found = append(found, v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return found
}

func TestWebhookWithoutRun(t *testing.T) {
	m := ordinary()
	for _, c := range []struct {
		size int
		run  bool
	}{{1 << 10, true}, {1 << 20, false}} {
		m.Data = map[string]string{"log": strings.Repeat("x", c.size)}
		var got document
		if err := json.Unmarshal(post(t, Webhook, m).body, &got); err != nil {
			t.Fatal(err)
		}
		if (got.Run != nil) != c.run || got.Truncated == c.run || len(got.Items) != len(m.Items) || got.More != 0 {
			t.Errorf("%d bytes: run of %d bytes, truncated %t, %d items", c.size, len(got.Run), got.Truncated, len(got.Items))
		}
	}
}

// TestWebhookCut cuts the items wherever the search for how many fit ends.
func TestWebhookCut(t *testing.T) {
	for extra := range 4 {
		m := ordinary()
		for range 1500 + extra {
			m.Items = append(m.Items, Item{"unit", "failed", strings.Repeat("x", 1000)})
		}
		body, err := webhookBody(m)
		if err != nil {
			t.Fatal(err)
		}
		webhookLimits(t, m, body)
	}
}

func TestNoJSON(t *testing.T) {
	s := serve(t, answer(200, "ok"))
	m := ordinary()
	m.Data = math.NaN()
	if err := (Sender{}).Send(t.Context(), s.target(Webhook), m); err == nil || !strings.Contains(err.Error(), "JSON") {
		t.Error(err)
	}
	if n := len(s.requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestGolden(t *testing.T) {
	for _, kind := range []string{Slack, Teams, Webhook} {
		golden(t, kind+".json", post(t, kind, ordinary()).body)
	}
}

func TestFactsOverflow(t *testing.T) {
	m := Message{Title: "x"}
	for i := range 25 {
		m.Facts = append(m.Facts, Fact{fmt.Sprint("fact ", i), "x"})
	}
	facts := m.facts()
	if len(facts) != 20 || facts[19] != (Fact{"…", "and 6 more"}) {
		t.Errorf("%d facts, the last %v", len(facts), facts[len(facts)-1])
	}
}

func TestLink(t *testing.T) {
	for link, want := range map[string]string{
		"":                                 "",
		"https://ci.example.com/j/1?a=1&b": "https://ci.example.com/j/1?a=1&b",
		"https://ci.example.com/<!here>|x": "https://ci.example.com/%3C%21here%3E%7Cx",
		"https://ci.example.com/?q=a|b>c<": "https://ci.example.com/?q=a%7Cb%3Ec%3C",
		"https://ci.example.com/?q=a b":    "",
		"javascript:alert(1)":              "",
		"javascript://x/%0aalert(1)":       "",
		"https:///nowhere":                 "",
		"ci.example.com":                   "",
	} {
		if got := (Message{Link: link}).link(1000); got != want {
			t.Errorf("%q is %q, not %q", link, got, want)
		}
	}
	if got := (Message{Link: "https://ci.example.com/x"}).link(20); got != "" {
		t.Errorf("too long: %q", got)
	}
}

func TestColour(t *testing.T) {
	for event, want := range map[string]string{
		"started": "", "approval-needed": "Warning", "succeeded": "Good", "failed": "Attention",
		"rolled-back": "Attention", "drift-found": "Warning", "drift-gone": "Good",
	} {
		if got := teamsColor(event); got != want {
			t.Errorf("%s is %q", event, got)
		}
	}
}
