//go:build aliases

package main

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fakeTerraform answers Terraform's commands in a scripted engine's containers,
// as far as Strata runs them. It holds the states that a backend would.
//
// It is as strict as Terraform where a mistake of the module's would show: a
// plan without its init, providers that are not where init put them, a variable
// file or a plan that is not there all fail.
type fakeTerraform struct {
	t       *testing.T
	version string

	mu    sync.Mutex
	units map[string]*fakeUnit // by folder
	plans int
	calls []string // "command folder", as they began
}

// fakeUnit is a unit's code, its faults and its state.
type fakeUnit struct {
	outputs map[string]fakeOutput

	initErrors []string // what the next inits say, each failing
	planError  string   // what plan says
	applyError string   // what apply says
	errored    string   // the state that a failed apply leaves behind
	before     func(ctx context.Context, command string)

	applied string   // digest of what was applied last, "" for nothing
	holds   []string // resources in the state
	pushed  string
	given   []string // the private variables of each plan
}

type fakeOutput struct {
	value     any
	sensitive bool
	unknown   bool // until the apply
}

func newTerraform(t *testing.T) *fakeTerraform {
	return &fakeTerraform{t: t, version: "1.11.4", units: make(map[string]*fakeUnit)}
}

// unit returns the unit in a folder.
func (f *fakeTerraform) unit(dir string) *fakeUnit {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.units[dir] == nil {
		f.units[dir] = &fakeUnit{outputs: make(map[string]fakeOutput)}
	}
	return f.units[dir]
}

// savedPlan is what the fake's plans hold.
type savedPlan struct {
	Number  int // no two plans are equal
	Dir     string
	Digest  string
	Destroy bool
}

// began lists the commands of one name, or all, as they began.
func (f *fakeTerraform) began(command string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, call := range f.calls {
		if name, _, _ := strings.Cut(call, " "); command == "" || name == command {
			out = append(out, call)
		}
	}
	return out
}

