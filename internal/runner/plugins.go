package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/sync/semaphore"
)

// pluginCache is the folder in which all units of all runs share their
// providers, hundreds of megabytes each. Steps that may install into it go one
// at a time, in this process and among all of this user's.
type pluginCache struct {
	dir   string
	turns *semaphore.Weighted // of this process, where nobody is to be overtaken
}

// everyone is what a step takes of the turns that must be alone.
const everyone = 1 << 20

func newPluginCache(dir string) *pluginCache {
	return &pluginCache{dir: dir, turns: semaphore.NewWeighted(everyone)}
}

// chosenCache returns the folder the user has chosen, with TF_PLUGIN_CACHE_DIR
// or in Terraform's CLI configuration; "" for none.
func chosenCache(environ []string) string {
	dir := getenv(environ, "TF_PLUGIN_CACHE_DIR")
	if dir == "" {
		own, err := userConfig(environ)
		if err != nil {
			return "" // Terraform will say it
		}
		file, diags := hclsyntax.ParseConfig(own, "", hcl.InitialPos)
		if diags.HasErrors() {
			return ""
		}
		attributes, _ := file.Body.JustAttributes() // there are blocks too
		if a := attributes["plugin_cache_dir"]; a != nil {
			if value, diags := a.Expr.Value(nil); !diags.HasErrors() && value.Type() == cty.String && !value.IsNull() {
				dir = os.Expand(value.AsString(), func(name string) string { return getenv(environ, name) })
			}
		}
	}
	if dir == "" {
		return ""
	}
	// Each step runs in a folder of its own.
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// ownCache returns Strata's own folder, "" where there is no place for one.
func ownCache() string {
	base, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(base, "strata", "plugins")
}

// take waits for the step's turn. It returns what the step's environment needs
// and what to call when the step has ended.
func (c *pluginCache) take(ctx context.Context, use PluginUse) (env []string, done func(), err error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("plugin cache: %w (another place is chosen with TF_PLUGIN_CACHE_DIR)", err)
	}
	lock := flock.New(filepath.Join(c.dir, "strata.lock"))
	try, share := lock.TryRLockContext, int64(1)
	if use == InstallPlugins {
		try, share = lock.TryLockContext, everyone
	}
	if err := c.turns.Acquire(ctx, share); err != nil {
		return nil, nil, fmt.Errorf("plugin cache %s: %w", c.dir, err)
	}
	if _, err := try(ctx, 50*time.Millisecond); err != nil {
		c.turns.Release(share)
		return nil, nil, fmt.Errorf("plugin cache %s: %w", c.dir, err)
	}
	return []string{"TF_PLUGIN_CACHE_DIR=" + c.dir}, func() { _ = lock.Close(); c.turns.Release(share) }, nil
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
