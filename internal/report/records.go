package report

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/strata-tf/strata/internal/record"
)

// Records writes what is remembered of units, as table or json.
func Records(w io.Writer, records []record.Record, format string) error {
	switch format {
	case "json":
		if records == nil {
			records = []record.Record{}
		}
		return writeJSON(w, map[string]any{"schema": "strata.records/v1", "records": records})
	case "", "table":
	default:
		return fmt.Errorf("--format %q: it is table or json", format)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "UNIT\tCOMMIT\tDEPLOYED (UTC)\tRESULT")
	for _, r := range records {
		deployed, result := "never", r.Result
		if !r.Time.IsZero() {
			deployed = r.Time.UTC().Format(time.DateTime)
		}
		if r.Attempt != nil {
			result = "an apply of " + r.Attempt.Time.UTC().Format(time.DateTime) + " did not succeed"
		}
		commit := r.Commit[:min(len(r.Commit), 8)]
		if r.Dirty {
			commit += "+" // and more that was not committed
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", clean(r.Unit), clean(commit), deployed, clean(result))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, count(len(records), "record"))
	return err
}
