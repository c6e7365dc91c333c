package report

import (
	"bytes"
	"encoding/json"
)

// sign is the mark of an action, as Terraform writes it.
func sign(action string) string {
	switch action {
	case "create":
		return "+"
	case "update":
		return "~"
	case "replace":
		return "-/+"
	case "delete":
		return "-"
	case "move":
		return "→"
	case "import", "read":
		return "<="
	case "forget":
		return "."
	default:
		return "?"
	}
}

// value says a value that changes, as compact JSON of at most limit characters.
func value(raw json.RawMessage, limit int) string {
	if len(raw) == 0 {
		return "null"
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return "(not readable)"
	}
	text := clean(b.String())
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit-1]) + "…"
	}
	return text
}

// attributeText says a change of a value: before → after. Of what an action
// creates or deletes there is one side only. Values go through show, the words
// that stand for one do not.
func attributeText(a *Attribute, action string, limit int, show func(string) string) string {
	switch {
	case a.Sensitive && a.Unknown:
		return "(sensitive, known after apply)"
	case a.Sensitive:
		return "(sensitive)"
	}
	after := "(known after apply)"
	if !a.Unknown {
		after = show(value(a.After, limit))
	}
	switch action {
	case "create":
		return after
	case "delete":
		return show(value(a.Before, limit))
	default:
		return show(value(a.Before, limit)) + " → " + after
	}
}
