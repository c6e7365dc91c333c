package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// parse reads one record and checks that it is the one its key names.
func parse(key, environment string, data []byte) (Record, error) {
	unit := unitOf(key)
	broken := func(err error) error {
		return fmt.Errorf("the record %s cannot be read: %w: `strata records --forget %s` removes it, and the next deploy writes a new one", key, err, unit)
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Record{}, broken(err)
	}
	if head.Schema != Schema {
		if newer(head.Schema) {
			return Record{}, fmt.Errorf("the record %s was written by a newer Strata (%s, this one knows %s): update Strata", key, head.Schema, Schema)
		}
		return Record{}, broken(fmt.Errorf("its schema is %q, not %s", head.Schema, Schema))
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return Record{}, broken(err)
	}
	switch want, err := Key(environment, r.Unit); {
	case err != nil:
		return Record{}, broken(err)
	case want != key || r.Environment != environment:
		return Record{}, broken(fmt.Errorf("it is of %s in %s", r.Unit, r.Environment))
	case r.Attempt == nil && r.Closure == "":
		return Record{}, broken(errors.New("it holds neither a success nor an attempt"))
	}
	return r, nil
}

func newer(schema string) bool {
	name, version, ok := cutLast(schema, "/v")
	ours, own, _ := cutLast(Schema, "/v")
	n, err := strconv.Atoi(version)
	known, _ := strconv.Atoi(own)
	return ok && err == nil && name == ours && n > known && !strings.HasPrefix(version, "+")
}
