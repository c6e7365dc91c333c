package notify

import "strings"

// teamsTotal is how large a body for Teams may be. Microsoft says about 28 KB,
// all marks included (https://learn.microsoft.com/connectors/teams/, "Message
// size limit"); 413 was also seen from some 20,800 characters on
// (https://github.com/atc0005/go-teams-notify/issues/59).
const teamsTotal = 20_000

// Ours, in bytes.
const (
	teamsTitle     = 300
	teamsFactName  = 60
	teamsFactValue = 240
	teamsItemName  = 200
	teamsItemText  = 300
	teamsLink      = 2000
)

// teamsMessage is what a workflow's trigger "When a Teams webhook request is
// received" takes: https://learn.microsoft.com/connectors/teams/.
type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	ContentURL  *string   `json:"contentUrl"`
	Content     teamsCard `json:"content"`
}

type teamsCard struct {
	Schema  string            `json:"$schema"`
	Type    string            `json:"type"`
	Version string            `json:"version"`
	Teams   map[string]string `json:"msteams"`
	Body    []teamsElement    `json:"body"`
	Actions []teamsAction     `json:"actions,omitempty"`
}

type teamsElement struct {
	Type    string      `json:"type"`
	Text    string      `json:"text,omitempty"`
	Size    string      `json:"size,omitempty"`
	Weight  string      `json:"weight,omitempty"`
	Color   string      `json:"color,omitempty"`
	Subtle  bool        `json:"isSubtle,omitempty"`
	Wrap    bool        `json:"wrap,omitempty"`
	Spacing string      `json:"spacing,omitempty"`
	Facts   []teamsFact `json:"facts,omitempty"`
}

type teamsFact struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

type teamsAction struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// teamsBody has as many items as fit.
func teamsBody(m Message) ([]byte, error) {
	lines := make([]string, min(len(m.Items), teamsTotal/20)) // more are never worth it
	for i := range lines {
		lines[i] = teamsLine(m.Items[i])
	}
	var err error
	n := most(len(lines), func(n int) bool {
		data, failed := encode(teamsMake(m, lines[:n]))
		if failed != nil {
			err = failed
		}
		return len(data) <= teamsTotal
	})
	if err != nil {
		return nil, err
	}
	return encode(teamsMake(m, lines[:n]))
}

func teamsMake(m Message, lines []string) teamsMessage {
	body := []teamsElement{{
		Type: "TextBlock", Text: fit(m.title(), teamsTitle, octets, teamsEscape),
		Size: "Large", Weight: "Bolder", Color: teamsColor(m.Event), Wrap: true,
	}}
	var facts []teamsFact
	for _, f := range m.facts() {
		facts = append(facts, teamsFact{
			fit(f.Name, teamsFactName, octets, teamsEscape),
			fit(f.Value, teamsFactValue, octets, teamsEscape),
		})
	}
	if facts != nil {
		body = append(body, teamsElement{Type: "FactSet", Facts: facts})
	}
	if len(lines) > 0 {
		body = append(body, teamsElement{Type: "TextBlock", Text: strings.Join(lines, "\n"), Wrap: true})
	}
	if more := len(m.Items) - len(lines); more > 0 {
		body = append(body, teamsElement{Type: "TextBlock", Text: andMore(more), Subtle: true, Wrap: true})
	}
	run, at := m.foot()
	if run = fit(run, teamsFactValue, octets, teamsEscape); run != "" {
		run = "Run " + run
	}
	if foot := strings.Trim(run+" · "+at, " ·"); foot != "" {
		body = append(body, teamsElement{
			Type: "TextBlock", Text: foot, Size: "Small", Subtle: true, Wrap: true, Spacing: "Medium",
		})
	}
	card := teamsCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		Teams: map[string]string{"width": "Full"}, Body: body,
	}
	if link := m.link(teamsLink); link != "" {
		card.Actions = []teamsAction{{"Action.OpenUrl", "Open the job", link}}
	}
	return teamsMessage{"message", []teamsAttachment{{
		ContentType: "application/vnd.microsoft.card.adaptive", Content: card,
	}}}
}

// teamsLine is an entry of a list.
func teamsLine(i Item) string {
	line := "-"
	if name := fit(i.Name, teamsItemName, octets, teamsEscape); name != "" {
		line += " **" + name + "**"
	}
	result := fit(i.Result, teamsFactName, octets, teamsEscape)
	text := fit(i.Text, teamsItemText, octets, teamsEscape)
	if result != "" && text != "" {
		result += ": "
	}
	if result+text != "" {
		line += " " + result + text
	}
	return line
}

func teamsColor(event string) string {
	switch event {
	case "failed", "rolled-back":
		return "Attention"
	case "approval-needed", "drift-found":
		return "Warning"
	case "succeeded", "drift-gone":
		return "Good"
	}
	return ""
}

// teamsEscape escapes the Markdown that text blocks and facts take, which is
// bold, italic, lists and links
// (https://learn.microsoft.com/adaptive-cards/create/textfeatures), what
// CommonMark has beside it, and the functions "{{DATE(…)}}" and "{{TIME(…)}}".
// A mention needs an entry in the card's "msteams", which no text can make.
func teamsEscape(before string, r rune, rest string) string {
	escaped := false
	switch r {
	case '\\', '*', '_', '[', ']', '`', '<', '~':
		escaped = true
	case '{':
		escaped = strings.HasPrefix(rest, "{") || strings.HasSuffix(before, "{")
	case '&': // an entity
		escaped = rest != "" && (rest[0] == '#' || rest[0]|0x20 >= 'a' && rest[0]|0x20 <= 'z')
	case '-', '+', '#', '>', '=': // at the start of a line, which foreign text is only as a whole
		escaped = before == ""
	case '.', ')':
		escaped = before != "" && strings.Trim(before, "0123456789") == ""
	}
	if escaped {
		return `\` + string(r)
	}
	return string(r)
}
