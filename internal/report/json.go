package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/foreign"
)

// JSON writes a run as one document of the schema strata.run/v1. Units, and the
// findings of a check, are never null, and each unit has all counters: they are
// zero where no plan was made, which its result tells. Characters that a terminal
// would obey, or that make text read differently, are written as escapes.
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
	document.Checks = slices.Clone(run.Checks)
	for i := range document.Checks {
		if document.Checks[i].Findings == nil {
			document.Checks[i].Findings = []finding.Finding{}
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(&document); err != nil {
		return fmt.Errorf("write the run as JSON: %w", err)
	}
	_, err := w.Write(escaped(b.Bytes()))
	return err
}

// escaped is a JSON document in which the characters that people must not meet
// as they are stand as escapes. They are all within strings: JSON itself has none
// of them but line ends.
func escaped(document []byte) []byte {
	hidden := func(r rune) bool { return r != '\n' && unicode.IsControl(r) || foreign.Reorders(r) }
	if !bytes.ContainsFunc(document, hidden) {
		return document
	}
	var b bytes.Buffer
	for _, r := range string(document) {
		if hidden(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.Bytes()
}
