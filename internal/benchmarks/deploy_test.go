// Package benchmarks measures Strata as a whole against what people do without
// it. It has no tests: `make bench` runs it.
//
// The machines it runs on are noisy, so that only ratios count: each pair runs
// both sides one after the other, and the median of the pairs is reported.
package benchmarks

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pairs is how many pairs a ratio is the median of.
const pairs = 7

// sides are the two things that a pair compares.
type side struct {
	name  string
	reset func(b *testing.B)
	run   func(b *testing.B)
}

// compare reports the median of the ratios a/b as the metric ratio/NAME.
func compare(b *testing.B, a, other side) {
	for b.Loop() {
		var ratios []float64
		for range pairs {
			ratios = append(ratios, seconds(b, a)/seconds(b, other))
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "ratio")
		b.ReportMetric(ratios[0], "min-ratio")
		b.ReportMetric(ratios[len(ratios)-1], "max-ratio")
	}
}

func seconds(b *testing.B, s side) float64 {
	s.reset(b)
	started := time.Now()
	s.run(b)
	elapsed := time.Since(started)
	b.Logf("%s: %.2fs", s.name, elapsed.Seconds())
	return elapsed.Seconds()
}

// repository is a generated monorepo: three layers and many clients, a trivial
// unit each.
type repository struct {
	root   string
	units  []string // folders
	strata string   // the binary
	tool   string   // terraform or tofu
}

// unitFile declares what Terraform can make by itself: such a unit needs no
// init, and Strata runs none.
const unitFile = `variable "name" { default = %q }

resource "terraform_data" "this" {
  input = { name = var.name, size = 3 }
}

output "name" { value = terraform_data.this.output.name }
`

func newRepository(b *testing.B, clients int) *repository {
	r := &repository{root: b.TempDir(), tool: os.Getenv("STRATA_BINARY")}
	if r.tool == "" {
		r.tool = "terraform"
	}
	if _, err := exec.LookPath(r.tool); err != nil {
		b.Skipf("%s is not on PATH", r.tool)
	}
	r.strata = filepath.Join(b.TempDir(), "strata")
	r.command(b, ".", "go", "build", "-o", r.strata, "github.com/strata-tf/strata/cmd/strata")
	for _, layer := range []string{"01-foundation", "02-platform", "03-databases"} {
		r.add(b, "regions/us-east-1/layers/"+layer+"/staging")
	}
	for i := range clients {
		r.add(b, fmt.Sprintf("regions/us-east-1/clients/client-%04d/staging", i))
	}
	return r
}

func (r *repository) add(b *testing.B, dir string) {
	path := filepath.Join(r.root, dir)
	if err := os.MkdirAll(path, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "main.tf"), fmt.Appendf(nil, unitFile, dir), 0o644); err != nil {
		b.Fatal(err)
	}
	r.units = append(r.units, dir)
}

// command runs a program to its end.
func (r *repository) command(b *testing.B, dir, name string, args ...string) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		b.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out.String())
	}
}

// addModule makes every unit use a local module, so that each needs an init.
func (r *repository) addModule(b *testing.B) {
	const module, call = "shared/modules/label", "module \"label\" {\n  source = \"../../../../../shared/modules/label\"\n}\n"
	if err := os.MkdirAll(filepath.Join(r.root, module), 0o755); err != nil {
		b.Fatal(err)
	}
	files := map[string]string{module: "output \"name\" { value = \"label\" }\n"}
	for _, dir := range r.units {
		files[dir] = call
	}
	for dir, content := range files {
		if err := os.WriteFile(filepath.Join(r.root, dir, "module.tf"), []byte(content), 0o644); err != nil {
			b.Fatal(err)
		}
	}
}

func (r *repository) deploy(b *testing.B) {
	r.command(b, r.root, r.strata, "deploy", "--env", "staging", "--all", "--binary", r.tool)
}

