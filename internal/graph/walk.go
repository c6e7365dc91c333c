package graph

import (
	"container/heap"
	"context"
	"sync"
)

// Options says how Walk goes.
type Options struct {
	// Slots is how many nodes may hold a slot at once; zero or less is no limit.
	Slots int
	// FailFast starts no further node once one has failed.
	FailFast bool
}

// VisitFunc does a node's work. It may call release to give its slot to the
// next node before it returns; calling it again does nothing. An error blocks
// every node that needs this one, directly or not.
type VisitFunc func(ctx context.Context, id string, release func()) error

// SkippedFunc is told of a node that is never visited. because is the nearest
// failed node that it needs, directly or not; it is empty where the walk was
// stopped for another reason.
type SkippedFunc func(id, because string)

// Walk visits every node as soon as all that it needs was visited without an
// error and a slot is free; of those that are ready, the first in Order goes
// first. There are no steps that everyone waits for. When ctx is cancelled no
// further node starts; those that run are waited for. Walk returns when all
// visits have returned and every other node was given to skipped, exactly
// once. It calls skipped, which may be nil, from its own goroutine.
func Walk(ctx context.Context, g *Graph, opts Options, visit VisitFunc, skipped SkippedFunc) {
	w := newWalk(g, opts, visit, skipped)
	stop := ctx.Done()
	w.start(ctx)
	for w.running > 0 {
		select {
		case e := <-w.events:
			w.handle(e)
		case <-stop:
			w.stopped, stop = true, nil
		}
		w.start(ctx)
	}
	w.drain()
}

// event is what a visit tells the dispatcher: it gives its slot up, it has
// ended, or both at once.
type event struct {
	node     int
	released bool
	ended    bool
	err      error
}

// walk is the state of one Walk. Only the dispatcher's goroutine touches it.
type walk struct {
	g       *Graph
	opts    Options
	visit   VisitFunc
	skipped SkippedFunc

	rank    []int   // by node: its place in the order
	pending []int   // by node: needs that have not ended
	causes  []cause // by node: the nearest failed need so far
	stops   []bool  // by node: a need was skipped without a cause

	ready   intHeap // ranks of the nodes that may start
	events  chan event
	busy    int // slots held
	running int // visits that have not returned
	stopped bool
}

// cause is a failed node that blocks another one, and how far away it is.
type cause struct {
	rank     int
	distance int // 0: there is none
}

func (c cause) nearerThan(other cause) bool {
	switch {
	case c.distance == 0:
		return false
	case other.distance == 0:
		return true
	case c.distance != other.distance:
		return c.distance < other.distance
	}
	return c.rank < other.rank
}

func newWalk(g *Graph, opts Options, visit VisitFunc, skipped SkippedFunc) *walk {
	n := len(g.ids)
	if skipped == nil {
		skipped = func(string, string) {}
	}
	w := &walk{
		g: g, opts: opts, visit: visit, skipped: skipped,
		rank: make([]int, n), pending: make([]int, n),
		causes: make([]cause, n), stops: make([]bool, n),
		events: make(chan event),
	}
	for rank, node := range g.order {
		w.rank[node] = rank
		w.pending[node] = len(g.needs[node])
		if w.pending[node] == 0 {
			heap.Push(&w.ready, rank)
		}
	}
	return w
}

// start visits ready nodes while there are slots.
func (w *walk) start(ctx context.Context) {
	for len(w.ready) > 0 && !w.stopped {
		if ctx.Err() != nil {
			w.stopped = true
			return
		}
		if w.opts.Slots > 0 && w.busy >= w.opts.Slots {
			return
		}
		node := w.g.order[heap.Pop(&w.ready).(int)]
		w.busy++
		w.running++
		go w.run(ctx, node)
	}
}

// run is a visit's goroutine.
func (w *walk) run(ctx context.Context, node int) {
	var once sync.Once
	release := func() { once.Do(func() { w.events <- event{node: node, released: true} }) }
	last := event{node: node, ended: true}
	last.err = w.visit(ctx, w.g.ids[node], release)
	once.Do(func() { last.released = true })
	w.events <- last
}

// handle takes what a visit told.
func (w *walk) handle(e event) {
	if e.released {
		w.busy--
	}
	if !e.ended {
		return
	}
	w.running--
	if e.err == nil {
		w.end(e.node, cause{}, false)
		return
	}
	w.stopped = w.stopped || w.opts.FailFast
	w.end(e.node, cause{rank: w.rank[e.node], distance: 1}, false)
}

// drain skips all that was ready when the walk was stopped, and what needs it.
func (w *walk) drain() {
	for len(w.ready) > 0 {
		node := w.g.order[heap.Pop(&w.ready).(int)]
		w.skipped(w.g.ids[node], "")
		w.end(node, cause{}, true)
	}
}

// end tells the dependents of a node that it ended: what it passes on as their
// cause, and whether it was skipped without one. A dependent whose last need
// this was is ready, or skipped and ended as well.
func (w *walk) end(node int, passed cause, stop bool) {
	for _, m := range w.g.dependents[node] {
		if passed.nearerThan(w.causes[m]) {
			w.causes[m] = passed
		}
		w.stops[m] = w.stops[m] || stop
		if w.pending[m]--; w.pending[m] > 0 {
			continue
		}
		switch c := w.causes[m]; {
		case c.distance > 0:
			w.skipped(w.g.ids[m], w.g.ids[w.g.order[c.rank]])
			w.end(m, cause{rank: c.rank, distance: c.distance + 1}, false)
		case w.stops[m]:
			w.skipped(w.g.ids[m], "")
			w.end(m, cause{}, true)
		default:
			heap.Push(&w.ready, w.rank[m])
		}
	}
}
