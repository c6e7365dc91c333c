package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
)

func raw(pairs ...string) map[string]json.RawMessage {
	values := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = json.RawMessage(pairs[i+1])
	}
	return values
}

func TestValuesDigest(t *testing.T) {
	key := DigestKey{[]byte(strings.Repeat("k", 32))}
	// Each line is one value, written in several ways; no two lines are equal.
	lines := [][]string{
		{`{"a": 1, "b": [true, null]}`, "{\"b\":[true,null],\n\"a\":1}", `{"\u0061":1.0,"b":[true,null]}`, `{"a":2,"a":1,"b":[true,null]}`},
		{`{"a": 1, "b": [null, true]}`},
		{`1`, `1.0`, `1e0`, `10E-1`, `0.1e+1`, `1.000000000000000000000000000`, ` 1 `},
		{`-1`, `-1.0`},
		{`0`, `-0`, `0.0`, `0e99`, `-0e-5`},
		{`100`, `1e2`, `1E+2`, `100.0`},
		{`1e999999999999999999999999`, `10e999999999999999999999998`},
		{`9007199254740993`}, {`9007199254740992`}, // equal as float64
		{`0.1`}, {`0.1000000000000000055`},
		{`"1"`}, {`true`}, {`"true"`}, {`null`}, {`"null"`}, {`""`}, {`[]`}, {`{}`}, {`[[]]`}, {`[{}]`},
		{`"é"`, `"\u00e9"`, `"\u00E9"`}, {`"e\u0301"`},
		{`"a/b"`, `"a\/b"`}, {`"<&>"`, `"\u003c\u0026\u003e"`},
		{`["a,b"]`}, {`["a","b"]`}, {`["a\",\"b"]`},
		{``}, {`nonsense`}, {`{"a":`}, {`1 2`}, {"\"\xff\""}, {"\"\xfe\""}, {`"\ufffd"`},
	}
	seen := map[string]string{}
	for _, line := range lines {
		var first string
		for i, text := range line {
			got := key.ValuesDigest("u", raw("v", text))
			if i == 0 {
				first = got
				if other, there := seen[got]; there {
					t.Errorf("%q and %q are equal", text, other)
				}
				seen[got] = text
			} else if got != first {
				t.Errorf("%q and %q differ", line[0], text)
			}
		}
	}
	for _, values := range []map[string]json.RawMessage{nil, raw("w", "1"), raw("v", "1", "w", "1"), raw("v", `1`+"\nw=1"), raw(`v="`, "1")} {
		got := key.ValuesDigest("u", values)
		if other, there := seen[got]; there {
			t.Errorf("%v and %v are equal", values, other)
		}
		seen[got] = fmt.Sprint(values)
	}
	if key.ValuesDigest("u", nil) != key.ValuesDigest("u", raw()) {
		t.Error("no values differ from no values")
	}
	if key.ValuesDigest("u", raw("v", "1")) == key.ValuesDigest("other", raw("v", "1")) {
		t.Error("equal values of two units can be told")
	}
	if key.ValuesDigest("u", raw("v", "1")) == (DigestKey{[]byte("other")}).ValuesDigest("u", raw("v", "1")) {
		t.Error("the key does not count")
	}
	if got := (DigestKey{}).ValuesDigest("u", raw("v", "1")); got != "" {
		t.Errorf("without a key: %s", got)
	}
	if got := key.ValuesDigest("u", raw("v", strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000))); got == "" {
		t.Error("deep values have no digest")
	}
}

func FuzzValuesDigest(f *testing.F) {
	for _, text := range []string{`{"a":[1.50,"x"]}`, `-0.0e5`, `"\ud800"`, `[`} {
		f.Add([]byte(text))
	}
	key := DigestKey{[]byte("k")}
	f.Fuzz(func(t *testing.T, data []byte) {
		got := key.ValuesDigest("u", map[string]json.RawMessage{"v": data})
		var value any
		if json.Unmarshal(data, &value) != nil {
			return
		}
		indented := json.RawMessage("\n " + string(data) + "\t")
		if again := key.ValuesDigest("u", map[string]json.RawMessage{"v": indented}); strings.ToValidUTF8(string(data), "") == string(data) && again != got {
			t.Errorf("white space counts in %q", data)
		}
	})
}

func TestMakeKey(t *testing.T) {
	s, ctx := newMemory(), t.Context()
	if _, err := FindKey(ctx, s); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	digests := make([]string, 8)
	var wg sync.WaitGroup
	for i := range digests {
		wg.Go(func() {
			key, err := MakeKey(ctx, s)
			if err != nil {
				t.Error(err)
			}
			digests[i] = key.ValuesDigest("u", nil)
		})
	}
	wg.Wait()
	for _, got := range digests {
		if got == "" || got != digests[0] {
			t.Errorf("runs that start at once have keys of their own: %q", digests)
		}
	}
	key, err := FindKey(ctx, s)
	if err != nil || key.ValuesDigest("u", nil) != digests[0] {
		t.Errorf("found another key: %v", err)
	}
	secret := strings.TrimSpace(string(s.files[digestKey]))
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, key); text != "(key of digests)" {
			t.Errorf("%s prints %s", format, text)
		}
	}
	if records, err := Load(ctx, s, "staging"); err != nil || len(records) != 0 {
		t.Errorf("the key is among the records: %v, %v", records, err)
	}
	for _, damaged := range []string{"", "zz", secret[:10]} {
		s.files[digestKey] = []byte(damaged)
		if _, err := MakeKey(ctx, s); err == nil || !strings.Contains(err.Error(), digestKey) || damaged != "" && strings.Contains(err.Error(), damaged) {
			t.Errorf("damaged: %v", err)
		}
	}
}
