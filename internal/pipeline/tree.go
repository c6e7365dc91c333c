package pipeline

import (
	"context"
	"sync"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/runner"
)

// tree is files apart from the checkout's. They are written out when a tool first
// runs in them.
type tree struct {
	files *affected.Snapshot
	at    func(*affected.Snapshot) (runner.Runner, func() error, error)

	mu     sync.Mutex
	runner runner.Runner // nil before they are written out
	done   func() error
}

// open opens a workspace over the files.
func (t *tree) open(ctx context.Context, id string) (runner.Workspace, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.runner == nil {
		var err error
		if t.runner, t.done, err = t.at(t.files); err != nil {
			t.runner = nil
			return nil, err
		}
	}
	return t.runner.Open(ctx, runner.Spec{ID: id, Dir: "."})
}

// close removes the files, once no workspace is open any more.
func (t *tree) close() error {
	if t == nil || t.runner == nil {
		return nil
	}
	return t.done()
}
