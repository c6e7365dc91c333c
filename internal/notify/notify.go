// Package notify tells people what a run did: one message per run to Slack,
// Microsoft Teams or a webhook of one's own.
package notify

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Kinds of targets.
const (
	Slack   = "slack"   // an incoming webhook
	Teams   = "teams"   // a workflow that posts to a channel or chat
	Webhook = "webhook" // JSON of Strata's own, signed
)

// Target is where a message goes. Its URL is a secret: no error, no log holds it.
type Target struct {
	Kind string `json:"kind"`
	URL  string `json:"-"`
	Key  string `json:"-"` // webhook only: signs the body; "" for none
}

// String is the kind alone, so that a target can be printed.
func (t Target) String() string { return t.Kind }

// GoString is String for %#v.
func (t Target) GoString() string { return "notify.Target(" + t.Kind + ")" }

// Fact is something worth knowing of the run as a whole.
type Fact struct{ Name, Value string }

// Item is a unit worth a line.
type Item struct{ Name, Result, Text string }

// Message is what a run says. Its strings may come from repositories, tools and
// clouds: none makes a link, a mention or a mark of its own.
type Message struct {
	Event       string // started, approval-needed, succeeded, failed, rolled-back, drift-found, drift-gone
	Title       string // one line, plain text
	Environment string
	Verb        string
	Run         string // its id
	Commit      string
	Who         string
	Link        string // of the CI job, "" for none
	Facts       []Fact
	Items       []Item // those that matter most first; cut to the vendor's limit with "… and N more"
	Time        time.Time
	Data        any // webhook: the whole result document, "run" in its JSON
}

// title is never empty: neither Slack nor Teams takes an empty text.
func (m Message) title() string {
	switch {
	case visible(m.Title):
		return m.Title
	case visible(m.Event):
		return "Strata: " + m.Event
	}
	return "Strata"
}

// visible says whether anything is left of a text once it is clean.
func visible(s string) bool { return fit(s, 1, units, plain) != "" }

// delivery names a message; it is the same however often it is sent.
func (m Message) delivery() string { return m.Run + "." + m.Event }

// mostFacts is how many facts a message to people has: two of Slack's sections.
const mostFacts = 20

// facts are what a message to people has above its items.
func (m Message) facts() []Fact {
	var facts []Fact
	for _, f := range append([]Fact{
		{"Environment", m.Environment},
		{"What", m.Verb},
		{"Commit", shortCommit(m.Commit)},
		{"By", m.Who},
	}, m.Facts...) {
		if visible(f.Name) && visible(f.Value) {
			facts = append(facts, f)
		}
	}
	if more := len(facts) - mostFacts; more > 0 {
		facts = append(facts[:mostFacts-1], Fact{"…", fmt.Sprintf("and %d more", more+1)})
	}
	return facts
}

// foot is the line below a message.
func (m Message) foot() (run, at string) {
	if !m.Time.IsZero() {
		at = m.Time.UTC().Format("2006-01-02 15:04 UTC")
	}
	return m.Run, at
}

// shortCommit shortens a commit's digest.
func shortCommit(commit string) string {
	if len(commit) < 40 || strings.Trim(commit, "0123456789abcdef") != "" {
		return commit
	}
	return commit[:12]
}

// link is the message's link, "" where it is none that a browser should open.
func (m Message) link(most int) string {
	u, err := url.Parse(m.Link)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	// What ends a link of Slack's.
	link := strings.NewReplacer("|", "%7C", "<", "%3C", ">", "%3E").Replace(u.String())
	if len(link) > most || strings.ContainsFunc(link, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return link
}

// payload is the body that a kind of target takes.
func payload(kind string, m Message) ([]byte, error) {
	switch kind {
	case Slack:
		return slackBody(m)
	case Teams:
		return teamsBody(m)
	default:
		return webhookBody(m)
	}
}
