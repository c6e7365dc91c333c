package ledger

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// EntryError says why one entry cannot be read.
type EntryError struct {
	Key string
	Err error
}

func (e *EntryError) Error() string { return fmt.Sprintf("the ledger's entry %s: %v", e.Key, e.Err) }
func (e *EntryError) Unwrap() error { return e.Err }

// parse reads one entry and checks that it is the one its key names. Fields that
// it does not know it passes over.
func parse(key, environment string, data []byte) (Entry, error) {
	broken := func(err error) (Entry, error) {
		return Entry{}, &EntryError{key, fmt.Errorf("it cannot be read, its run is left out: %w", err)}
	}
	var e Entry
	err := json.Unmarshal(data, &e)
	schema := e.Schema
	if err != nil { // maybe because another version has other fields
		var head struct {
			Schema string `json:"schema"`
		}
		_ = json.Unmarshal(data, &head)
		schema = head.Schema
	}
	if newer(schema) {
		return Entry{}, &EntryError{key, fmt.Errorf("a newer Strata wrote it (%s, this one knows %s): update Strata", schema, Schema)}
	}
	if err != nil {
		return broken(err)
	}
	if schema != Schema {
		return broken(fmt.Errorf("its schema is %q, not %s", schema, Schema))
	}
	switch want, err := keyOf(environment, e.Run); {
	case err != nil:
		return broken(err)
	case want != key || e.Environment != environment:
		return broken(fmt.Errorf("it is of the run %s in %s", e.Run, e.Environment))
	}
	return e, nil
}

func newer(schema string) bool {
	name, version, _ := strings.Cut(schema, "/v")
	ours, own, _ := strings.Cut(Schema, "/v")
	n, err := strconv.ParseUint(version, 10, 64)
	known, _ := strconv.ParseUint(own, 10, 64)
	return err == nil && name == ours && n > known
}
