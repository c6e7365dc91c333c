package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

const (
	lockFile  = ".terraform.lock.hcl"
	initStamp = "strata-init.json"
	// tries is how often an init or a plan is run when the network fails it.
	tries = 3
)

// pauses between the tries.
var pauses = []time.Duration{time.Second, 4 * time.Second}

// turns keeps units that share a folder, or the providers they install, from
// running init at once.
type turns struct {
	mu      sync.Mutex
	folders map[string]*sync.Mutex
	warm    map[string]bool // sets of providers that were installed
}

func (t *turns) folder(dir string) *sync.Mutex {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.folders == nil {
		t.folders = make(map[string]*sync.Mutex)
	}
	if t.folders[dir] == nil {
		t.folders[dir] = new(sync.Mutex)
	}
	return t.folders[dir]
}

// isWarm says whether the providers were installed by this run, so that
// another init only takes them.
func (t *turns) isWarm(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.warm[key]
}

func (t *turns) setWarm(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.warm == nil {
		t.warm = make(map[string]bool)
	}
	t.warm[key] = true
}

// initialize runs init, unless it has nothing to do in this unit, or nothing
// that it depends on has changed since it last went well in this data folder.
func (r *unitRun) initialize(ctx context.Context) error {
	return r.init(ctx, false)
}

// reinitialize runs init in any case: Terraform asked for it.
func (r *unitRun) reinitialize(ctx context.Context) error { return r.init(ctx, true) }

// init takes the folder's turn, where units share it.
func (r *unitRun) init(ctx context.Context, always bool) error {
	if r.unit.Shared {
		turn := r.turns.folder(r.unit.Path)
		turn.Lock()
		defer turn.Unlock()
	}
	inputs, err := r.initInputs(ctx)
	if err != nil {
		return err
	}
	if !always && (r.initNeedless(ctx, inputs) || r.initDone(ctx, inputs)) {
		return nil
	}
	return r.forceInit(ctx, inputs)
}

func (r *unitRun) forceInit(ctx context.Context, inputs initInputs) error {
	step := r.step(terraform.InitArgs(terraform.InitOptions{
		BackendConfig: r.backendConfig(), BackendValues: r.unit.Backend.Values,
		LockReadOnly: inputs.Lock != "",
	}))
	step.Plugins = r.pluginUse(inputs)
	if err := r.initTries(ctx, step); err != nil {
		return err
	}
	if r.unit.Workspace != "" {
		if _, err := r.run(ctx, r.step(terraform.WorkspaceArgs(r.unit.Workspace))); err != nil {
			return err
		}
	}
	if step.Plugins != runner.NoPlugins && inputs.Lock != "" {
		r.turns.setWarm(inputs.plugins())
	}
	if inputs.Lock == "" && len(inputs.Providers) > 0 {
		r.warn(lockFile + " is missing: init takes the newest providers each time; commit the one that init writes")
	}
	if !r.Runner.Persistent() {
		return nil
	}
	// init may have written a lock file just now.
	had := inputs.Lock != ""
	if inputs, err := r.initInputs(ctx); err == nil {
		if !had && inputs.Lock != "" {
			r.wroteLock()
		}
		stamp, err := r.stamp(ctx, inputs)
		if err != nil {
			return err
		}
		return r.ws.WriteSource(ctx, r.unit.DataDir()+"/"+initStamp, stamp)
	}
	return nil
}

// initTries runs init, again where the network failed it.
func (r *unitRun) initTries(ctx context.Context, step runner.Step) error {
	step.Lines = func(line []byte) { r.log.printf("%s", r.scrub.Text(string(line))) }
	for try := 0; ; try++ {
		r.begin("init")
		result, err := r.ws.Run(ctx, step)
		if err == nil {
			return nil
		}
		var exit *runner.ExitError
		if !errors.As(err, &exit) || try+1 == tries || !terraform.Transient(string(result.Stderr)) {
			r.diagnoseStderr("init", result.Stderr)
			return err
		}
		if err := r.pause(ctx, "init", try); err != nil {
			return err
		}
	}
}

