package graph

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var errFailed = errors.New("failed")

// recorder notes what a walk did.
type recorder struct {
	mu      sync.Mutex
	visited []string
	skips   []string
}

func (r *recorder) visit(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.visited = append(r.visited, id)
}

func (r *recorder) skipped(id, because string) { r.skips = append(r.skips, id+"<"+because) }

// within fails the test if f takes long: a scheduler's faults are often hangs.
func within(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the walk does not end")
	}
}

func TestWalkVisitsInOrder(t *testing.T) {
	g := mustNew(t, parse("d: b c; b: a; c: a; x; y: x"))
	var r recorder
	within(t, func() {
		Walk(t.Context(), g, Options{Slots: 1}, func(_ context.Context, id string, _ func()) error {
			r.visit(id)
			return nil
		}, r.skipped)
	})
	if got, want := strings.Join(r.visited, " "), strings.Join(g.Order(), " "); got != want {
		t.Errorf("visited %q, want %q", got, want)
	}
	if len(r.skips) > 0 {
		t.Errorf("skipped %v", r.skips)
	}
}

func TestWalkFailures(t *testing.T) {
	for _, test := range []struct {
		name, graph, fail, visited, skips string
	}{
		{"chain", "c: b; b: a", "a", "a", "b<a c<a"},
		{"others go on", "c: b; b: a; d", "a", "a d", "b<a c<a"},
		{"nearest", "e: d c; d: b; b: a; c; x", "a c", "a c x", "b<a d<a e<c"},
		{"first of equals", "c: a b", "a b", "a b", "c<a"},
		{"once", "b: a; c: a; d: b c", "a", "a", "b<a c<a d<a"},
		{"need done, other failed", "c: a b; d: c", "b", "a b", "c<b d<b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r recorder
			within(t, func() {
				Walk(t.Context(), mustNew(t, parse(test.graph)), Options{}, func(_ context.Context, id string, _ func()) error {
					r.visit(id)
					if slices.Contains(strings.Fields(test.fail), id) {
						return errFailed
					}
					return nil
				}, r.skipped)
			})
			slices.Sort(r.visited)
			slices.Sort(r.skips)
			if got := strings.Join(r.visited, " "); got != test.visited {
				t.Errorf("visited %q, want %q", got, test.visited)
			}
			if got := strings.Join(r.skips, " "); got != test.skips {
				t.Errorf("skipped %q, want %q", got, test.skips)
			}
		})
	}
}

func TestWalkKeepsToItsWidth(t *testing.T) {
	for _, width := range []int{1, 2, 7} {
		var running, most atomic.Int32
		within(t, func() {
			Walk(t.Context(), mustNew(t, layered(200)), Options{Slots: width}, func(context.Context, string, func()) error {
				now := running.Add(1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				runtime.Gosched()
				running.Add(-1)
				return nil
			}, nil)
		})
		if int(most.Load()) > width {
			t.Errorf("%d ran at once, the width is %d", most.Load(), width)
		}
	}
}

func TestWalkHasNoBarrier(t *testing.T) {
	// slow stands in the first layer; the chain beside it must not wait for it.
	g := mustNew(t, parse("slow; a2: a1; a3: a2"))
	chain := make(chan struct{})
	within(t, func() {
		Walk(t.Context(), g, Options{}, func(_ context.Context, id string, _ func()) error {
			switch id {
			case "slow":
				<-chain
			case "a3":
				close(chain)
			}
			return nil
		}, nil)
	})
}

func TestWalkRelease(t *testing.T) {
	// One slot: the second node can only start because the first gives its up.
	g := mustNew(t, parse("a; b"))
	second := make(chan struct{})
	within(t, func() {
		Walk(t.Context(), g, Options{Slots: 1}, func(_ context.Context, id string, release func()) error {
			if id == "a" {
				release()
				release()
				<-second
				return nil
			}
			close(second)
			return nil
		}, nil)
	})
}

func TestWalkReleaseGivesOneSlot(t *testing.T) {
	var holding, most atomic.Int32
	within(t, func() {
		Walk(t.Context(), mustNew(t, layered(300)), Options{Slots: 2}, func(_ context.Context, id string, release func()) error {
			most.Store(max(most.Load(), holding.Add(1)))
			holding.Add(-1)
			release()
			go release()
			return nil
		}, nil)
	})
	if most.Load() > 2 {
		t.Errorf("%d held a slot at once", most.Load())
	}
}

func TestWalkFailFast(t *testing.T) {
	var r recorder
	within(t, func() {
		Walk(t.Context(), mustNew(t, parse("b: a; c; d: c")), Options{Slots: 1, FailFast: true},
			func(_ context.Context, id string, _ func()) error {
				r.visit(id)
				return errFailed
			}, r.skipped)
	})
	if got := fmt.Sprint(r.visited, r.skips); got != "[a] [b<a c< d<]" {
		t.Errorf("got %s", got)
	}
}

func TestWalkCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var r recorder
	within(t, func() {
		Walk(ctx, mustNew(t, parse("b: a; c: b; d; e: d")), Options{Slots: 1}, func(ctx context.Context, id string, _ func()) error {
			r.visit(id)
			cancel()
			<-ctx.Done() // it is waited for
			return nil
		}, r.skipped)
	})
	if got := fmt.Sprint(r.visited, r.skips); got != "[a] [b< c< d< e<]" {
		t.Errorf("got %s", got)
	}
}

func TestWalkCancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var r recorder
	within(t, func() {
		Walk(ctx, mustNew(t, parse("b: a")), Options{}, func(context.Context, string, func()) error {
			t.Error("something was visited")
			return nil
		}, r.skipped)
	})
	if got := fmt.Sprint(r.skips); got != "[a< b<]" {
		t.Errorf("got %s", got)
	}
}

func TestWalkStartsNoGoroutinePerWaitingNode(t *testing.T) {
	var most atomic.Int32
	before := runtime.NumGoroutine()
	within(t, func() {
		Walk(t.Context(), mustNew(t, layered(2000)), Options{Slots: 2}, func(context.Context, string, func()) error {
			most.Store(max(most.Load(), int32(runtime.NumGoroutine()-before)))
			return nil
		}, nil)
	})
	if most.Load() > 20 {
		t.Errorf("%d goroutines", most.Load())
	}
}

// A larger walk in which some nodes fail: every node is visited or skipped
// exactly once, and none before its needs.
func TestWalkEndsEveryNodeOnce(t *testing.T) {
	needs := map[string][]string{}
	for i := range 400 {
		id := fmt.Sprintf("n%03d", i)
		needs[id] = nil
		for _, back := range []int{1, 7, 31} {
			if i >= back && (i*back)%5 == 0 {
				needs[id] = append(needs[id], fmt.Sprintf("n%03d", i-back))
			}
		}
	}
	g := mustNew(t, needs)
	var mu sync.Mutex
	ended := map[string]int{}
	succeeded := map[string]bool{}
	within(t, func() {
		Walk(t.Context(), g, Options{Slots: 5}, func(_ context.Context, id string, release func()) error {
			mu.Lock()
			defer mu.Unlock()
			for _, need := range g.Needs(id) {
				if !succeeded[need] {
					t.Errorf("%s started before %s", id, need)
				}
			}
			ended[id]++
			if strings.HasSuffix(id, "9") {
				return errFailed
			}
			succeeded[id] = true
			return nil
		}, func(id, because string) {
			mu.Lock()
			defer mu.Unlock()
			ended[id]++
			if !strings.HasSuffix(because, "9") || !slices.Contains(g.AllNeeds(id), because) {
				t.Errorf("%s was skipped because of %q", id, because)
			}
		})
	})
	for _, id := range g.Order() {
		if ended[id] != 1 {
			t.Errorf("%s ended %d times", id, ended[id])
		}
	}
}
