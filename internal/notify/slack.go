package notify

import "strings"

// What Slack takes, in characters after escaping:
//
//   - 50 blocks in a message: https://docs.slack.dev/reference/block-kit/blocks
//   - 150 in a header: https://docs.slack.dev/reference/block-kit/blocks/header-block
//   - 3000 in a section's text, 10 fields of 2000 each:
//     https://docs.slack.dev/reference/block-kit/blocks/section-block
//   - 1 to 3000 in any text object:
//     https://docs.slack.dev/reference/block-kit/composition-objects/text-object
//   - 4000 in the text that notifications show:
//     https://docs.slack.dev/reference/methods/chat.postMessage
//   - about 13000 in all blocks together, which is not documented and is counted
//     with their containers: https://github.com/slackapi/bolt-js/issues/2509 and
//     https://github.com/slackapi/bolt-js/issues/2867 (11341 of text were too much)
const (
	slackBlocks  = 50
	slackHeader  = 150
	slackSection = 3000
	slackFields  = 10
	slackTotal   = 11_000 // of the blocks' JSON

	// Ours, so that a phone shows it and no name takes all the room.
	slackFallback  = 500
	slackFactName  = 60
	slackFactValue = 120
	slackItemName  = 200
	slackItemText  = 300
	slackLink      = 1000
)

type slackMessage struct {
	Text        string       `json:"text"` // what notifications and screen readers show
	Blocks      []slackBlock `json:"blocks"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackText  `json:"text,omitempty"`
	Fields   []slackText `json:"fields,omitempty"`
	Elements []slackText `json:"elements,omitempty"`
}

// slackText is a text object. Verbatim keeps Slack from making links of names
// that look like URLs, channels or people.
type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji,omitempty"`
	Verbatim bool   `json:"verbatim,omitempty"`
}

func mrkdwn(text string) slackText { return slackText{Type: "mrkdwn", Text: text, Verbatim: true} }

// slackBody has as many items as fit.
func slackBody(m Message) ([]byte, error) {
	lines := make([]string, min(len(m.Items), slackTotal/20)) // more are never worth it
	for i := range lines {
		lines[i] = slackLine(m.Items[i])
	}
	var err error
	n := most(len(lines), func(n int) bool {
		blocks := slackMake(m, lines[:n]).Blocks
		data, failed := encode(blocks)
		if failed != nil {
			err = failed
		}
		return len(blocks) <= slackBlocks && units(string(data)) <= slackTotal
	})
	if err != nil {
		return nil, err
	}
	return encode(slackMake(m, lines[:n]))
}

func slackMake(m Message, lines []string) slackMessage {
	none := false
	message := slackMessage{
		Text: fit(m.title(), slackFallback, units, slackEscape),
		Blocks: []slackBlock{{Type: "header", Text: &slackText{
			Type: "plain_text", Text: fit(m.title(), slackHeader, units, plain), Emoji: &none,
		}}},
	}
	add := func(block slackBlock) { message.Blocks = append(message.Blocks, block) }

	var fields []slackText
	for _, f := range m.facts() {
		fields = append(fields, mrkdwn("*"+fit(f.Name, slackFactName, units, slackEscape)+"*\n"+
			fit(f.Value, slackFactValue, units, slackEscape)))
	}
	for len(fields) > 0 {
		n := min(len(fields), slackFields)
		add(slackBlock{Type: "section", Fields: fields[:n]})
		fields = fields[n:]
	}

	section := func(text string) {
		t := mrkdwn(text)
		add(slackBlock{Type: "section", Text: &t})
	}
	var text string
	for _, line := range lines {
		if text != "" && units(text)+1+units(line) > slackSection {
			section(text)
			text = ""
		}
		if text != "" {
			text += "\n"
		}
		text += line
	}
	if text != "" {
		section(text)
	}
	if more := len(m.Items) - len(lines); more > 0 {
		add(slackBlock{Type: "context", Elements: []slackText{mrkdwn(andMore(more))}})
	}

	link := strings.ReplaceAll(m.link(slackLink), "&", "&amp;")
	if link != "" && len(link) <= slackLink {
		section("<" + link + "|Open the job>")
	}
	var foot []slackText
	run, at := m.foot()
	if run = fit(run, slackFactValue, units, slackCode); run != "" {
		foot = append(foot, mrkdwn("Run `"+run+"`"))
	}
	if at != "" {
		foot = append(foot, mrkdwn(at))
	}
	if foot != nil {
		add(slackBlock{Type: "context", Elements: foot})
	}
	return message
}

func slackLine(i Item) string {
	line := "•"
	if name := fit(i.Name, slackItemName, units, slackCode); name != "" {
		line += " `" + name + "`"
	}
	if result := fit(i.Result, slackFactName, units, slackEscape); result != "" {
		line += " *" + result + "*"
	}
	if text := fit(i.Text, slackItemText, units, slackEscape); text != "" {
		line += " " + text
	}
	return line
}

// slackEscape escapes what makes links and mentions of people, channels and
// all, as https://docs.slack.dev/messaging/formatting-message-text says. Bold
// and the like end with the line; a block of code would not, so it gets none.
func slackEscape(before string, r rune, rest string) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '`':
		if strings.HasPrefix(rest, "`") || strings.HasSuffix(before, "`") {
			return "'"
		}
	}
	return string(r)
}

// slackCode is slackEscape between backticks.
func slackCode(before string, r rune, rest string) string {
	if r == '`' {
		return "'"
	}
	return slackEscape(before, r, rest)
}
