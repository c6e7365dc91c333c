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
func value(raw json.RawMessage, limit int) string { return string(shorten(whole(raw), limit)) }

// values says a value before and after a change. Of long ones it says where they
// differ: their beginnings may be the same.
func values(before, after json.RawMessage, limit int) (string, string) {
	b, a := whole(before), whole(after)
	same := 0
	for same < min(len(b), len(a)) && b[same] == a[same] {
		same++
	}
	if skip := same - limit/4; skip > 1 && same > limit/2 && max(len(b), len(a)) > limit {
		b, a = append([]rune("…"), b[skip:]...), append([]rune("…"), a[skip:]...)
	}
	return string(shorten(b, limit)), string(shorten(a, limit))
}

// whole is a value as compact JSON, clean.
func whole(raw json.RawMessage) []rune {
	if len(raw) == 0 {
		return []rune("null")
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return []rune("(not readable)")
	}
	return []rune(clean(b.String()))
}

func shorten(text []rune, limit int) []rune {
	if len(text) <= limit {
		return text
	}
	return append(text[:limit-1:limit-1], '…')
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
	switch {
	case action == "delete":
		return show(value(a.Before, limit))
	case a.Unknown && action == "create":
		return "(known after apply)"
	case a.Unknown:
		return show(value(a.Before, limit)) + " → (known after apply)"
	case action == "create":
		return show(value(a.After, limit))
	}
	before, after := values(a.Before, a.After, limit)
	return show(before) + " → " + show(after)
}
