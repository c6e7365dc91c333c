package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockDir makes dir and holds it against other Strata processes of this
// machine: two runs of init in one data folder would spoil it. The state has
// Terraform's own lock besides.
func lockDir(ctx context.Context, dir string, spec Spec) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(dir, "strata.lock")
	lock := flock.New(path, flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if !ok {
		if err := waitFor(ctx, lock, spec); err != nil {
			return nil, errors.Join(err, lock.Close())
		}
	}
	words := fmt.Sprintf("process %d since %s", os.Getpid(), time.Now().UTC().Format(time.RFC3339))
	if err := os.WriteFile(path+holderSuffix, []byte(words), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the data folder: %w", err), lock.Close())
	}
	return lock.Close, nil
}

// holderSuffix names the file that says who holds the lock: on Windows nobody
// else may read the locked file itself.
const holderSuffix = ".holder"

func waitFor(ctx context.Context, lock *flock.Flock, spec Spec) error {
	holder := "another strata run on this machine"
	if words, err := os.ReadFile(lock.Path() + holderSuffix); err == nil && len(words) > 0 {
		holder += " (" + strings.TrimSpace(string(words)) + ")"
	}
	if spec.Waiting != nil {
		spec.Waiting(holder)
	}
	limited, cancel := context.WithTimeout(ctx, max(spec.LockTimeout, time.Millisecond))
	defer cancel()
	ok, err := lock.TryLockContext(limited, 100*time.Millisecond)
	switch {
	case ok:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s works on it and did not end within %s: wait for it, or give a longer --lock-timeout", holder, spec.LockTimeout)
	default:
		return fmt.Errorf("lock the data folder: %w", err)
	}
}
