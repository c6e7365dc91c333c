package stack

import "strings"

// field is one value of an entry, as strata.yaml names it.
type field struct{ name, text string }

// yaml is the value as it may stand anywhere: between brackets too, where braces
// mean something. A date is text wherever strata.yaml takes one.
func (f field) yaml() string {
	switch {
	case f.name == "until":
		return f.text
	case strings.ContainsAny(f.text, "{}"):
		return quotedText(f.text)
	}
	return yamlText(f.text)
}

// fields are an entry's values in their order; those that mean anything are
// empty.
func (b Baseline) fields() []field {
	return []field{
		{"unit", b.Unit},
		{"resource", b.Resource},
		{"attribute", b.Attribute},
		{"reason", b.Reason},
		{"owner", b.Owner},
		{"until", b.Until.String()},
	}
}

// blockDrift is entries as the whole key drift.
func blockDrift(entries []Baseline) string {
	return "drift:\n" + shifted(blockBaseline(entries), 2)
}

// blockBaseline is entries as the key baseline.
func blockBaseline(entries []Baseline) string {
	return "baseline:\n" + shifted(blockItems(entries), 2)
}

// blockItems is entries as a list.
func blockItems(entries []Baseline) string {
	var b strings.Builder
	for _, entry := range entries {
		lead := "- "
		for _, f := range entry.fields() {
			if f.text != "" {
				b.WriteString(lead + f.name + ": " + f.yaml() + "\n")
				lead = "  "
			}
		}
	}
	return b.String()
}

// shifted indents lines.
func shifted(lines string, by int) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		b.WriteString(strings.Repeat(" ", by) + line)
	}
	return b.String()
}

// flowItems is each entry in brackets.
func flowItems(entries []Baseline, asJSON bool) []string {
	items := make([]string, len(entries))
	for i, entry := range entries {
		var parts []string
		for _, f := range entry.fields() {
			switch {
			case f.text == "":
			case asJSON:
				parts = append(parts, quotedText(f.name)+": "+quotedText(f.text))
			default:
				parts = append(parts, f.name+": "+f.yaml())
			}
		}
		items[i] = "{" + strings.Join(parts, ", ") + "}"
	}
	return items
}
