package finding

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// BaselineSchema names the form of a baseline.
const BaselineSchema = "strata.baseline/v1"

// Baseline is a list of findings that are accepted as they are, so that only new
// ones count.
type Baseline struct {
	Schema   string          `json:"schema"`
	Findings []BaselineEntry `json:"findings"`
}

// BaselineEntry is an accepted finding. The fingerprint alone decides, all else
// is for people.
type BaselineEntry struct {
	Fingerprint string `json:"fingerprint"`
	Tool        string `json:"tool"`
	Rule        string `json:"rule"`
	Unit        string `json:"unit,omitempty"`
	File        string `json:"file,omitempty"`
	Resource    string `json:"resource,omitempty"`
}

// WriteBaseline writes the baseline that accepts the findings. These are the
// ones that count before duplicates are left out: otherwise what is found by two
// tools would count again when one of them is switched off.
//
// Entries of an older baseline that are to stay come with it.
func WriteBaseline(list []Finding, stay ...BaselineEntry) ([]byte, error) {
	b := Baseline{Schema: BaselineSchema, Findings: []BaselineEntry{}}
	for _, f := range list {
		b.Findings = append(b.Findings, BaselineEntry{
			Fingerprint: f.Fingerprint(), Tool: f.Tool, Rule: f.Rule, Unit: f.Unit, File: f.File, Resource: f.Resource,
		})
	}
	b.Findings = append(b.Findings, stay...)
	slices.SortStableFunc(b.Findings, func(x, y BaselineEntry) int {
		return cmp.Or(strings.Compare(x.File, y.File), strings.Compare(x.Unit, y.Unit), strings.Compare(x.Tool, y.Tool),
			strings.Compare(x.Rule, y.Rule), strings.Compare(x.Resource, y.Resource), strings.Compare(x.Fingerprint, y.Fingerprint))
	})
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(b); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// ReadBaseline reads what WriteBaseline wrote.
func ReadBaseline(data []byte) (Baseline, error) {
	var b Baseline
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&b); err != nil {
		return Baseline{}, fmt.Errorf("not a baseline: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Baseline{}, errors.New("not a baseline: something follows its end")
	}
	if b.Schema != BaselineSchema {
		return Baseline{}, fmt.Errorf("not a baseline: its schema is %q, not %s", b.Schema, BaselineSchema)
	}
	for i, entry := range b.Findings {
		if entry.Fingerprint == "" {
			return Baseline{}, fmt.Errorf("not a baseline: entry %d has no fingerprint", i+1)
		}
	}
	return b, nil
}

// Apply parts the findings that count from those that are in the baseline.
func (b Baseline) Apply(list []Finding) (counted, known []Finding) {
	accepted := make(map[string]bool, len(b.Findings))
	for _, entry := range b.Findings {
		accepted[entry.Fingerprint] = true
	}
	return part(list, func(f Finding) string {
		if accepted[f.Fingerprint()] {
			return "in the baseline"
		}
		return ""
	})
}