func (f *fakeTerraform) run(ctx context.Context, x *execution) outcome {
	args := x.Command[1:]
	dir := strings.TrimPrefix(x.Workdir, sourceDir+"/")
	f.mu.Lock()
	f.calls = append(f.calls, args[0]+" "+dir)
	f.mu.Unlock()
	u := f.unit(dir)
	if u.before != nil {
		u.before(ctx, args[0])
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if args[0] != "version" && args[0] != "init" {
		if words := u.unready(x); words != "" {
			return diagnosed(slices.Contains(args, "-json") && args[0] != "show" && args[0] != "output", words)
		}
	}
	switch args[0] {
	case "version":
		return outcome{Stdout: fmt.Sprintf(`{"terraform_version":%q,"platform":"linux_amd64"}`, f.version)}
	case "init":
		return f.init(u, x)
	case "plan":
		return f.plan(u, x, dir)
	case "show":
		return f.show(u, x)
	case "apply":
		return f.apply(u, x)
	case "output":
		return outcome{Stdout: encode(u.stateOutputs(true))}
	case "workspace":
		return outcome{}
	case "state":
		return u.state(x)
	}
	f.t.Errorf("the fake Terraform does not know %q", args)
	return outcome{Code: 1, Stderr: "unknown command"}
}

// Marks of an init, in the data folder.
const (
	initialized = "terraform.tfstate"
	linked      = "providers/linked" // a link to the folder of unpacked providers
)

func dataFile(x *execution, name string) string {
	return path.Join(cmp.Or(x.Env["TF_DATA_DIR"], ".terraform"), name)
}

func (f *fakeTerraform) init(u *fakeUnit, x *execution) outcome {
	if x.Workdir == "/providers" {
		return f.installs(x)
	}
	if len(u.initErrors) > 0 {
		words := u.initErrors[0]
		u.initErrors = u.initErrors[1:]
		return diagnosed(false, words)
	}
	for _, arg := range x.Command {
		name, ok := strings.CutPrefix(arg, "-backend-config=")
		if _, there := x.Read(name); ok && !strings.Contains(name, "=") && !there {
			return diagnosed(false, "Error: Failed to read "+name)
		}
	}
	written := map[string]string{dataFile(x, initialized): "{}"}
	if config := x.Env["TF_CLI_CONFIG_FILE"]; config != "" {
		text, ok := x.Read(config)
		if !ok {
			return diagnosed(false, "Error: there is no file "+config)
		}
		if strings.Contains(text, fmt.Sprintf("path = %q", pluginsDir)) {
			if len(x.Below(pluginsDir)) == 0 {
				return diagnosed(false, "Error: Failed to query available provider packages")
			}
			written[dataFile(x, linked)] = pluginsDir
		}
	}
	return outcome{Stdout: "Terraform has been successfully initialized!\n", Files: written}
}

// installs is an init that only fetches providers.
func (f *fakeTerraform) installs(x *execution) outcome {
	config, _ := x.Read("providers.tf")
	lock, _ := x.Read(lockFile)
	if !strings.Contains(config, "required_providers") || lock == "" {
		return diagnosed(false, "Error: nothing to install")
	}
	return outcome{Files: map[string]string{
		".terraform/providers/registry.terraform.io/hashicorp/aws/5.0.0/linux_amd64/terraform-provider-aws": "program",
		lockFile: lock + "# and the digest of the unpacked provider\n",
	}}
}

// unready says what is missing of what an init has left.
func (u *fakeUnit) unready(x *execution) string {
	if _, ok := x.Read(dataFile(x, initialized)); !ok {
		return "Error: Backend initialization required, please run \"terraform init\""
	}
	if _, ok := x.Read(dataFile(x, linked)); ok && len(x.Below(pluginsDir)) == 0 && slices.Contains([]string{"plan", "apply", "show"}, x.Command[1]) {
		return "Error: Required plugins are not installed"
	}
	return ""
}

func (f *fakeTerraform) plan(u *fakeUnit, x *execution, dir string) outcome {
	if u.planError != "" {
		return diagnosed(true, u.planError)
	}
	var out string
	hash := sha256.New()
	for _, arg := range x.Command {
		if name, ok := strings.CutPrefix(arg, "-var-file="); ok {
			text, there := x.Read(name)
			if !there {
				return diagnosed(true, "Error: Failed to read variables file\n\nGiven variables file "+name+" does not exist.")
			}
			fmt.Fprintln(hash, name, text)
			if strings.HasPrefix(name, privateDir+"/") {
				u.given = append(u.given, text)
			}
		}
		if name, ok := strings.CutPrefix(arg, "-out="); ok {
			out = name
		}
	}
	code := x.Below(".")
	for _, name := range slices.Sorted(maps.Keys(code)) {
		if strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".tfvars") {
			fmt.Fprintln(hash, name, code[name].data)
		}
	}
	f.plans++
	saved := savedPlan{Number: f.plans, Dir: dir, Digest: hex.EncodeToString(hash.Sum(nil)), Destroy: slices.Contains(x.Command, "-destroy")}
	result := outcome{Stdout: stream(map[string]any{"type": "version"}), Files: map[string]string{out: encode(saved)}}
	if saved.Destroy && len(u.holds) > 0 || !saved.Destroy && u.applied != saved.Digest {
		result.Code = 2
	}
	return result
}

func readSaved(x *execution, name string) (saved savedPlan, ok bool) {
	text, ok := x.Read(name)
	return saved, ok && json.Unmarshal([]byte(text), &saved) == nil
}

func (f *fakeTerraform) show(u *fakeUnit, x *execution) outcome {
	saved, ok := readSaved(x, x.Command[len(x.Command)-1])
	if !ok {
		return diagnosed(false, "Error: Failed to read plan")
	}
	if !slices.Contains(x.Command, "-json") {
		return outcome{Stdout: "Terraform will perform the following actions:\n"}
	}
	action, change := "create", map[string]any{}
	if u.applied != "" {
		action = "update"
	}
	if saved.Destroy {
		action = "delete"
	}
	for name, o := range u.outputs {
		c := map[string]any{"actions": []string{action}, "before": nil, "after": o.value, "after_unknown": o.unknown && u.applied == "", "after_sensitive": o.sensitive, "before_sensitive": false}
		if o.unknown {
			delete(c, "after")
		}
		if saved.Destroy {
			c["before"], c["after"] = o.value, nil
		}
		change[name] = c
	}
	address := "terraform_data." + path.Base(path.Dir(saved.Dir))
	return outcome{Stdout: encode(map[string]any{
		"format_version": "1.2", "terraform_version": f.version, "output_changes": change,
		"resource_changes": []any{map[string]any{
			"address": address, "mode": "managed", "type": "terraform_data", "name": "it", "provider_name": "terraform.io/builtin/terraform",
			"change": map[string]any{"actions": []string{action}, "before": nil, "after": map[string]any{}, "after_unknown": map[string]any{}},
		}},
	})}
}

