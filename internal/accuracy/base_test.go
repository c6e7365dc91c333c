package accuracy

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// needTools skips the test where it cannot have its part.
func needTools(t *testing.T) {
	t.Helper()
	for _, name := range []string{"strace", terraformBinary(), "git"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("skipped: %s is missing", name)
		}
	}
	if out, err := exec.Command("strace", "-f", "--seccomp-bpf", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("skipped: strace is not permitted here: %v: %s", err, out)
	}
}

// mirrorVariable names a filesystem mirror that has hashicorp/archive.
const mirrorVariable = "STRATA_ACCURACY_MIRROR"

func newTracer(t *testing.T) *tracer {
	t.Helper()
	scratch, err := filepath.EvalSymlinks(t.TempDir())
	must(err)
	mirror := os.Getenv(mirrorVariable)
	config := "disable_checkpoint = true\n"
	if mirror != "" {
		config += "provider_installation {\n  filesystem_mirror {\n    path = \"" + mirror + "\"\n  }\n}\n"
	}
	must(os.WriteFile(filepath.Join(scratch, "terraform.rc"), []byte(config), 0o600))
	return &tracer{scratch: scratch, mirror: mirror}
}

// base generates a repository and traces it.
func base(t *testing.T, s scale) *oracle {
	t.Helper()
	tracer := newTracer(t)
	start := time.Now()
	repo := generate(filepath.Join(tracer.scratch, "repository"), s, tracer.mirror != "")
	generated := time.Since(start)
	o, err := newOracle(tracer, repo, runtime.GOMAXPROCS(0))
	if err != nil {
		t.Fatal(err)
	}
	for id, trace := range o.traces {
		if trace.failed != "" {
			t.Errorf("%s: Terraform fails in the generated repository: %s", id, trace.failed)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	t.Logf("%d units, %d files; generated in %.1f s, traced in %.1f s", len(o.units), len(repo.tracked()),
		generated.Seconds(), (time.Since(start) - generated).Seconds())
	return o
}
