package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/strata-tf/strata/internal/graph"
)

// Graph writes which unit needs which, as text, mermaid, dot or json.
func Graph(w io.Writer, g *graph.Graph, format string) error {
	var b strings.Builder
	switch format {
	case "", "text":
		graphText(&b, g)
	case "mermaid":
		graphMermaid(&b, g)
	case "dot":
		graphDot(&b, g)
	case "json":
		return graphJSON(w, g)
	default:
		return fmt.Errorf("--format %q: it is text, mermaid, dot or json", format)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// graphText numbers each unit by how many steps stand before it: those of one
// number may run side by side.
func graphText(b *strings.Builder, g *graph.Graph) {
	step := make(map[string]int)
	var steps [][]string
	for _, id := range g.Order() {
		n := 0
		for _, need := range g.Needs(id) {
			n = max(n, step[need]+1)
		}
		step[id] = n
		if n == len(steps) {
			steps = append(steps, nil)
		}
		steps[n] = append(steps[n], id)
	}
	for n, ids := range steps {
		for _, id := range ids {
			fmt.Fprintf(b, "%d  %s", n+1, id)
			if needs := g.Needs(id); len(needs) > 0 {
				fmt.Fprintf(b, "  <- %s", strings.Join(needs, ", "))
			}
			b.WriteString("\n")
		}
	}
}

func graphMermaid(b *strings.Builder, g *graph.Graph) {
	b.WriteString("flowchart LR\n")
	number := make(map[string]int)
	for i, id := range g.Order() {
		number[id] = i
		fmt.Fprintf(b, "  u%d[\"%s\"]\n", i, id)
	}
	for _, id := range g.Order() {
		for _, need := range g.Needs(id) {
			fmt.Fprintf(b, "  u%d --> u%d\n", number[need], number[id])
		}
	}
}

func graphDot(b *strings.Builder, g *graph.Graph) {
	b.WriteString("digraph strata {\n  rankdir=LR;\n  node [shape=box];\n")
	for _, id := range g.Order() {
		fmt.Fprintf(b, "  %q;\n", id)
		for _, need := range g.Needs(id) {
			fmt.Fprintf(b, "  %q -> %q;\n", need, id)
		}
	}
	b.WriteString("}\n")
}

func graphJSON(w io.Writer, g *graph.Graph) error {
	type node struct {
		ID    string   `json:"id"`
		Needs []string `json:"needs"`
	}
	nodes := []node{}
	for _, id := range g.Order() {
		nodes = append(nodes, node{ID: id, Needs: g.Needs(id)})
	}
	return writeJSON(w, map[string]any{"units": nodes})
}

func writeJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(value)
}