// pause waits before another try.
func (r *unitRun) pause(ctx context.Context, step string, try int) error {
	r.event(report.Line, fmt.Sprintf("%s failed for a reason that may pass: tried again in %s", step, pauses[try]))
	select {
	case <-time.After(pauses[try]):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *unitRun) backendConfig() string {
	if r.unit.Module.Backend == nil || r.unit.Backend.Config == "" {
		return ""
	}
	return r.ws.SourcePath(r.unit.Backend.Config)
}

// initInputs is all that init's result depends on.
type initInputs struct {
	Terraform string
	Backend   *stack.BackendBlock
	Values    map[string]string
	Config    string // digest of the backend configuration file
	Workspace string
	Providers []string
	Lock      string // digest of the lock file
	Calls     []initCall
}

type initCall struct{ Dir, Name, Source, Version string }

func (r *unitRun) initInputs(ctx context.Context) (initInputs, error) {
	in := initInputs{
		Terraform: r.tool.Name + " " + r.version.Number,
		Values:    r.unit.Backend.Values, Workspace: r.unit.Workspace,
	}
	if block := r.unit.Module.Backend; block != nil {
		in.Backend = &stack.BackendBlock{Type: block.Type, Settings: block.Settings}
	}
	modules, err := r.reader.Tree(r.unit.Path)
	if err != nil {
		return in, err
	}
	providers := make(map[string]bool)
	for _, dir := range slices.Sorted(maps.Keys(modules)) {
		for _, p := range modules[dir].Providers {
			providers[p] = true
		}
		for _, call := range modules[dir].Calls {
			in.Calls = append(in.Calls, initCall{Dir: dir, Name: call.Name, Source: call.Source, Version: call.Version})
		}
	}
	in.Providers = slices.Sorted(maps.Keys(providers))
	if in.Lock, err = r.digest(ctx, r.unit.Path+"/"+lockFile); err != nil {
		return in, err
	}
	if r.unit.Backend.Config != "" {
		in.Config, err = r.digest(ctx, r.unit.Backend.Config)
	}
	return in, err
}

// remote says whether a module comes from elsewhere: what it needs is not
// known before init.
func (in initInputs) remote() bool {
	return slices.ContainsFunc(in.Calls, func(call initCall) bool { return !strings.HasPrefix(call.Source, ".") })
}

func (in initInputs) plugins() string { return in.Lock + " " + strings.Join(in.Providers, " ") }

// stamp is what init depends on and which backend and workspace it has left in
// the data folder: somebody may have chosen others since.
func (r *unitRun) stamp(ctx context.Context, in initInputs) ([]byte, error) {
	var left [2]string
	for i, name := range []string{"terraform.tfstate", "environment"} {
		var err error
		if left[i], err = r.digest(ctx, r.unit.DataDir()+"/"+name); err != nil {
			return nil, err
		}
	}
	return json.Marshal(struct {
		initInputs
		LeftBackend, LeftWorkspace string
	}{in, left[0], left[1]})
}

// digest returns the digest of a file of the repository, "" if there is none.
func (r *unitRun) digest(ctx context.Context, name string) (string, error) {
	data, err := r.ws.ReadSource(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// initNeedless says whether init has nothing to do: no backend, module,
// workspace or provider, but those that are part of Terraform, and nothing left
// by an earlier one. Should the state need a provider that the code no longer
// names, the plan asks for init.
func (r *unitRun) initNeedless(ctx context.Context, in initInputs) bool {
	if in.Backend != nil || in.Workspace != "" || in.Lock != "" || len(in.Providers)+len(in.Calls) > 0 {
		return false
	}
	return !r.ws.Exists(ctx, r.unit.DataDir()+"/terraform.tfstate") && !r.ws.Exists(ctx, r.unit.DataDir()+"/environment")
}

// initDone says whether the data folder holds what this init would make. When
// in doubt it says no.
func (r *unitRun) initDone(ctx context.Context, in initInputs) bool {
	if !r.Runner.Persistent() {
		return false
	}
	last, err := r.ws.ReadSource(ctx, r.unit.DataDir()+"/"+initStamp)
	if err != nil {
		return false
	}
	stamp, err := r.stamp(ctx, in)
	if err != nil || string(stamp) != string(last) {
		return false
	}
	var expected []string
	if in.Backend != nil {
		expected = append(expected, "terraform.tfstate")
	}
	if len(in.Calls) > 0 {
		expected = append(expected, "modules/modules.json")
	}
	for _, name := range expected {
		if !r.ws.Exists(ctx, r.unit.DataDir()+"/"+name) {
			return false
		}
	}
	return len(in.Providers) == 0 && !in.remote() ||
		r.ws.Exists(ctx, r.unit.DataDir()+"/providers")
}

// pluginUse says what init will do with the providers that units share: with a
// lock file that this run has installed from, it only takes them.
func (r *unitRun) pluginUse(in initInputs) runner.PluginUse {
	switch {
	case len(in.Providers) == 0 && !in.remote():
		return runner.NoPlugins
	case in.Lock != "" && !in.remote() && r.turns.isWarm(in.plugins()):
		return runner.UsePlugins
	}
	return runner.InstallPlugins
}
