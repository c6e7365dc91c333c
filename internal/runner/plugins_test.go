package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPluginCacheTurns: a step that may install is alone, in this process and
// among others; steps that only take go side by side.
func TestPluginCacheTurns(t *testing.T) {
	words := map[PluginUse]string{UsePlugins: "use", InstallPlugins: "install"}
	for _, test := range []struct {
		first, second PluginUse
		together      bool
	}{
		{UsePlugins, UsePlugins, true},
		{UsePlugins, InstallPlugins, false},
		{InstallPlugins, UsePlugins, false},
		{InstallPlugins, InstallPlugins, false},
	} {
		name := words[test.first] + ", then " + words[test.second]
		t.Run(name+", other process", func(t *testing.T) {
			dir := t.TempDir()
			first := start(t, "hold-cache", dir, words[test.first]).held(t)
			turns(t, newPluginCache(dir), test.second, test.together, func() { first.release(t) })
		})
		t.Run(name+", same process", func(t *testing.T) {
			cache := newPluginCache(t.TempDir())
			_, done, err := cache.take(t.Context(), test.first)
			if err != nil {
				t.Fatal(err)
			}
			turns(t, cache, test.second, test.together, done)
		})
	}
}

// turns takes the cache while another holds it, and again when that has ended.
func turns(t *testing.T, cache *pluginCache, use PluginUse, together bool, release func()) {
	t.Helper()
	taken := make(chan error, 1)
	go func() {
		_, done, err := cache.take(t.Context(), use)
		if err == nil {
			done()
		}
		taken <- err
	}()
	var err error
	if together {
		err = <-taken
		release()
	} else {
		select {
		case <-taken:
			t.Error("both at once")
			release()
			return
		case <-time.After(120 * time.Millisecond):
		}
		release()
		err = <-taken
	}
	if err != nil {
		t.Error(err)
	}
}

// TestPluginCacheFair: those that only take do not overtake one that waits to
// install.
func TestPluginCacheFair(t *testing.T) {
	cache := newPluginCache(t.TempDir())
	_, first, err := cache.take(t.Context(), UsePlugins)
	if err != nil {
		t.Fatal(err)
	}
	installed := make(chan error, 1)
	go func() {
		_, done, err := cache.take(t.Context(), InstallPlugins)
		if err == nil {
			done()
		}
		installed <- err
	}()
	for n := 0; cache.turns.TryAcquire(1); n++ { // until it waits
		cache.turns.Release(1)
		if n == 5000 {
			t.Fatal("it does not wait")
		}
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := cache.take(ctx, UsePlugins); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it was overtaken: %v", err)
	}
	first()
	if err := <-installed; err != nil {
		t.Error(err)
	}
}

func TestPluginCacheReleasedByKill(t *testing.T) {
	dir := t.TempDir()
	start(t, "hold-cache", dir, "install").held(t).kill(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, done, err := newPluginCache(dir).take(ctx, InstallPlugins)
	if err != nil {
		t.Fatal(err)
	}
	done()
}

// TestPluginCacheCancelled: whoever is told to stop waits no longer, whether
// this process or another has the cache.
func TestPluginCacheCancelled(t *testing.T) {
	dir := t.TempDir()
	holders := map[string]func() *pluginCache{
		"another process": func() *pluginCache {
			start(t, "hold-cache", dir, "install").held(t)
			return newPluginCache(dir)
		},
		"this process": func() *pluginCache {
			cache := newPluginCache(t.TempDir())
			_, done, err := cache.take(t.Context(), InstallPlugins)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(done)
			return cache
		},
	}
	for name, hold := range holders {
		t.Run(name, func(t *testing.T) {
			cache := hold()
			for _, use := range []PluginUse{UsePlugins, InstallPlugins} {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				defer cancel()
				got := make(chan error, 1)
				go func() { _, _, err := cache.take(ctx, use); got <- err }()
				select {
				case err := <-got:
					if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "plugin cache "+cache.dir+": ") {
						t.Errorf("error %v", err)
					}
				case <-time.After(5 * time.Second):
					t.Fatal("it waits on")
				}
			}
		})
	}
}

func TestPluginCacheUnusable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	writeFile(t, dir, "")
	_, _, err := newPluginCache(dir).take(t.Context(), UsePlugins)
	if err == nil || !strings.HasPrefix(err.Error(), "plugin cache: ") || !strings.HasSuffix(err.Error(), "(another place is chosen with TF_PLUGIN_CACHE_DIR)") {
		t.Errorf("error %v", err)
	}
}

// cacheOf is the cache of a step that installs, as Terraform sees it.
func cacheOf(t *testing.T, h *Host, use PluginUse) string {
	t.Helper()
	w, err := h.Open(t.Context(), Spec{ID: "u"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	step := selfStep("env", "TF_PLUGIN_CACHE_DIR")
	step.Plugins = use
	result, err := w.Run(t.Context(), step)
	if err != nil {
		t.Fatal(err)
	}
	_, dir, _ := strings.Cut(strings.TrimSpace(string(result.Stdout)), "=")
	return dir
}

func TestPluginCacheChoice(t *testing.T) {
	mirror := func(t *testing.T) string {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "registry.terraform.io/hashicorp/null/3.2.1/linux_amd64/terraform-provider-null"), "")
		return dir
	}
	for name, test := range map[string]struct {
		environ []string
		config  string // the user's CLI configuration
		mirror  bool
		want    string // below the home folder
	}{
		"Strata's own":                   {want: "cache/strata/plugins"},
		"TF_PLUGIN_CACHE_DIR":            {environ: []string{"TF_PLUGIN_CACHE_DIR=$HOME/mine"}, want: "mine"},
		"TF_PLUGIN_CACHE_DIR, relative":  {environ: []string{"TF_PLUGIN_CACHE_DIR=mine"}, want: "mine"},
		"the CLI configuration":          {config: "plugin_cache_dir = \"$HOME/configured\"\ncredentials \"x.test\" {\n  token = \"t\"\n}\n", want: "configured"},
		"both":                           {environ: []string{"TF_PLUGIN_CACHE_DIR=$HOME/mine"}, config: `plugin_cache_dir = "$HOME/configured"`, want: "mine"},
		"a configuration that is broken": {config: "plugin_cache_dir = {", want: "cache/strata/plugins"},
		"a mirror":                       {mirror: true},
		"a mirror and one of the user's": {mirror: true, environ: []string{"TF_PLUGIN_CACHE_DIR=$HOME/mine"}, want: "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			private(t)
			home := os.Getenv("HOME")
			t.Chdir(home)
			if test.config != "" {
				writeFile(t, filepath.Join(home, ".terraformrc"), test.config)
			}
			environ := os.Environ()
			for _, pair := range test.environ {
				environ = append(environ, strings.ReplaceAll(pair, "$HOME", home))
			}
			o := HostOptions{Root: t.TempDir(), Environ: environ}
			if test.mirror {
				o.ProviderMirror = mirror(t)
			}
			h, err := NewHost(o)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			want := ""
			if test.want != "" {
				want = filepath.Join(home, test.want)
			}
			if got := cacheOf(t, h, InstallPlugins); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if want == "" {
				return
			}
			// It is guarded: somebody who has it lets nobody else install.
			held := start(t, "hold-cache", want, "install").held(t)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			w, err := h.Open(t.Context(), Spec{ID: "u"})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			step := selfStep("print", "x")
			step.Plugins = InstallPlugins
			if _, err := w.Run(ctx, step); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it does not wait for its turn: %v", err)
			}
			held.release(t)
		})
	}
}
