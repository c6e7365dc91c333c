package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/strata-tf/strata/internal/stack"
)

// Units writes a list of units, as table or json.
func Units(w io.Writer, units []*stack.Unit, format string) error {
	switch format {
	case "", "table":
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "UNIT\tFOLDER\tNEEDS")
		for _, u := range units {
			fmt.Fprintf(t, "%s\t%s\t%s\n", u.ID(), u.Path, strings.Join(u.Needs, " "))
		}
		return t.Flush()
	case "json":
		return unitsJSON(w, units)
	}
	return fmt.Errorf("--format %q: it is table or json", format)
}

func unitsJSON(w io.Writer, units []*stack.Unit) error {
	type unit struct {
		ID          string   `json:"id"`
		Path        string   `json:"path"`
		Layer       string   `json:"layer"`
		Instance    string   `json:"instance,omitempty"`
		Region      string   `json:"region"`
		Environment string   `json:"environment"`
		Needs       []string `json:"needs"`
	}
	list := []unit{}
	for _, u := range units {
		needs := u.Needs
		if needs == nil {
			needs = []string{}
		}
		list = append(list, unit{u.ID(), u.Path, u.Layer, u.Instance, u.Region, u.Environment, needs})
	}
	return writeJSON(w, map[string]any{"units": list})
}
