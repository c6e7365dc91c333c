package record

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// digestKey is where the key is in the store: not below records/, so that who
// may read records need not be let read it.
const digestKey = "keys/contract-values"

// DigestKey makes digests of values that cannot be guessed without it. Records
// are printed and copied, and a password of eight letters is found from a plain
// hash in minutes. The key makes every digest useless outside the store; who
// can read the store's key as well can most often read the states too, and
// there the values stand in clear. Losing the key costs one more plan of each
// unit: no digest is equal any more.
type DigestKey struct{ secret []byte }

// String keeps the key out of logs.
func (DigestKey) String() string { return "(key of digests)" }

// GoString keeps the key out of logs.
func (k DigestKey) GoString() string { return k.String() }

// FindKey reads the store's key. The error wraps fs.ErrNotExist if it has none:
// then no unit has been deployed from it, and the zero key will do.
func FindKey(ctx context.Context, s Store) (DigestKey, error) {
	text, err := s.Get(ctx, digestKey)
	if err != nil {
		return DigestKey{}, err
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != sha256.Size {
		return DigestKey{}, fmt.Errorf("%s in the store is damaged: remove it, and the next deploy makes another and plans each unit once more", digestKey)
	}
	return DigestKey{secret}, nil
}

// MakeKey reads the store's key, and makes one where there is none.
func MakeKey(ctx context.Context, s Store) (DigestKey, error) {
	key, err := FindKey(ctx, s)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	secret := make([]byte, sha256.Size)
	_, _ = rand.Read(secret) // never fails
	err = s.PutNew(ctx, digestKey, []byte(hex.EncodeToString(secret)+"\n"))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return DigestKey{}, err
	}
	// Another run may have made it: what is in the store holds.
	return FindKey(ctx, s)
}

// Digest is the digest of one output of a unit, "" without a key.
func (k DigestKey) Digest(unit, output string, value json.RawMessage) string {
	return k.ValuesDigest(unit, map[string]json.RawMessage{output: value})
}

// ValuesDigest is one digest over the contract values that a unit used, by
// name. It does not depend on the order of keys, white space, how strings are
// escaped or how numbers are written; nor does it tell whether two units use
// equal values. Without a key it is "", which Current never takes for equal.
func (k DigestKey) ValuesDigest(unit string, values map[string]json.RawMessage) string {
	if len(k.secret) == 0 {
		return ""
	}
	var text bytes.Buffer
	text.WriteString("strata.values/v1 " + strconv.Quote(unit))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		text.WriteString("\n" + strconv.Quote(name) + "=")
		writeValue(&text, values[name])
	}
	mac := hmac.New(sha256.New, k.secret)
	mac.Write(text.Bytes())
	return "hmac-sha256:" + hex.EncodeToString(mac.Sum(nil))
}

// writeValue writes a JSON value so that equal values have equal text. What is
// no JSON is equal to itself alone.
func writeValue(text *bytes.Buffer, raw json.RawMessage) {
	var value any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if !utf8.Valid(raw) || !json.Valid(raw) || dec.Decode(&value) != nil {
		text.WriteString("!" + strconv.Quote(string(raw)))
		return
	}
	writeCanonical(text, value)
}

func writeCanonical(text *bytes.Buffer, value any) {
	switch v := value.(type) {
	case nil:
		text.WriteString("null")
	case bool:
		text.WriteString(strconv.FormatBool(v))
	case json.Number:
		text.WriteString(canonicalNumber(v.String()))
	case string:
		text.WriteString(strconv.Quote(v))
	case []any:
		text.WriteByte('[')
		for _, item := range v {
			writeCanonical(text, item)
			text.WriteByte(',')
		}
		text.WriteByte(']')
	case map[string]any:
		text.WriteByte('{')
		for _, name := range slices.Sorted(maps.Keys(v)) {
			text.WriteString(strconv.Quote(name) + ":")
			writeCanonical(text, v[name])
			text.WriteByte(',')
		}
		text.WriteByte('}')
	}
}

// canonicalNumber writes a JSON number as digits without zeros at either end
// and a power of ten: exact at any size, and never expanded.
func canonicalNumber(number string) string {
	rest, negative := strings.CutPrefix(number, "-")
	digits, power := rest, new(big.Int)
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		digits = rest[:i]
		power.SetString(strings.TrimPrefix(rest[i+1:], "+"), 10)
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	power.Sub(power, big.NewInt(int64(len(fraction))))
	digits = strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0"
	}
	short := strings.TrimRight(digits, "0")
	power.Add(power, big.NewInt(int64(len(digits)-len(short))))
	if negative {
		short = "-" + short
	}
	return short + "e" + power.String()
}
