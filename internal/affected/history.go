package affected

import (
	"bytes"
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
)

// commitNode is what of a commit counts here.
type commitNode struct {
	id      plumbing.Hash
	tree    plumbing.Hash
	parents []plumbing.Hash // none beyond the end of a shallow clone
	time    int64           // the committer's
}

// commit reads a commit. In a shallow clone its oldest commits have no parents.
func (r *Repository) commit(id plumbing.Hash) (*commitNode, error) {
	data, err := r.objects.typed(id, plumbing.CommitObject)
	if err != nil {
		return nil, err
	}
	c := &commitNode{id: id}
	for len(data) > 0 && data[0] != '\n' {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte("\n"))
		key, value, _ := bytes.Cut(line, []byte(" "))
		switch string(key) {
		case "tree":
			c.tree = plumbing.NewHash(string(value))
		case "parent":
			c.parents = append(c.parents, plumbing.NewHash(string(value)))
		case "committer":
			if fields := bytes.Fields(value[bytes.LastIndexByte(value, '>')+1:]); len(fields) > 0 {
				c.time, _ = strconv.ParseInt(string(fields[0]), 10, 64)
			}
		}
	}
	if r.shallow[id] {
		c.parents = nil
	}
	return c, nil
}

// What a commit was reached from while looking for a merge base.
const (
	fromA   = 1 << iota
	fromB   //
	stale   // below a common ancestor
	isFound // a common ancestor, already noted
)

// mergeBases returns the best common ancestors of two commits, the newest
// first. As git does it, it goes back from both in the order of time, and ends
// where only what lies below a common ancestor is left: a base that is near is
// found soon, however long the history is.
func (r *Repository) mergeBases(a, b plumbing.Hash) ([]*commitNode, error) {
	if a == b {
		c, err := r.commit(a)
		return []*commitNode{c}, err
	}
	flags := make(map[plumbing.Hash]uint8)
	var queue commitQueue
	fresh := 0 // how many of the queue are not stale
	push := func(id plumbing.Hash, flag uint8) error {
		before := flags[id]
		if before&flag == flag {
			return nil
		}
		flags[id] = before | flag
		// One that waits already becomes stale there.
		if before != 0 && before&stale == 0 && flag&stale != 0 && queue.waits(id) {
			fresh--
		}
		if queue.waits(id) {
			return nil
		}
		c, err := r.commit(id)
		if err != nil {
			return err
		}
		queue.add(c)
		if flags[id]&stale == 0 {
			fresh++
		}
		return nil
	}
	if err := errors.Join(push(a, fromA), push(b, fromB)); err != nil {
		return nil, err
	}
	var found []*commitNode
	for fresh > 0 {
		c := queue.next()
		flag := flags[c.id]
		if flag&stale == 0 {
			fresh--
		}
		pass := flag & (fromA | fromB | stale)
		if pass == fromA|fromB {
			if flag&isFound == 0 {
				flags[c.id] |= isFound
				found = append(found, c)
			}
			pass |= stale
		}
		for _, parent := range c.parents {
			if err := push(parent, pass); err != nil {
				return nil, err
			}
		}
	}
	// What turned out to lie below another one is no best ancestor.
	found = slices.DeleteFunc(found, func(c *commitNode) bool { return flags[c.id]&stale != 0 })
	slices.SortStableFunc(found, func(a, b *commitNode) int {
		if a.time != b.time {
			return int(min(max(b.time-a.time, -1), 1))
		}
		return bytes.Compare(a.id[:], b.id[:])
	})
	return found, nil
}

// commitQueue gives commits in the order of time, the newest first.
type commitQueue struct {
	commits []*commitNode
	waiting map[plumbing.Hash]bool
}

func (q *commitQueue) waits(id plumbing.Hash) bool { return q.waiting[id] }

func (q *commitQueue) add(c *commitNode) {
	if q.waiting == nil {
		q.waiting = make(map[plumbing.Hash]bool)
	}
	q.waiting[c.id] = true
	heap.Push(q, c)
}

func (q *commitQueue) next() *commitNode {
	c := heap.Pop(q).(*commitNode)
	delete(q.waiting, c.id)
	return c
}

func (q *commitQueue) Len() int           { return len(q.commits) }
func (q *commitQueue) Less(i, j int) bool { return q.commits[i].time > q.commits[j].time }
func (q *commitQueue) Swap(i, j int)      { q.commits[i], q.commits[j] = q.commits[j], q.commits[i] }
func (q *commitQueue) Push(c any)         { q.commits = append(q.commits, c.(*commitNode)) }

func (q *commitQueue) Pop() any {
	last := len(q.commits) - 1
	c := q.commits[last]
	q.commits = q.commits[:last]
	return c
}

// MergeBase returns the best common ancestor of two revisions, the newest where
// there are several.
func (r *Repository) MergeBase(a, b string) (string, error) {
	from, err := r.resolve(a)
	if err != nil {
		return "", err
	}
	to, err := r.resolve(b)
	if err != nil {
		return "", err
	}
	found, err := r.mergeBases(from, to)
	if err != nil {
		return "", fmt.Errorf("find the merge base of %s and %s: %w", a, b, err)
	}
	if len(found) > 0 {
		return found[0].id.String(), nil
	}
	pair := a + " and " + b
	if len(r.shallow) > 0 {
		return "", &RevisionError{Rev: pair, Kind: ErrShallow, message: fmt.Sprintf(
			"no merge base of %s in this clone, which is shallow: it holds %s. %s", pair, r.depth(), fetchAll)}
	}
	return "", &RevisionError{Rev: pair, Kind: ErrNoMergeBase, message: fmt.Sprintf(
		"%s have no common history, so nothing tells which files one changed: "+
			"compare with a commit that is an ancestor of %s (--base)", pair, b)}
}

// depth says how many commits a shallow clone holds of what is checked out.
func (r *Repository) depth() string {
	const most = 10_000
	head, _, err := r.head()
	if err != nil || head.IsZero() {
		return "too few commits"
	}
	seen := map[plumbing.Hash]bool{head: true}
	todo := []plumbing.Hash{head}
	for len(todo) > 0 && len(seen) < most {
		c, err := r.commit(todo[len(todo)-1])
		todo = todo[:len(todo)-1]
		if err != nil {
			continue
		}
		for _, parent := range c.parents {
			if !seen[parent] {
				seen[parent] = true
				todo = append(todo, parent)
			}
		}
	}
	switch n := len(seen); {
	case n >= most:
		return fmt.Sprintf("more than %d commits of HEAD's history", most)
	case n == 1:
		return "1 commit of HEAD's history"
	default:
		return fmt.Sprintf("%d commits of HEAD's history", n)
	}
}
