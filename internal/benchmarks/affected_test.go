package benchmarks

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// history is a repository of many units and many commits. Its files go to git
// without a working tree in between.
type history struct {
	root, strata string
	script       bytes.Buffer // for git fast-import
	commits      int
}

const (
	manyClients = 5000
	manyCommits = 50_000
)

// newHistory makes 3 layers and some clients: three files each, no two alike,
// and three beside them. Each unit calls a module that reads a file. The branch
// before is where main is, module and client have one change more.
func newHistory(b *testing.B, clients, commits int) *history {
	b.Helper()
	h := &history{root: b.TempDir(), strata: filepath.Join(b.TempDir(), "strata")}
	build := exec.Command("go", "build", "-o", h.strata, "github.com/strata-tf/strata/cmd/strata")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build strata: %v\n%s", err, out)
	}
	files := map[string]string{
		"shared/modules/label/main.tf":   "variable \"name\" {}\n\nresource \"terraform_data\" \"this\" {\n  input = { name = var.name, text = file(\"${path.module}/label.txt\") }\n}\n",
		"shared/modules/label/label.txt": "label\n",
		"README.md":                      "# Infrastructure\n",
	}
	unit := func(dir string) {
		call := func(name string) string {
			return "module \"label\" {\n  source = \"../../../../../shared/modules/label\"\n  name   = " + name + "\n}\n"
		}
		n := len(files)
		if n%9 == 0 { // every third reads a file of its own
			files[dir+"/main.tf"] = call(fmt.Sprintf("trimspace(file(\"${path.module}/name.txt\")) # %d", n))
			files[dir+"/backend.tf"] = fmt.Sprintf("terraform {\n  backend \"local\" {\n    path = \"%d.tfstate\"\n  }\n}\n", n)
			files[dir+"/name.txt"] = dir + "\n"
			return
		}
		files[dir+"/main.tf"] = call(fmt.Sprintf("\"${var.name}-%d\"", n)) + "\noutput \"name\" { value = var.name }\n"
		files[dir+"/variables.tf"] = fmt.Sprintf("variable \"name\" { type = string }\n\nvariable \"size\" {\n  type    = number\n  default = %d\n}\n", n)
		files[dir+"/terraform.tfvars"] = fmt.Sprintf("name = %q\n", dir)
	}
	for _, layer := range []string{"01-foundation", "02-platform", "03-databases"} {
		unit("regions/us-east-1/layers/" + layer + "/staging")
	}
	for i := range clients {
		unit(fmt.Sprintf("regions/us-east-1/clients/client-%04d/staging", i))
	}
	h.commit("main", files)
	for i := range commits {
		h.commit("main", map[string]string{"README.md": fmt.Sprintf("# Infrastructure, version %d\n", i)})
	}
	h.from("before", "main")
	h.from("module", "main")
	h.commit("module", map[string]string{"shared/modules/label/label.txt": "another label\n"})
	h.from("client", "main")
	h.commit("client", map[string]string{"regions/us-east-1/clients/client-0042/staging/main.tf": "module \"label\" {\n  source = \"../../../../../shared/modules/label\"\n  name   = \"x\"\n}\n"})
	h.git(b, nil, "init", "--quiet", "--initial-branch", "main")
	h.git(b, &h.script, "fast-import", "--quiet")
	h.script.Reset()
	h.git(b, nil, "-c", "pack.threads=1", "repack", "-a", "-d", "--quiet")
	h.git(b, nil, "-c", "core.fsync=none", "checkout", "--quiet", "main")
	b.Logf("%d units, %d files, %d commits", clients+3, len(files), h.commits)
	return h
}

// commit adds one to a branch.
func (h *history) commit(branch string, files map[string]string) {
	h.commits++
	message := fmt.Sprintf("change %d", h.commits)
	fmt.Fprintf(&h.script, "commit refs/heads/%s\ncommitter Nobody <nobody@example.com> %d +0000\ndata %d\n%s\n",
		branch, 1_700_000_000+h.commits, len(message), message)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&h.script, "M 100644 inline %s\ndata %d\n%s\n", name, len(files[name]), files[name])
	}
	fmt.Fprintln(&h.script)
}

// from begins a branch.
func (h *history) from(branch, at string) {
	fmt.Fprintf(&h.script, "reset refs/heads/%s\nfrom refs/heads/%s\n\n", branch, at)
}

func (h *history) git(b *testing.B, in io.Reader, args ...string) {
	b.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = h.root, in
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// affected asks what a branch's change affects: it must be so many units.
func (h *history) affected(b *testing.B, head string, units int) (elapsed time.Duration, peak float64) {
	b.Helper()
	cmd := exec.Command(h.strata, "affected", "--base", "before", "--head", head)
	cmd.Dir = h.root
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.root}
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	started := time.Now()
	err := cmd.Run()
	elapsed = time.Since(started)
	if err != nil {
		b.Fatalf("strata affected: %v\n%s", err, errors.String())
	}
	if want := fmt.Sprintf("\n%d affected, 0 deleted\n", units); !strings.HasSuffix(out.String(), want) {
		b.Fatalf("strata affected does not say %q, but: …%s", want, out.String()[max(0, out.Len()-200):])
	}
	return elapsed, peakMiB(cmd.ProcessState)
}

// diff is what git takes to name the changed files alone.
func (h *history) diff(b *testing.B, head string) time.Duration {
	b.Helper()
	started := time.Now()
	h.git(b, nil, "diff", "--name-only", "before", head)
	return time.Since(started)
}

// question measures the whole process of one question, beside git's diff.
func (h *history) question(b *testing.B, head string, units int) {
	for b.Loop() {
		var ratios, times []float64
		var peak float64
		for range pairs {
			took, used := h.affected(b, head, units)
			ratios = append(ratios, took.Seconds()/h.diff(b, head).Seconds())
			times = append(times, took.Seconds())
			peak = max(peak, used)
		}
		b.ReportMetric(middle(ratios), "ratio/git-diff")
		b.ReportMetric(middle(times), "seconds")
		b.ReportMetric(peak, "peak-MiB")
	}
}

func middle(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// What a change affects in 5,003 units of 15,012 files: one module of all units,
// and one client.
func BenchmarkAffected(b *testing.B) {
	h := newHistory(b, manyClients, 0)
	b.Run("Module", func(b *testing.B) { h.question(b, "module", manyClients+3) })
	b.Run("Client", func(b *testing.B) { h.question(b, "client", 1) })
}

// The cost grows with the files, and not faster: the time per file, of 5,003
// units against 1,253.
func BenchmarkAffectedGrowth(b *testing.B) {
	large, small := newHistory(b, manyClients, 0), newHistory(b, manyClients/4, 0)
	for b.Loop() {
		var ratios []float64
		for range pairs {
			a, _ := large.affected(b, "module", manyClients+3)
			c, _ := small.affected(b, "module", manyClients/4+3)
			ratios = append(ratios, a.Seconds()/c.Seconds()/4)
		}
		b.ReportMetric(middle(ratios), "ratio/linear")
	}
}

// A history of 50,000 commits against one of a few.
func BenchmarkAffectedHistory(b *testing.B) {
	long, short := newHistory(b, manyClients, manyCommits), newHistory(b, manyClients, 0)
	for b.Loop() {
		var ratios []float64
		for range pairs {
			a, _ := long.affected(b, "client", 1)
			c, _ := short.affected(b, "client", 1)
			ratios = append(ratios, a.Seconds()/c.Seconds())
		}
		b.ReportMetric(middle(ratios), "ratio/few-commits")
	}
}
