package notify

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// refused judges an answer; nil says that the message arrived.
func refused(t Target, answer *http.Response, body []byte) *failure {
	code := answer.StatusCode
	text := strings.TrimSpace(string(body))
	said := firstLine(t, text)
	switch t.Kind {
	case Slack:
		if code == http.StatusOK && text == "ok" {
			return nil
		}
	case Teams:
		if code == http.StatusOK || code == http.StatusAccepted {
			return nil
		}
	default:
		if code >= 200 && code < 300 {
			return nil
		}
	}
	f := &failure{
		said:   strings.TrimSpace(fmt.Sprintf("the server said %d %s", code, http.StatusText(code))),
		advice: advice(t.Kind, code, text),
		again:  code == http.StatusTooManyRequests || code >= 500,
	}
	if said != "" {
		f.said += ": " + said
	}
	if f.again {
		f.after = retryAfter(answer.Header)
	}
	return f
}

// retryAfter is how long a server asks to wait, in seconds or until a date by
// its own clock; 0 for nothing, or nothing that makes sense.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), 24*60*60)) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(until.Sub(now), 0), 24*time.Hour).Round(time.Second)
}

// another is what to do where a URL is good for nothing any more.
const another = "make another one and set the secret to its URL"

// advice says what to do about an answer.
func advice(kind string, code int, text string) string {
	var say string
	switch kind {
	case Slack:
		say = slackAdvice(code, text)
	case Teams:
		say = teamsAdvice(code)
	}
	switch {
	case say != "":
		return say
	case code == http.StatusTooManyRequests:
		return "too much is sent there: send fewer events, or use a URL of its own"
	case code == http.StatusRequestEntityTooLarge:
		return "the server takes less than this message: raise its limit for the size of a body"
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return "the server does not let this in: check the secrets that hold URL and key, and what is between (a proxy, a firewall)"
	case code == http.StatusNotFound, code == http.StatusGone, code == http.StatusMethodNotAllowed:
		return "nothing takes messages at the URL: set the secret to the right one"
	case code >= 300 && code < 400:
		return "the server sends on to elsewhere, where nothing secret is sent unasked: set the secret to the URL that it moved to"
	case code >= 500:
		return "the fault is the server's: look at its log, then run again"
	}
	return "look at what the server expects"
}

// slackAdvice knows the answers of
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
// https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks.
func slackAdvice(code int, text string) string {
	switch word, _, _ := strings.Cut(text, "\n"); strings.TrimSpace(word) {
	case "no_service", "no_service_id", "no_active_hooks":
		return "the webhook was removed, or switched off with its app: " + another
	case "no_team", "team_disabled":
		return "the workspace is gone or switched off: set the secret to the URL of a webhook in another"
	case "invalid_token":
		return "the URL is not whole or not valid any more: copy it into the secret again, or " + another
	case "channel_not_found", "channel_is_archived":
		return "the webhook's channel is gone or archived: restore it, or make a webhook for another and set the secret to its URL"
	case "action_prohibited", "posting_to_general_channel_denied", "user_not_found":
		return "the workspace does not let this webhook post there: ask its admins, or make a webhook for another channel"
	case "invalid_payload", "invalid_blocks", "invalid_blocks_format", "invalid_attachments", "no_text", "too_many_attachments":
		return "Slack does not take a message of Strata's, which is a fault of Strata: report it with this line"
	}
	switch {
	case code == http.StatusOK:
		return "Slack says ok to what it took: check that the URL is that of an incoming webhook, and what is between (a proxy)"
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return "Slack does not take the URL: copy it into the secret again, or " + another
	case code == http.StatusNotFound, code == http.StatusGone:
		return "the webhook is gone: " + another
	case code >= 500:
		return "the fault is Slack's: look at https://slack-status.com, then run again"
	}
	return ""
}

func teamsAdvice(code int) string {
	switch {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return `the workflow does not let this in: let anyone trigger it ("Who can trigger the flow?"), ` +
			"then copy its URL into the secret again, with all that follows the question mark"
	case code == http.StatusNotFound, code == http.StatusGone:
		return "the workflow was removed or has moved: copy its URL into the secret again, or " + another
	case code == http.StatusBadRequest:
		return `the workflow does not take the message, or is switched off: it must begin with ` +
			`"When a Teams webhook request is received" and post the attachments as a card`
	case code == http.StatusTooManyRequests:
		return "the workflow, or its owner's plan, is over its limit: send fewer events, or wait"
	case code >= 500:
		return "the fault is Microsoft's or the workflow's: look at its run history, then run again"
	}
	return ""
}
