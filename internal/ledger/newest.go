package ledger

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/stack"
)

// How many entries are read ahead of the one that is asked for: few at first,
// for who wants few, then as many as hide a bucket's latency.
const (
	leastAhead = 8
	mostAhead  = 64
)

// Newest yields the entries of an environment, newest first. One that cannot be
// read is yielded as an *EntryError, and the others follow; one that is removed
// meanwhile is left out. Any other error is of the ledger as a whole, and the
// last that is yielded.
func Newest(ctx context.Context, s Store, environment string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		keys, err := list(ctx, s, environment)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		inner, cancel := context.WithCancel(ctx)
		var reads []chan read // that have begun, in order
		begun := 0
		defer func() { // leave nothing running
			cancel()
			for _, r := range reads {
				<-r
			}
		}()
		for i := range keys {
			for ; begun < min(len(keys), i+max(leastAhead, min(i, mostAhead))); begun++ {
				reads = append(reads, begin(inner, s, keys[begun], environment))
			}
			r := <-reads[0]
			reads = reads[1:]
			switch {
			case r.err != nil && ctx.Err() != nil:
				yield(Entry{}, context.Cause(ctx))
				return
			case errors.Is(r.err, fs.ErrNotExist):
			case !yield(r.entry, r.err):
				return
			}
		}
	}
}

// list returns the keys of an environment's entries, newest first.
func list(ctx context.Context, s Store, environment string) ([]string, error) {
	if err := stack.CheckEnvironmentName(environment); err != nil {
		return nil, err
	}
	keys, err := s.List(ctx, prefix(environment))
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return !strings.HasSuffix(key, ".json") })
	slices.Sort(keys)
	slices.Reverse(keys)
	return keys, nil
}

// read is an entry that was read.
type read struct {
	entry Entry
	err   error
}

func begin(ctx context.Context, s Store, key, environment string) chan read {
	done := make(chan read, 1)
	go func() {
		data, err := s.Get(ctx, key)
		if err != nil {
			done <- read{err: &EntryError{key, err}}
			return
		}
		e, err := parse(key, environment, data)
		done <- read{e, err}
	}()
	return done
}
