package notify

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// CheckURL refuses what cannot be a URL of the kind, without repeating it.
// Plain HTTP is for this machine alone.
func CheckURL(kind, rawURL string) error {
	if !slices.Contains([]string{Slack, Teams, Webhook}, kind) {
		return fmt.Errorf("%q is no kind of target: give %s, %s or %s", kind, Slack, Teams, Webhook)
	}
	if err := checkURL(kind, rawURL); err != nil {
		return fmt.Errorf("the URL for %s: %w", name(kind), err)
	}
	return nil
}

func checkURL(kind, rawURL string) error {
	if rawURL == "" {
		return errors.New("it is empty: set the secret that holds it")
	}
	if strings.ContainsFunc(rawURL, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("it has a space, a line end or another character that no URL has: copy it into the secret again")
	}
	u, err := url.Parse(rawURL) // its error repeats the URL
	if err != nil || u.Hostname() == "" {
		return errors.New("it is no URL: copy the whole of it into the secret, from https:// on")
	}
	local := loopback(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return errors.New("it does not begin with https://: what is sent would be open to the network")
	}
	if local {
		return nil // a test, or a relay on this machine
	}

	host := strings.ToLower(u.Hostname())
	ofSlack := host == "hooks.slack.com" || host == "hooks.slack-gov.com"
	switch {
	case kind == Slack && !ofSlack:
		return errors.New("it is not at hooks.slack.com: give the URL of an incoming webhook (https://api.slack.com/messaging/webhooks)")
	case kind == Slack && !strings.HasPrefix(u.Path, "/services/"):
		return errors.New("it is not below /services/, so it is of a Slack workflow, which takes other messages: " +
			"give the URL of an incoming webhook (https://api.slack.com/messaging/webhooks)")
	case kind != Slack && ofSlack:
		return errors.New("it is one of Slack's: the secrets may be mixed up")
	case kind == Teams && strings.Trim(u.Path, "/") == "":
		return errors.New(`it has no path: copy the whole of it from the workflow's step "When a Teams webhook request is received"`)
	}
	return nil
}

func loopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// name is what a message calls a kind.
func name(kind string) string {
	switch kind {
	case Slack:
		return "Slack"
	case Teams:
		return "Teams"
	}
	return "the webhook"
}
