package graph

import (
	"container/heap"
	"slices"
)

// invert turns every edge round.
func invert(edges [][]int) [][]int {
	counts := make([]int, len(edges))
	for _, list := range edges {
		for _, m := range list {
			counts[m]++
		}
	}
	inverted := make([][]int, len(edges))
	for n, count := range counts {
		inverted[n] = make([]int, 0, count)
	}
	for n, list := range edges {
		for _, m := range list {
			inverted[m] = append(inverted[m], n)
		}
	}
	return inverted
}

// topological orders the nodes so that each comes after its needs, the
// smallest first where there is a choice. Nodes of a circle, and those that
// need one, are left out.
func topological(needs, dependents [][]int) []int {
	pending := make([]int, len(needs))
	var ready intHeap
	for n, list := range needs {
		pending[n] = len(list)
		if len(list) == 0 {
			ready = append(ready, n)
		}
	}
	heap.Init(&ready)
	order := make([]int, 0, len(needs))
	for len(ready) > 0 {
		n := heap.Pop(&ready).(int)
		order = append(order, n)
		for _, m := range dependents[n] {
			if pending[m]--; pending[m] == 0 {
				heap.Push(&ready, m)
			}
		}
	}
	return order
}

// findCycle returns a circle among the nodes that order left out. Each of them
// has a need that was left out too, so following these must come back.
func findCycle(needs [][]int, order []int) []int {
	done := make([]bool, len(needs))
	for _, n := range order {
		done[n] = true
	}
	left := func(n int) bool { return !done[n] }
	start := slices.Index(done, false)
	at := map[int]int{}
	var path []int
	for n := start; ; {
		if i, seen := at[n]; seen {
			return smallestFirst(path[i:])
		}
		at[n] = len(path)
		path = append(path, n)
		n = needs[n][slices.IndexFunc(needs[n], left)]
	}
}

// smallestFirst turns a circle until its smallest node stands first, and
// closes it.
func smallestFirst(circle []int) []int {
	i := slices.Index(circle, slices.Min(circle))
	turned := slices.Concat(circle[i:], circle[:i])
	return append(turned, turned[0])
}

// intHeap is a heap of ints, the smallest on top.
type intHeap []int

func (h intHeap) Len() int           { return len(h) }
func (h intHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h intHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *intHeap) Push(x any)        { *h = append(*h, x.(int)) }
func (h *intHeap) Pop() any {
	last := len(*h) - 1
	n := (*h)[last]
	*h = (*h)[:last]
	return n
}
