package notify

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"
)

func chars(s string) int { return len(utf16.Encode([]rune(s))) }

func within(t *testing.T, what, text string, least, most int) {
	t.Helper()
	if n := chars(text); n < least || n > most {
		t.Errorf("%s has %d characters: %.80q", what, n, text)
	}
}

func slackLimits(t *testing.T, m Message, body []byte) {
	var got struct {
		Text   string
		Blocks []struct {
			Type string
			Text *struct {
				Type, Text string
				Emoji      *bool
				Verbatim   bool
			}
			Fields, Elements []struct {
				Type, Text string
				Verbatim   bool
			}
		}
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Blocks) == 0 || len(got.Blocks) > 50 {
		t.Errorf("%d blocks", len(got.Blocks))
	}
	within(t, "the fallback", got.Text, 1, 4000)
	if n := chars(string(body)); n > 13_000 {
		t.Errorf("all together have %d characters", n)
	}
	items, more := 0, 0
	mark := func(what, kind, text string, verbatim bool, most int) {
		t.Helper()
		within(t, what, text, 1, most)
		if kind != "mrkdwn" || !verbatim {
			t.Errorf("%s is %s, verbatim %t", what, kind, verbatim)
		}
		slackSafe(t, m, text)
		items += strings.Count("\n"+text, "\n•")
		if n := 0; !strings.Contains(text, "\n") {
			if _, err := fmt.Sscanf(text, "… and %d more", &n); err == nil {
				more = n
			}
		}
	}
	for i, b := range got.Blocks {
		switch b.Type {
		case "header":
			within(t, "the header", b.Text.Text, 1, 150)
			if i > 0 || b.Text.Type != "plain_text" || b.Text.Emoji == nil || *b.Text.Emoji {
				t.Errorf("block %d is the header: %+v", i, b.Text)
			}
		case "section":
			if (b.Text == nil) == (len(b.Fields) == 0) || len(b.Fields) > 10 {
				t.Errorf("a section of %d fields", len(b.Fields))
			}
			if b.Text != nil {
				mark("a section", b.Text.Type, b.Text.Text, b.Text.Verbatim, 3000)
			}
			for _, f := range b.Fields {
				mark("a field", f.Type, f.Text, f.Verbatim, 2000)
			}
		case "context":
			if n := len(b.Elements); n == 0 || n > 10 {
				t.Errorf("a context of %d elements", n)
			}
			for _, e := range b.Elements {
				mark("an element", e.Type, e.Text, e.Verbatim, 3000)
			}
		default:
			t.Errorf("a block of type %q", b.Type)
		}
	}
	slackSafe(t, m, got.Text)
	counted(t, m, items, more)
}

// slackSafe fails where foreign text has a mark of Slack's.
func slackSafe(t *testing.T, m Message, text string) {
	t.Helper()
	if m.Link != "" {
		text = regexp.MustCompile(`^<https://ci\.example\.com/[^<>|]*\|Open the job>$`).ReplaceAllString(text, "")
	}
	text = regexp.MustCompile(`&(amp|lt|gt);`).ReplaceAllString(text, "")
	if strings.ContainsAny(text, "<>&") || strings.Contains(text, "```") {
		t.Errorf("marks in %.200q", text)
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "• `") && strings.Count(strings.SplitN(line, "` *", 2)[0], "`") > 1 {
			t.Errorf("a name ends its own code: %.200q", line)
		}
	}
}

func teamsLimits(t *testing.T, m Message, body []byte) {
	var got teamsMessage
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if len(body) > 28*1024 || len(body) > teamsTotal {
		t.Errorf("%d bytes", len(body))
	}
	if got.Type != "message" || len(got.Attachments) != 1 ||
		got.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" || got.Attachments[0].Content.Type != "AdaptiveCard" {
		t.Fatalf("%+v", got)
	}
	items, more := 0, 0
	for _, e := range got.Attachments[0].Content.Body {
		switch e.Type {
		case "TextBlock":
			if strings.TrimSpace(e.Text) == "" || !e.Wrap {
				t.Errorf("%+v", e)
			}
			for line := range strings.SplitSeq(e.Text, "\n") {
				if strings.HasPrefix(line, "-") {
					items++
					line = strings.TrimPrefix(line, "-")
					line = regexp.MustCompile(`^ \*\*(([^\\*]|\\.)+)\*\*`).ReplaceAllString(line, "$1")
				}
				teamsSafe(t, line)
				fmt.Sscanf(line, "… and %d more", &more)
			}
		case "FactSet":
			for _, f := range e.Facts {
				if f.Title == "" || f.Value == "" {
					t.Errorf("%+v", f)
				}
				teamsSafe(t, f.Title)
				teamsSafe(t, f.Value)
			}
		default:
			t.Errorf("an element of type %q", e.Type)
		}
	}
	counted(t, m, items, more)
}

// teamsSafe fails where a text has Markdown that nothing escapes.
func teamsSafe(t *testing.T, text string) {
	t.Helper()
	bare := regexp.MustCompile(`\\[^a-zA-Z0-9\s]`).ReplaceAllString(text, "")
	if strings.ContainsAny(bare, "\\*_[]`<~") || strings.Contains(bare, "{{") ||
		regexp.MustCompile(`&[#a-zA-Z]`).MatchString(bare) || regexp.MustCompile(`^([-+#>=]|\d+[.)])`).MatchString(text) {
		t.Errorf("marks in %.200q", text)
	}
}

// counted fails where items are lost without a word, or fewer are there than
// there is room for.
func counted(t *testing.T, m Message, items, more int) {
	t.Helper()
	if items+more != len(m.Items) {
		t.Errorf("%d items and %d more of %d", items, more, len(m.Items))
	}
	least := 10
	if strings.ContainsAny(m.Title, `"\\&`) { // facts twice as long or more
		least = 2
	}
	if len(m.Items) > 30 && items < least {
		t.Errorf("only %d items", items)
	}
}

func webhookLimits(t *testing.T, m Message, body []byte) {
	var got document
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if len(body) > 1<<20 {
		t.Errorf("%d bytes", len(body))
	}
	if got.Schema != "strata.notification/v1" || got.Title == "" {
		t.Errorf("%+v", got)
	}
	if len(got.Items)+got.More != len(m.Items) || len(got.Facts)+got.MoreFacts != len(m.Facts) {
		t.Errorf("%d items and %d more of %d; %d facts and %d more of %d",
			len(got.Items), got.More, len(m.Items), len(got.Facts), got.MoreFacts, len(m.Facts))
	}
	if lost := got.More > 0 || got.MoreFacts > 0 || m.Data != nil && got.Run == nil; lost != got.Truncated {
		t.Errorf("truncated is %t, but lost %t", got.Truncated, lost)
	}
	if got.More > 0 && len(body) < 1<<20-8*webhookText {
		t.Errorf("%d bytes, though %d items are left out", len(body), got.More)
	}
}
