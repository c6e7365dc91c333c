package stack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// writeYAML writes a value as its JSON form says, as YAML in blocks. The YAML
// library's own writer leaves some texts bare that it would not read back as
// text (.inf, <<, ? x), and loses the order of keys.
func writeYAML(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	w := &yamlWriter{in: json.NewDecoder(bytes.NewReader(text))}
	w.in.UseNumber()
	if err := w.value(0, false); err != nil {
		return nil, err
	}
	return w.out.Bytes(), nil
}

type yamlWriter struct {
	in  *json.Decoder
	out bytes.Buffer
}

// value writes the next value, and the end of its line. after says whether
// something stands on the line already.
func (w *yamlWriter) value(indent int, after bool) error {
	next, err := w.in.Token()
	if err != nil {
		return err
	}
	space := ""
	if after {
		space = " "
	}
	switch t := next.(type) {
	case json.Delim:
		return w.collection(t, indent, after)
	case string:
		w.out.WriteString(space + yamlText(t) + "\n")
	default:
		fmt.Fprintf(&w.out, "%s%v\n", space, t)
	}
	return nil
}

// collection writes a mapping or a list. A mapping in a list begins on the
// dash's line.
func (w *yamlWriter) collection(open json.Delim, indent int, after bool) error {
	if !w.in.More() {
		brackets := map[json.Delim]string{'{': "{}", '[': "[]"}[open]
		w.out.WriteString(" " + brackets + "\n")
		_, err := w.in.Token()
		return err
	}
	inItem := bytes.HasSuffix(w.out.Bytes(), []byte("-"))
	if after && !inItem {
		w.out.WriteByte('\n')
	}
	for first := true; w.in.More(); first = false {
		switch {
		case first && inItem:
			w.out.WriteByte(' ')
		default:
			w.out.WriteString(strings.Repeat("  ", indent))
		}
		if open == '[' {
			w.out.WriteByte('-')
		} else {
			key, err := w.in.Token()
			if err != nil {
				return err
			}
			w.out.WriteString(yamlText(key.(string)) + ":")
		}
		if err := w.value(indent+1, true); err != nil {
			return err
		}
	}
	_, err := w.in.Token()
	return err
}

// yamlText writes text bare where nobody can take it for anything else, and
// otherwise in quotes, which YAML reads as JSON does.
func yamlText(s string) string {
	if plainText(s) && !token.IsNeedQuoted(s) {
		return s
	}
	return quotedText(s)
}

// quotedText writes text as JSON does.
func quotedText(s string) string {
	var quoted bytes.Buffer
	in := json.NewEncoder(&quoted)
	in.SetEscapeHTML(false)
	_ = in.Encode(s) // text can always be written
	return strings.TrimSuffix(quoted.String(), "\n")
}

// plainText says whether text has only letters, digits and signs that mean
// nothing in YAML where they stand.
func plainText(s string) bool {
	if s == "" || !letterOrDigit(s[0]) {
		return false
	}
	for i := range len(s) {
		if !letterOrDigit(s[i]) && !strings.ContainsRune("/{}._-@+", rune(s[i])) {
			return false
		}
	}
	return true
}
