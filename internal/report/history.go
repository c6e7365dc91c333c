package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/strata-tf/strata/internal/ledger"
)

// HistorySchema names the version of the JSON document that a history is
// written as.
const HistorySchema = "strata.history/v1"

// History writes what the runs of an environment tell together, as table or
// json.
func History(w io.Writer, h ledger.History, format string) error {
	switch format {
	case "", "table":
		return historyTable(w, &h)
	case "json":
		return historyJSON(w, h)
	}
	return fmt.Errorf("--format %q: it is table or json", format)
}

// historyJSON writes lists that are never null.
func historyJSON(w io.Writer, h ledger.History) error {
	if h.Runs == nil {
		h.Runs = []ledger.RunSummary{}
	}
	if h.Verbs == nil {
		h.Verbs = []ledger.VerbStats{}
	}
	if h.Drift == nil {
		h.Drift = []ledger.DriftPoint{}
	}
	if h.Growth == nil {
		h.Growth = []ledger.Growth{}
	}
	return writeJSON(w, struct {
		Schema string `json:"schema"`
		ledger.History
	}{HistorySchema, h})
}

// historyTable writes what was found in the order in which people ask: what
// ran, how that went, what drifted, what grows. What is missing from it stands
// at the end, where people look.
func historyTable(w io.Writer, h *ledger.History) error {
	t := &historyText{h: h}
	t.runs()
	t.verbs()
	t.drift()
	t.growth()
	t.unread()
	_, err := io.WriteString(w, t.out.String())
	return err
}

// line writes a clean line.
func (t *historyText) line(text string) {
	t.out.WriteString(disarm(strings.TrimRight(text, " ")) + "\n")
}

// section begins a part after an empty line.
func (t *historyText) section(title string) {
	if t.out.Len() > 0 {
		t.line("")
	}
	t.line(title)
}
