package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Schema names the version of the JSON that a webhook gets.
const Schema = "strata.notification/v1"

// webhookTotal is how large a webhook's body may be; the rest are ours, in
// bytes, so that a message without the run always fits.
const (
	webhookTotal = 1 << 20
	webhookText  = 1024
	webhookLink  = 4096
	webhookFacts = 100
)

type document struct {
	Schema      string          `json:"schema"`
	Event       string          `json:"event"`
	Title       string          `json:"title"`
	Environment string          `json:"environment"`
	Verb        string          `json:"verb"`
	RunID       string          `json:"run_id"`
	Commit      string          `json:"commit,omitempty"`
	Who         string          `json:"who,omitempty"`
	Link        string          `json:"link,omitempty"`
	Time        time.Time       `json:"time,omitzero"`
	Facts       []documentFact  `json:"facts"`
	Items       []documentItem  `json:"items"`
	Run         json.RawMessage `json:"run,omitempty"`       // the whole result
	Truncated   bool            `json:"truncated,omitempty"` // the run is left out, or what More and MoreFacts count
	More        int             `json:"more,omitempty"`      // items that are left out
	MoreFacts   int             `json:"more_facts,omitempty"`
}

type documentFact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type documentItem struct {
	Name   string `json:"name"`
	Result string `json:"result"`
	Text   string `json:"text,omitempty"`
}

// webhookBody leaves out the run where the whole is too large, and then the
// last items.
func webhookBody(m Message) ([]byte, error) {
	line := func(s string) string { return fit(s, webhookText, octets, plain) }
	d := document{
		Schema: Schema, Event: line(m.Event), Title: line(m.title()), Environment: line(m.Environment),
		Verb: line(m.Verb), RunID: line(m.Run), Commit: line(m.Commit), Who: line(m.Who),
		Link: m.link(webhookLink), Time: m.Time.UTC(), Facts: []documentFact{},
	}
	d.MoreFacts = max(len(m.Facts)-webhookFacts, 0)
	d.Truncated = d.MoreFacts > 0
	for _, f := range m.Facts[:len(m.Facts)-d.MoreFacts] {
		d.Facts = append(d.Facts, documentFact{line(f.Name), line(f.Value)})
	}
	items := make([]documentItem, min(len(m.Items), webhookTotal/20)) // one takes more than 20
	for i := range items {
		items[i] = documentItem{line(m.Items[i].Name), line(m.Items[i].Result), line(m.Items[i].Text)}
	}
	if m.Data != nil {
		var err error
		if d.Run, err = encode(m.Data); err != nil {
			return nil, err
		}
	}

	d.Items = items
	if len(d.Run) < webhookTotal {
		data, err := encode(d)
		if err != nil || len(data) <= webhookTotal {
			return data, err
		}
	}
	d.Run, d.Truncated = nil, true
	var err error
	n := most(len(items), func(n int) bool {
		d.Items, d.More = items[:n], len(m.Items)-n
		data, failed := encode(d)
		if failed != nil {
			err = failed
		}
		return len(data) <= webhookTotal
	})
	if err != nil {
		return nil, err
	}
	d.Items, d.More = items[:n], len(m.Items)-n
	return encode(d)
}

// sign makes the value of the header X-Strata-Signature. A receiver that shares
// the key checks a request so:
//
//  1. Read the body as bytes, before anything parses it.
//  2. Compute HMAC-SHA256 with the key over the value of X-Strata-Timestamp, a
//     "." and the body; write it in lower-case hex after "sha256=".
//  3. Compare that with X-Strata-Signature in constant time (hmac.Equal in Go,
//     hmac.compare_digest in Python, crypto.timingSafeEqual in Node). Answer 401
//     where they differ or the header is missing.
//  4. Refuse a timestamp that is more than five minutes off: somebody sends
//     again what they overheard.
//  5. Take what has an X-Strata-Delivery that was seen before for done, and
//     answer 200: it was tried again since the first answer did not arrive.
//
// In a shell, to compare:
//
//	printf '%s.%s' "$timestamp" "$body" | openssl dgst -sha256 -hmac "$key"
func sign(key, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
