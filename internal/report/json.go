package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes a run as one document of the schema strata.run/v1. Units are
// never null, and each has all counters: they are zero where no plan was made,
// which its result tells.
func JSON(w io.Writer, run *Run) error {
	document := *run
	document.Schema = Schema
	document.Units = make([]Unit, len(run.Units))
	copy(document.Units, run.Units)
	for i := range document.Units {
		if document.Units[i].Changes == nil {
			document.Units[i].Changes = &Changes{}
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(&document); err != nil {
		return fmt.Errorf("write the run as JSON: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}
