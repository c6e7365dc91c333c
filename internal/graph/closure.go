package graph

import "slices"

// AllNeeds lists all that the given ids need, directly or not, sorted. The
// given ids themselves are left out, and so are ids the graph does not have.
func (g *Graph) AllNeeds(ids ...string) []string { return g.closure(g.needs, ids) }

// AllDependents lists all that needs one of the given ids, directly or not,
// sorted. The given ids themselves are left out, and so are ids the graph does
// not have.
func (g *Graph) AllDependents(ids ...string) []string { return g.closure(g.dependents, ids) }

func (g *Graph) closure(edges [][]int, ids []string) []string {
	seen := make([]bool, len(g.ids))
	var stack, found []int
	for _, id := range ids {
		if n, ok := g.number[id]; ok && !seen[n] {
			seen[n] = true
			stack = append(stack, n)
		}
	}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, m := range edges[n] {
			if !seen[m] {
				seen[m] = true
				stack = append(stack, m)
				found = append(found, m)
			}
		}
	}
	slices.Sort(found)
	return g.names(found)
}

// Subgraph keeps the given ids alone, and their order: where a needs b, b needs
// c and b is left out, a needs c. Ids the graph does not have are ignored.
func (g *Graph) Subgraph(ids []string) *Graph {
	kept := make([]bool, len(g.ids))
	for _, id := range ids {
		if n, ok := g.number[id]; ok {
			kept[n] = true
		}
	}
	sub := &Graph{number: map[string]int{}}
	renumbered := make([]int, len(g.ids))
	for n, id := range g.ids {
		if kept[n] {
			renumbered[n] = len(sub.ids)
			sub.number[id] = len(sub.ids)
			sub.ids = append(sub.ids, id)
		}
	}
	sub.needs = make([][]int, len(sub.ids))
	for n, needs := range g.keptNeeds(kept) {
		if !kept[n] {
			continue
		}
		for _, m := range needs {
			sub.needs[renumbered[n]] = append(sub.needs[renumbered[n]], renumbered[m])
		}
	}
	sub.dependents = invert(sub.needs)
	sub.order = topological(sub.needs, sub.dependents)
	return sub
}

// keptNeeds finds for every node the nearest kept nodes that it needs: a need
// that is left out stands for what it needs itself.
func (g *Graph) keptNeeds(kept []bool) [][]int {
	near := make([][]int, len(g.ids))
	lastSeen := make([]int, len(g.ids)) // the node, plus one, that met it last
	for _, n := range g.order {
		add := func(m int) {
			if lastSeen[m] != n+1 {
				lastSeen[m] = n + 1
				near[n] = append(near[n], m)
			}
		}
		for _, need := range g.needs[n] {
			if kept[need] {
				add(need)
				continue
			}
			for _, m := range near[need] {
				add(m)
			}
		}
		slices.Sort(near[n])
	}
	return near
}
