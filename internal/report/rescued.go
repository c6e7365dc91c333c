package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// Rescued is a state that the unit's backend did not take.
type Rescued struct {
	Unit string `json:"unit"`
	Key  string `json:"key"`  // in the store
	Time string `json:"time"` // when it was rescued
}

// RescuedStates writes the states that wait, as table or json.
func RescuedStates(w io.Writer, found []Rescued, format string) error {
	switch format {
	case "", "table":
	case "json":
		if found == nil {
			found = []Rescued{}
		}
		return json.NewEncoder(w).Encode(map[string]any{"rescued": found})
	default:
		return fmt.Errorf("--format %q: it is table or json", format)
	}
	if len(found) == 0 {
		_, err := io.WriteString(w, "no rescued state waits\n")
		return err
	}
	for _, r := range found {
		if _, err := fmt.Fprintf(w, "%s  %s\n", r.Time, r.Unit); err != nil {
			return err
		}
	}
	return nil
}
