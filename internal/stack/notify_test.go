package stack

import (
	"strings"
	"testing"
)

func TestNotifies(t *testing.T) {
	cfg, err := loadText(`environments: {production: {}, staging: {}, qa: {}, quiet: {}}
notify:
  slack: {url: slack_url, events: {production: [all, started], quiet: [], "*": [failed, drift-found]}}
  teams: {url: teams-url}
  webhook: {url: hook_url, key: hook_key, events: {staging: [started, all], quiet: [drift-gone]}}
`)
	if err != nil {
		t.Fatal(err)
	}
	const all, some = "approval-needed succeeded failed rolled-back drift-found drift-gone", "failed rolled-back drift-found drift-gone"
	for _, test := range []struct{ kind, environment, want string }{
		{Slack, "production", "started " + all},
		{Slack, "staging", "failed drift-found"},
		{Slack, "quiet", ""},
		{Teams, "production", all},
		{Teams, "staging", some},
		{Teams, "qa", some},
		{Webhook, "production", all},
		{Webhook, "staging", "started " + all},
		{Webhook, "qa", some},
		{Webhook, "quiet", "drift-gone"},
		{"mail", "production", ""},
	} {
		var told []string
		for _, event := range Events() {
			if cfg.Notifies(test.kind, test.environment, event) {
				told = append(told, event)
			}
		}
		if got := strings.Join(told, " "); got != test.want {
			t.Errorf("%s of %s: %s, want %s", test.kind, test.environment, got, test.want)
		}
	}
	if Default().Notifies(Slack, "production", Failed) {
		t.Error("told without a destination")
	}
}

// A webhook's URL is a secret. One that stands in the file is not repeated,
// wherever it stands.
func TestNotifyKeepsSecrets(t *testing.T) {
	const url = "https://hooks.example.com/services/T000/B000/hush"
	for _, text := range []string{
		"notify: {slack: {url: '" + url + "'}}",
		"notify: {slack: {url: hooks.example.com/hush}}",
		"notify: {slack: {url: hush=}}",
		"notify: {slack: {url: [" + url + "]}}",
		"notify: {slack: {url: {x: '" + url + "'}}}",
		"notify: {slack: '" + url + "'}",
		"notify: {slack: hush}",
		"notify: '" + url + "'",
		"notify: ['" + url + "']",
		"notify: {'" + url + "': {}}",
		"notify: {slack: {'" + url + "': x}}",
		"notify: {slack: {url: u, events: {'" + url + "': [all]}}}",
		"notify: {slack: {url: u, events: {'*': '" + url + "'}}}",
		"notify: {slack: {url: u, events: {'*': ['" + url + "']}}}",
		"notify: {webhook: {url: u, key: hush/hush+==}}",
		"notify: {webhook: {url: u, key: " + strings.Repeat("hush", 16) + "}}",
		"hooks: '" + url + "'",
	} {
		_, err := loadText(text)
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
