package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// Write adds the entry of a run. An entry is never replaced: where there is
// another of this run the error wraps fs.ErrExist.
func Write(ctx context.Context, s Store, e Entry) error {
	key, err := keyOf(e.Environment, e.Run)
	if err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	data, err := encode(e)
	if err != nil {
		return fmt.Errorf("write the ledger's entry %s: %w", key, err)
	}
	err = s.PutNew(ctx, key, data)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	// A request whose answer was lost is sent again, and then finds its own work.
	if there, getErr := s.Get(ctx, key); getErr == nil && bytes.Equal(there, data) {
		return nil
	}
	return fmt.Errorf("the ledger has another entry of the run %s, which stays as it is; this one is not kept: %w", e.Run, err)
}

// encode writes one line: there are many entries, and all are read for a history.
func encode(e Entry) ([]byte, error) {
	e.Schema = Schema
	e.Started = e.Started.UTC()
	if e.Units == nil {
		e.Units = []Unit{} // never null
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(e)
	return b.Bytes(), err
}