func (f *fakeTerraform) apply(u *fakeUnit, x *execution) outcome {
	saved, ok := readSaved(x, x.Command[len(x.Command)-1])
	if !ok {
		return diagnosed(true, "Error: Failed to load plan")
	}
	resource := map[string]any{"resource": map[string]any{"addr": "terraform_data.it"}, "action": "create"}
	begun := stream(map[string]any{"type": "apply_start", "hook": resource})
	if u.applyError != "" {
		result := diagnosed(true, u.applyError)
		result.Stdout = begun + result.Stdout
		if u.errored != "" {
			result.Files = map[string]string{"errored.tfstate": u.errored}
		}
		return result
	}
	u.applied, u.holds = saved.Digest, []string{"terraform_data.it"}
	if saved.Destroy {
		u.applied, u.holds = "", nil
	}
	return outcome{Stdout: begun + stream(
		map[string]any{"type": "apply_complete", "hook": resource},
		map[string]any{"type": "outputs", "outputs": u.stateOutputs(false)},
	)}
}

// stateOutputs are the outputs in the state; a stream leaves sensitive ones out.
func (u *fakeUnit) stateOutputs(all bool) map[string]any {
	out := make(map[string]any)
	if u.applied == "" {
		return out
	}
	for name, o := range u.outputs {
		entry := map[string]any{"sensitive": o.sensitive, "type": "string"}
		if all || !o.sensitive {
			entry["value"] = o.value
		}
		out[name] = entry
	}
	return out
}

func (u *fakeUnit) state(x *execution) outcome {
	switch x.Command[2] {
	case "list":
		if len(u.holds) == 0 {
			return outcome{Code: 1, Stderr: "No state file was found!\n"}
		}
		return outcome{Stdout: strings.Join(u.holds, "\n") + "\n"}
	case "push":
		text, ok := x.Read(x.Command[len(x.Command)-1])
		if !ok {
			return outcome{Code: 1, Stderr: "Error: no such file"}
		}
		u.pushed = text
		return outcome{}
	}
	return outcome{Code: 1, Stderr: "unknown"}
}

// diagnosed fails with words in Terraform's form: a summary, an empty line and
// a detail.
func diagnosed(asStream bool, words string) outcome {
	if !asStream {
		return outcome{Code: 1, Stderr: words + "\n"}
	}
	summary, detail, _ := strings.Cut(strings.TrimPrefix(words, "Error: "), "\n\n")
	return outcome{Code: 1, Stdout: stream(map[string]any{
		"@level": "error", "@message": "Error: " + summary, "type": "diagnostic",
		"diagnostic": map[string]any{"severity": "error", "summary": summary, "detail": detail},
	})}
}

func stream(messages ...map[string]any) string {
	var b strings.Builder
	for _, m := range messages {
		line := map[string]any{"@level": "info", "@message": m["type"], "@module": "terraform.ui"}
		maps.Copy(line, m)
		b.WriteString(encode(line) + "\n")
	}
	return b.String()
}

func encode(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// fetches says whether an execution brings files of the repository to the
// function.
func fetches(x *execution) bool {
	return x.Name() == "tar" || x.Name() == "find" && x.Command[1] == "."
}

// coreutils answers the few commands that the module runs besides tools.
func coreutils(x *execution) (outcome, bool) {
	args := x.Command[1:]
	last := args[len(args)-1]
	switch x.Name() {
	case "tar":
		if !slices.Equal(args[:3], []string{"-C", sourceDir, "-cf"}) || args[4] != "." {
			return outcome{}, false
		}
		return outcome{Files: map[string]string{args[3]: archived(x.Below(args[1]))}}, true
	case "mkdir":
		return outcome{}, true
	case "cp":
		if args[0] == "-r" {
			copied := make(map[string]string)
			for name, content := range x.Below(args[1]) {
				copied[path.Join(last, name)] = content.data
			}
			return outcome{Files: copied}, true
		}
		text, ok := x.Read(args[0])
		if !ok {
			return outcome{Code: 1, Stderr: "cp: can't stat " + args[0]}, true
		}
		return outcome{Files: map[string]string{last: text}}, true
	case "rm":
		return outcome{Removed: []string{last}}, true
	case "find":
		if slices.Equal(args, []string{".", "-type", "l"}) {
			return outcome{}, true // the model has no links
		}
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(x.Below(args[0]))) {
			fmt.Fprintln(&b, path.Join(args[0], name))
		}
		return outcome{Stdout: b.String()}, true
	}
	return outcome{}, false
}

func archived(f files) string {
	var b strings.Builder
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "./" + dir + "/", Mode: 0o755})
		}
		_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "./" + name, Mode: 0o644, Size: int64(len(f[name].data))})
		_, _ = w.Write([]byte(f[name].data))
	}
	_ = w.Close()
	return b.String()
}
