package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestCheckURL(t *testing.T) {
	const services = "https://hooks.slack.com/services/T0SECRET0/B0SECRET0/s3cr3ts3cr3t"
	for _, c := range []struct {
		kind, url string
		want      string // in the error; "" for none
	}{
		{Slack, services, ""},
		{Slack, "https://hooks.slack-gov.com/services/T0/B0/x", ""},
		{Slack, "http://127.0.0.1:8080/s3cr3ts3cr3t", ""},
		{Slack, "http://[::1]:8080/s3cr3ts3cr3t", ""},
		{Slack, "http://localhost/s3cr3ts3cr3t", ""},
		{Slack, "https://hooks.slack.com/workflows/s3cr3ts3cr3t", "other messages"},
		{Slack, "https://hooks.slack.com.evil.example/services/s3cr3ts3cr3t", "hooks.slack.com"},
		{Slack, "http://hooks.slack.com/services/s3cr3ts3cr3t", "https://"},
		{Slack, "http://localhost.evil.example/s3cr3ts3cr3t", "https://"},
		{Slack, "hooks.slack.com/services/s3cr3ts3cr3t", "no URL"},
		{Slack, services + "\n", "line end"},
		{Slack, " " + services, "space"},
		{Slack, "https://h:s3cr3ts3cr3t/x", "no URL"},
		{Slack, "", "empty"},
		{Teams, "https://prod-1.westeurope.logic.azure.com:443/workflows/s3cr3ts3cr3t/triggers/manual/paths/invoke?sig=x", ""},
		{Teams, "https://x.environment.api.powerplatform.com/powerautomate/s3cr3ts3cr3t", ""},
		{Teams, "https://prod-1.westeurope.logic.azure.com/", "no path"},
		{Teams, services, "mixed up"},
		{Webhook, "https://example.com/hook", ""},
		{Webhook, "https://example.com", ""},
		{Webhook, services, "mixed up"},
		{Webhook, "ftp://example.com/s3cr3ts3cr3t", "https://"},
		{Webhook, "file:///s3cr3ts3cr3t", "no URL"},
		{"mail", "https://example.com/s3cr3ts3cr3t", "no kind"},
	} {
		err := CheckURL(c.kind, c.url)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v", c.kind, c.url, err)
		}
		if err == nil {
			continue
		}
		if strings.Contains(err.Error(), "s3cr3ts3cr3t") {
			t.Errorf("%s %q: %v", c.kind, c.url, err)
		}
		sent := (Sender{}).Send(t.Context(), Target{Kind: c.kind, URL: c.url}, Message{})
		if sent == nil || sent.Error() != err.Error() {
			t.Errorf("%s %q: Send says %v", c.kind, c.url, sent)
		}
	}
}

// TestTargetIsSecret prints a target in all ways.
func TestTargetIsSecret(t *testing.T) {
	target := Target{Slack, "https://hooks.slack.com" + secret, key}
	data, err := json.Marshal(target)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%v %+v %#v %s %q %v %+v %#v %s", target, target, target, target, target,
		&target, []Target{target}, []Target{target}, data)
	noSecret(t, target, text)
	if !strings.Contains(text, "slack") {
		t.Error(text)
	}
}