// loop is what people write: init, plan and apply of every unit, as many at
// once as there are processors.
func (r *repository) loop(b *testing.B, script string, env []string) {
	const each = `cd "$0" && "$1" init -input=false -no-color >log 2>&1 && "$1" plan -input=false -no-color -out=tfplan >>log 2>&1`
	cmd := exec.Command("xargs", fmt.Sprintf("-P%d", runtime.NumCPU()), "-I{}", "sh", "-c", each+script, "{}", r.tool)
	cmd.Dir, cmd.Env = r.root, append(os.Environ(), env...)
	cmd.Stdin = strings.NewReader(strings.Join(r.units, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("loop: %v\n%s", err, out)
	}
}

const apply = ` && "$1" apply -input=false -no-color tfplan >>log 2>&1`

// cheap is the process environment that Strata gives Terraform.
var cheap = []string{"GOGC=400", "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1"}

// clean removes states and data folders: nothing was ever deployed.
func (r *repository) clean(b *testing.B) {
	for _, dir := range r.units {
		r.remove(b, dir, ".terraform", "terraform.tfstate", "terraform.tfstate.backup", "tfplan", "log")
	}
}

// cleanData removes the data folders: a fresh checkout of what is deployed.
func (r *repository) cleanData(b *testing.B) {
	for _, dir := range r.units {
		r.remove(b, dir, ".terraform")
	}
}

func (r *repository) remove(b *testing.B, dir string, names ...string) {
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(r.root, dir, name)); err != nil {
			b.Fatal(err)
		}
	}
}

func keep(*testing.B) {}

// A first deploy, although every plan is saved, read and redacted.
func BenchmarkFirstDeploy(b *testing.B) {
	r := newRepository(b, 100)
	strata := side{"strata deploy", r.clean, r.deploy}
	b.Run("PlainLoop", func(b *testing.B) {
		compare(b, strata, side{"loop", r.clean, func(b *testing.B) { r.loop(b, apply, nil) }})
	})
	b.Run("LoopWithStratasEnvironment", func(b *testing.B) {
		compare(b, strata, side{"loop", r.clean, func(b *testing.B) { r.loop(b, apply, cheap) }})
	})
	r.addModule(b)
	b.Run("WithInit/PlainLoop", func(b *testing.B) {
		compare(b, strata, side{"loop", r.clean, func(b *testing.B) { r.loop(b, apply, nil) }})
	})
	b.Run("WithInit/LoopWithStratasEnvironment", func(b *testing.B) {
		compare(b, strata, side{"loop", r.clean, func(b *testing.B) { r.loop(b, apply, cheap) }})
	})
}

// A run in which nothing changed: the loop plans, and applies the empty plan.
func BenchmarkNoChange(b *testing.B) {
	r := newRepository(b, 100)
	r.deploy(b)
	loop := side{"loop", keep, func(b *testing.B) { r.loop(b, apply, nil) }}
	b.Run("Kept", func(b *testing.B) { compare(b, side{"strata deploy", keep, r.deploy}, loop) })
	b.Run("FreshCheckout", func(b *testing.B) { compare(b, side{"strata deploy", r.cleanData, r.deploy}, loop) })
}

// What Strata itself takes of the CPU, as a part of what its Terraform takes,
// and its peak memory, at 1,003 units.
func BenchmarkOwnCost(b *testing.B) {
	r := newRepository(b, 1000)
	for b.Loop() {
		r.clean(b)
		cmd := exec.Command(r.strata, "deploy", "--env", "staging", "--all", "--binary", r.tool)
		cmd.Dir = r.root
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		self := watch(cmd.Process.Pid)
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
		own, rss := self()
		whole := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		b.ReportMetric(own.Seconds()/(whole-own).Seconds(), "own/terraform-cpu")
		b.ReportMetric(float64(rss)/1024, "own-peak-MiB")
	}
}

// watch samples a process's own CPU time and peak memory (KiB), its children
// left out, until the returned function is called.
func watch(pid int) func() (cpu time.Duration, peak int64) {
	done, result := make(chan struct{}), make(chan struct{})
	var cpu time.Duration
	var peak int64
	go func() {
		defer close(result)
		for {
			if c, p, ok := sample(pid); ok {
				cpu, peak = c, p
			}
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() (time.Duration, int64) { close(done); <-result; return cpu, peak }
}

func sample(pid int) (cpu time.Duration, peak int64, ok bool) {
	stat, err1 := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	status, err2 := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err1 != nil || err2 != nil {
		return 0, 0, false
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0, 0, false
	}
	for _, field := range fields[11:13] { // utime and stime, in ticks of 10 ms
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, 0, false
		}
		cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			peak, _ = strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		}
	}
	return cpu, peak, peak > 0
}
