// Package graph is a directed acyclic graph over names and a scheduler that
// walks it. It knows nothing of what the names stand for.
package graph

import (
	"fmt"
	"slices"
	"strings"
)

// Graph says which ids need which. It does not change after New, so it may be
// shared between goroutines.
type Graph struct {
	ids        []string       // sorted, so that a node's number orders as its id
	number     map[string]int // id -> index into ids
	needs      [][]int        // by node, sorted
	dependents [][]int        // by node, sorted
	order      []int          // nodes in topological order
}

// CycleError says that some ids need each other in a circle.
type CycleError struct {
	Path []string // each needs the next one; the last is the first again
}

// Error spells the circle out: a needs b needs a.
func (e *CycleError) Error() string { return strings.Join(e.Path, " needs ") }

// UnknownError says that an id needs one that is not there.
type UnknownError struct {
	ID   string
	Need string
}

// Error names both.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("%s needs %s, which does not exist", e.ID, e.Need)
}

// New builds a graph of all ids that are keys of needs. A need that is no key
// is an *UnknownError, a circle a *CycleError.
func New(needs map[string][]string) (*Graph, error) {
	g := &Graph{
		ids:    make([]string, 0, len(needs)),
		number: make(map[string]int, len(needs)),
		needs:  make([][]int, len(needs)),
	}
	for id := range needs {
		g.ids = append(g.ids, id)
	}
	slices.Sort(g.ids)
	for n, id := range g.ids {
		g.number[id] = n
	}
	for n, id := range g.ids {
		list := make([]int, 0, len(needs[id]))
		for _, need := range needs[id] {
			m, ok := g.number[need]
			if !ok {
				return nil, &UnknownError{ID: id, Need: need}
			}
			list = append(list, m)
		}
		slices.Sort(list)
		g.needs[n] = slices.Compact(list)
	}
	return g, g.finish()
}

// finish derives dependents and order from needs.
func (g *Graph) finish() error {
	g.dependents = invert(g.needs)
	g.order = topological(g.needs, g.dependents)
	if len(g.order) < len(g.ids) {
		return &CycleError{Path: g.names(findCycle(g.needs, g.order))}
	}
	return nil
}

// Len is the number of ids.
func (g *Graph) Len() int { return len(g.ids) }

// Has says whether the id is in the graph.
func (g *Graph) Has(id string) bool {
	_, ok := g.number[id]
	return ok
}

// Order lists every id after all that it needs; of those that could come next,
// the smallest comes first.
func (g *Graph) Order() []string { return g.names(g.order) }

// Needs lists what id needs directly, sorted.
func (g *Graph) Needs(id string) []string { return g.direct(g.needs, id) }

// Reverse is the same graph with every need turned round.
func (g *Graph) Reverse() *Graph {
	return &Graph{
		ids: g.ids, number: g.number,
		needs: g.dependents, dependents: g.needs,
		order: topological(g.dependents, g.needs),
	}
}

func (g *Graph) direct(edges [][]int, id string) []string {
	n, ok := g.number[id]
	if !ok {
		return nil
	}
	return g.names(edges[n])
}

func (g *Graph) names(nodes []int) []string {
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = g.ids[n]
	}
	return names
}
