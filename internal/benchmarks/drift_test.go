package benchmarks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// driftUnits is how many units a look is measured at: with a real provider,
// which takes most of the time.
const driftUnits = 500

const driftFile = `terraform {
  required_providers {
    disk = { source = "strata-tf/disk" }
  }
}

provider "disk" {
  folder = %q
}

resource "disk_thing" "this" {
  name  = %q
  value = "as deployed"
}
`

// A look at units that differ in every way there is, against a bare refresh in
// folders that are initialised. Both sides have as many at once.
func BenchmarkDrift(b *testing.B) {
	mirror := os.Getenv("STRATA_TEST_DISK_MIRROR")
	if mirror == "" {
		b.Skip("needs the disk provider: make tools builds it and sets STRATA_TEST_DISK_MIRROR")
	}
	b.Setenv("STRATA_PROVIDER_MIRROR", mirror)
	var told atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told.Add(1) }))
	defer server.Close()
	b.Setenv("STRATA_SECRET_HOOK", server.URL)
	things := b.TempDir()
	r := newRepository(b, driftUnits-3)
	for i, dir := range r.units {
		write(b, filepath.Join(r.root, dir, "main.tf"), fmt.Sprintf(driftFile, things, fmt.Sprint("thing-", i)))
	}
	write(b, filepath.Join(r.root, ".gitignore"), ".terraform/\n*.tfstate*\n.strata/\nlog\n")
	write(b, filepath.Join(r.root, "strata.yaml"), "notify:\n  webhook: {url: hook, events: {\"*\": [drift-found, drift-gone]}}\n")
	r.command(b, r.root, "git", "init", "-q")
	r.commit(b)
	r.deploy(b)
	r.commit(b) // lock files
	for i := range 3 {
		write(b, filepath.Join(things, fmt.Sprintf("thing-%d.json", i)), fmt.Sprintf(`{"name":"thing-%d","value":"changed","owner":"nobody","version":2}`, i))
	}
	write(b, filepath.Join(things, "thing-3.json"), "broken")
	write(b, filepath.Join(r.root, r.units[4], "more.tf"), "locals {\n  pending = true\n}\n")
	r.commit(b)
	strata := side{"strata drift", keep, func(b *testing.B) { r.drift(b) }}
	bare := side{"terraform plan -refresh-only", keep, r.refresh}
	for b.Loop() {
		var ratios []float64
		for range 3 {
			ratios = append(ratios, seconds(b, strata)/seconds(b, bare))
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[1], "ratio")
		b.ReportMetric(ratios[0], "min-ratio")
		b.ReportMetric(ratios[2], "max-ratio")
	}
	if told.Load() != 1 {
		b.Fatalf("%d notifications, not one: what is known is told once", told.Load())
	}
}

// drift looks at every unit, and checks what is found.
func (r *repository) drift(b *testing.B) {
	cmd := exec.Command(r.strata, "drift", "--env", "staging", "--binary", r.tool, "--format", "json")
	cmd.Dir = r.root
	var out bytes.Buffer
	cmd.Stdout = &out
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 2 {
		b.Fatalf("drift: %v, not exit code 2", err)
	}
	var run struct {
		Units []struct{ Path, Result string }
	}
	if err := json.Unmarshal(out.Bytes(), &run); err != nil {
		b.Fatal(err)
	}
	results := make(map[string]string)
	for _, u := range run.Units {
		results[u.Path] = u.Result
	}
	for i, dir := range r.units {
		want := "in sync"
		switch {
		case i < 3:
			want = "drifted"
		case i == 3:
			want = "failed"
		case i == 4:
			want = "pending"
		}
		if results[dir] != want {
			b.Fatalf("%s is %q, not %q", dir, results[dir], want)
		}
	}
}

// refresh is the bare command in every unit.
func (r *repository) refresh(b *testing.B) {
	cmd := exec.Command("xargs", fmt.Sprintf("-P%d", runtime.NumCPU()), "-I{}", "sh", "-c",
		`cd "$0" && { "$1" plan -refresh-only -input=false -no-color >log 2>&1 || grep -q broken log; }`, "{}", r.tool)
	cmd.Dir = r.root
	cmd.Stdin = strings.NewReader(strings.Join(r.units, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("refresh: %v\n%s", err, out)
	}
}

func (r *repository) commit(b *testing.B) {
	r.command(b, r.root, "git", "add", "-A")
	r.command(b, r.root, "git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "change")
}

func write(b *testing.B, name, text string) {
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}
