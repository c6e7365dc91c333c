package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// pluginCache is the folder in which all units of all runs share their
// providers, hundreds of megabytes each. Steps that may install into it go one
// at a time, in this process and among all of this user's.
type pluginCache struct {
	dir   string
	own   bool // Strata chose it: Terraform must be told
	turns sync.RWMutex
}

// newPluginCache returns the cache the user has chosen (TF_PLUGIN_CACHE_DIR),
// else one of Strata's own; nil where there is no place for one.
func newPluginCache(environ []string) *pluginCache {
	if dir := getenv(environ, "TF_PLUGIN_CACHE_DIR"); dir != "" {
		return &pluginCache{dir: dir}
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return nil
	}
	return &pluginCache{dir: filepath.Join(base, "strata", "plugins"), own: true}
}

// take waits for the step's turn. It returns what the step's environment needs
// and what to call when the step has ended.
func (c *pluginCache) take(ctx context.Context, use PluginUse) (env []string, done func(), err error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("plugin cache: %w (another place is chosen with TF_PLUGIN_CACHE_DIR)", err)
	}
	lock := flock.New(filepath.Join(c.dir, "strata.lock"))
	try, unlock := lock.TryRLockContext, c.turns.RUnlock
	if use == InstallPlugins {
		c.turns.Lock()
		try, unlock = lock.TryLockContext, c.turns.Unlock
	} else {
		c.turns.RLock()
	}
	if _, err := try(ctx, 50*time.Millisecond); err != nil {
		unlock()
		return nil, nil, fmt.Errorf("plugin cache %s: %w", c.dir, err)
	}
	if c.own {
		env = append(env, "TF_PLUGIN_CACHE_DIR="+c.dir)
	}
	return env, func() { _ = lock.Close(); unlock() }, nil
}

// getenv finds a variable in an environment; of several the last one holds.
func getenv(environ []string, name string) string {
	var value string
	for _, pair := range environ {
		if n, v, ok := strings.Cut(pair, "="); ok && n == name {
			value = v
		}
	}
	return value
}
