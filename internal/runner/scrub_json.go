package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// JSON replaces the secret values in the texts of a JSON document, before anybody
// cuts or joins them; numbers stay, since a document must. What is no document is
// text.
func (s *Scrubber) JSON(data []byte) []byte {
	if s == nil || len(s.forms) == 0 || data == nil {
		return data
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return []byte(s.Text(string(data)))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return []byte(s.Text(string(data)))
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s.tree(tree)); err != nil {
		return []byte(s.Text(string(data)))
	}
	return out.Bytes()
}

// tree scrubs what JSON was decoded to.
func (s *Scrubber) tree(value any) any {
	switch v := value.(type) {
	case string:
		return s.Text(v)
	case []any:
		for i := range v {
			v[i] = s.tree(v[i])
		}
	case map[string]any:
		clean := make(map[string]any, len(v))
		for key, item := range v {
			clean[s.Text(key)] = s.tree(item)
		}
		return clean
	}
	return value
}
