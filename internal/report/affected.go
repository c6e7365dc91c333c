package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/strata-tf/strata/internal/affected"
)

// Affected is what a change affects.
type Affected struct {
	*affected.Result
	Environment string   // "" for all
	Base, Head  string   // commits; Head is "" for the working tree
	Notes       []string // what was read from where
}

// Write writes it as table, json, matrix (for GitHub's strategy.matrix), dotenv
// (for the variables of GitLab and Azure) or clients (the instances alone, a
// line each).
func (r *Affected) Write(w io.Writer, format string) error {
	switch format {
	case "", "table":
		return affectedTable(w, r.Result)
	case "json":
		return affectedJSON(w, r)
	case "matrix":
		return affectedMatrix(w, r.Result)
	case "dotenv":
		return affectedDotenv(w, r.Result)
	case "clients":
		for _, name := range instances(r.Result) {
			if _, err := fmt.Fprintln(w, name); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("--format %q: it is table, json, matrix, dotenv or clients", format)
}

// Why writes why a unit is affected, or why it is not. units is the command that
// lists units.
func (r *Affected) Why(w io.Writer, unit, units string) error {
	for _, u := range r.Units {
		if u.ID() == unit || u.Path == unit {
			_, err := fmt.Fprintln(w, strings.Join(u.Reasons, "\n"))
			return err
		}
	}
	for _, u := range r.Deleted {
		if u.ID() == unit || u.Path == unit {
			_, err := fmt.Fprintf(w, "%s is deleted: its folder %s is gone\n", u.ID(), u.Path)
			return err
		}
	}
	if reason, ok := r.Clear[unit]; ok {
		_, err := fmt.Fprintf(w, "%s is not affected: %s\n", unit, reason)
		return err
	}
	return fmt.Errorf("no unit %q: `%s` lists them", unit, units)
}

func affectedTable(w io.Writer, r *affected.Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(r.Units) > 0 {
		fmt.Fprintln(t, "UNIT\tWHY")
	}
	for _, u := range r.Units {
		for i, reason := range u.Reasons {
			id := u.ID()
			if i > 0 {
				id = ""
			}
			fmt.Fprintf(t, "%s\t%s\n", id, clean(strings.TrimSuffix(reason, " → "+u.ID())))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, u := range r.Deleted {
		fmt.Fprintf(w, "deleted: %s (%s)\n", u.ID(), u.Path)
	}
	for _, i := range r.Ignored {
		fmt.Fprintf(w, "ignored: %s (%s)\n", clean(i.Path), clean(i.Reason))
	}
	_, err := fmt.Fprintf(w, "%d affected, %d deleted\n", len(r.Units), len(r.Deleted))
	return err
}

type affectedUnit struct {
	ID          string   `json:"id"`
	Path        string   `json:"path"`
	Layer       string   `json:"layer"`
	Region      string   `json:"region"`
	Instance    string   `json:"instance,omitempty"`
	Environment string   `json:"environment"`
	Dependency  bool     `json:"dependency,omitempty"`
	Reason      []string `json:"reason,omitempty"`
}

func affectedUnits(r *affected.Result) []affectedUnit {
	units := []affectedUnit{}
	for _, u := range r.Units {
		units = append(units, affectedUnit{u.ID(), u.Path, u.Layer, u.Region, u.Instance, u.Environment, u.Dependency, u.Reasons})
	}
	return units
}

func affectedJSON(w io.Writer, r *Affected) error {
	type ignored struct {
		Path   string `json:"path"`
		Reason string `json:"reason"`
	}
	deleted, left := []affectedUnit{}, []ignored{}
	for _, u := range r.Deleted {
		deleted = append(deleted, affectedUnit{ID: u.ID(), Path: u.Path, Layer: u.Layer, Region: u.Region, Instance: u.Instance, Environment: u.Environment})
	}
	for _, i := range r.Ignored {
		left = append(left, ignored(i))
	}
	warnings := r.Warnings
	if warnings == nil {
		warnings = []string{}
	}
	return writeJSON(w, struct {
		Schema      string         `json:"schema"`
		Environment string         `json:"environment,omitempty"`
		Base        string         `json:"base"`
		Head        string         `json:"head,omitempty"` // empty for the working tree
		Units       []affectedUnit `json:"units"`
		Deleted     []affectedUnit `json:"deleted"`
		Ignored     []ignored      `json:"ignored"`
		Warnings    []string       `json:"warnings"`
	}{"strata.affected/v1", r.Environment, r.Base, r.Head, affectedUnits(r.Result), deleted, left, warnings})
}

// affectedMatrix is one line: GitHub takes a job's output as one.
func affectedMatrix(w io.Writer, r *affected.Result) error {
	type entry struct {
		Unit        string `json:"unit"`
		Layer       string `json:"layer"`
		Instance    string `json:"instance"`
		Region      string `json:"region"`
		Environment string `json:"environment"`
	}
	include := []entry{}
	for _, u := range r.Units {
		include = append(include, entry{u.ID(), u.Layer, u.Instance, u.Region, u.Environment})
	}
	data, err := json.Marshal(map[string]any{"include": include})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", data)
	return err
}

func affectedDotenv(w io.Writer, r *affected.Result) error {
	var ids, layers []string
	for _, u := range r.Units {
		ids = append(ids, u.ID())
		layers = append(layers, u.Layer)
	}
	slices.Sort(layers)
	_, err := fmt.Fprintf(w, "STRATA_AFFECTED=%t\nSTRATA_AFFECTED_COUNT=%d\nSTRATA_AFFECTED_UNITS=%s\nSTRATA_AFFECTED_LAYERS=%s\nSTRATA_AFFECTED_CLIENTS=%s\n",
		len(ids) > 0, len(ids), strings.Join(ids, ","), strings.Join(slices.Compact(layers), ","), strings.Join(instances(r), ","))
	return err
}

// instances are the clients: the instances of affected units, each once.
func instances(r *affected.Result) []string {
	var names []string
	for _, u := range r.Units {
		if u.Instance != "" {
			names = append(names, u.Instance)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
