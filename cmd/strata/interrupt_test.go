//go:build unix

package main

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/strata-tf/strata/internal/report"
)

// slow is a unit whose apply makes a, begins b, writes the file began and ends
// once there is the file go; and one that needs it.
func slow(t *testing.T) *repo {
	t.Helper()
	return newRepo(t, map[string]string{
		"strata.yaml": `
layers:
  - {name: slow, path: "slow/{env}"}
  - {name: next, path: "next/{env}", needs: [slow]}
`,
		"slow/staging/main.tf": `
resource "terraform_data" "a" {}
resource "terraform_data" "b" {
  depends_on = [terraform_data.a]
  provisioner "local-exec" {
    command = "echo x >> ../../began; while [ ! -e ../../go ]; do sleep 0.05; done"
  }
}
output "b" {
  value = terraform_data.b.id
}
`,
		"next/staging/main.tf": `
variable "slow_b" {}
resource "terraform_data" "a" {
  input = var.slow_b
}
`,
	})
}

const slowUnit, nextUnit = "slow@global:staging", "next@global:staging"

// deploy starts a deploy of everything, told as JSON.
func (r *repo) deploy(more ...string) *process {
	r.t.Helper()
	return r.start(append([]string{"deploy", "--env", "staging", "--all", "--format", "json"}, more...)...)
}

func signalsIn(lines []string) int {
	return len(slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return !strings.HasPrefix(line, "signal ") }))
}

func TestFirstInterruptLetsAppliesFinish(t *testing.T) {
	t.Parallel()
	r := slow(t)
	p := r.deploy("--binary", recorderName)
	r.untilFile("began")
	p.signal(syscall.SIGINT)
	p.untilSays("no unit starts any more, running applies finish")
	r.write("go", "")
	p.exits(130)
	p.result(slowUnit, report.Applied)
	p.result(nextUnit, report.NotRun)
	if reason := p.unit(nextUnit).Reason; reason != "the run was interrupted" {
		t.Errorf("next was not run because %q", reason)
	}
	if n := signalsIn(r.recorded()); n != 0 {
		t.Errorf("Terraform got %d signals", n)
	}
	r.tidy()

	p = r.deploy().exits(0)
	p.result(slowUnit, report.Unchanged)
	p.result(nextUnit, report.Applied)
}

func TestSecondInterruptHandsTerraformOne(t *testing.T) {
	t.Parallel()
	r := slow(t)
	p := r.deploy("--binary", recorderName)
	r.untilFile("began")
	p.signal(syscall.SIGINT)
	p.untilSays("running applies finish")
	p.signal(syscall.SIGINT)
	p.untilSays("asking Terraform to stop")
	p.signal(syscall.SIGINT)
	p.exits(130)
	p.result(slowUnit, report.Interrupted)
	p.result(nextUnit, report.NotRun)
	if n := signalsIn(r.recorded()); n != 1 {
		t.Errorf("Terraform got %d signals:\n%s", n, strings.Join(r.recorded(), "\n"))
	}
	if got := p.unit(slowUnit).Orphans; len(got) != 0 {
		t.Errorf("orphans %v: b is in state, and tainted", got)
	}
	r.tidy()
	list := r.start("exec", slowUnit, "--", "state", "list").exits(0)
	list.says(`(?m)^terraform_data\.a$`)

	r.write("go", "")
	p = r.deploy().exits(0)
	p.result(slowUnit, report.Applied)
	p.result(nextUnit, report.Applied)
	r.deploy().exits(0).result(slowUnit, report.Unchanged)
}

func TestTerminateGivesApplesTheGrace(t *testing.T) {
	t.Parallel()
	r := slow(t)
	p := r.deploy("--binary", recorderName, "--grace", "500ms")
	r.untilFile("began")
	start := time.Now()
	p.signal(syscall.SIGTERM)
	p.exits(130)
	if d := time.Since(start); d < 500*time.Millisecond {
		t.Errorf("it ended after %s", d)
	}
	p.says(`running applies have 500ms to finish \(--grace\)`)
	p.result(slowUnit, report.Interrupted)
	if n := signalsIn(r.recorded()); n != 1 {
		t.Errorf("Terraform got %d signals", n)
	}
	r.tidy()
}

func TestTerminateLetsAppliesFinishInTime(t *testing.T) {
	t.Parallel()
	r := slow(t)
	p := r.deploy("--binary", recorderName, "--grace", "1m")
	r.untilFile("began")
	p.signal(syscall.SIGTERM)
	p.untilSays("running applies have 1m0s to finish")
	r.write("go", "")
	p.exits(130)
	p.result(slowUnit, report.Applied)
	p.result(nextUnit, report.NotRun)
	if n := signalsIn(r.recorded()); n != 0 {
		t.Errorf("Terraform got %d signals", n)
	}
}

func TestInterruptStopsPlans(t *testing.T) {
	t.Parallel()
	r := slow(t)
	r.env = append(r.env, "RECORDER_HOLD=plan")
	p := r.deploy("--binary", recorderName)
	r.until("plan hangs", func() bool { return slices.Contains(r.recorded(), "hangs plan") })
	p.signal(syscall.SIGINT)
	p.exits(130)
	p.result(slowUnit, report.Interrupted)
	p.result(nextUnit, report.NotRun)
	if n := signalsIn(r.recorded()); n != 1 {
		t.Errorf("Terraform got %d signals", n)
	}
	if r.exists("slow/staging/terraform.tfstate") {
		t.Error("something was applied")
	}
	r.tidy()
}

// recordedProcess is the process id of the last Terraform that was started.
func (r *repo) recordedProcess() int {
	r.t.Helper()
	lines := r.recorded()
	for i := len(lines) - 1; i >= 0; i-- {
		if text, ok := strings.CutPrefix(lines[i], "process "); ok {
			pid, err := strconv.Atoi(text)
			if err != nil {
				r.t.Fatal(err)
			}
			return pid
		}
	}
	r.t.Fatal("no process was recorded")
	return 0
}

// Terraform is killed in the middle of an apply: what it was at may exist
// without being in state, and is named.
func TestKilledTerraformLeavesOrphansThatAreNamed(t *testing.T) {
	t.Parallel()
	r := slow(t)
	p := r.deploy("--binary", recorderName)
	r.untilFile("began")
	if err := syscall.Kill(r.recordedProcess(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.exits(1)
	p.result(slowUnit, report.Failed)
	p.result(nextUnit, report.NotRun)
	if got := p.unit(slowUnit).Orphans; !slices.Equal(got, []string{"terraform_data.b"}) {
		t.Errorf("orphans %v", got)
	}
	r.write("go", "")
	r.deploy().exits(0).result(slowUnit, report.Applied)
}

// A signal that Terraform cannot catch ends it, as a machine without memory
// sends one: the state may lack even what was made before.
func TestTerraformKilledBySignalNamesWhatWasMade(t *testing.T) {
	t.Parallel()
	r := slow(t)
	r.write("wrapped", "#!/bin/sh\n[ \"$1\" != apply ] || echo $$ > \""+r.path("pid")+"\"\nexec \""+terraformBinary()+"\" \"$@\"\n")
	if err := os.Chmod(r.path("wrapped"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := r.deploy("--binary", r.path("wrapped"))
	r.untilFile("began")
	text, err := os.ReadFile(r.path("pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	p.untilSays("terraform_data.a") // Strata has heard of it
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.exits(1)
	p.result(slowUnit, report.Failed)
	p.result(nextUnit, report.NotRun)
	unit := p.unit(slowUnit)
	if !slices.Equal(unit.Orphans, []string{"terraform_data.a", "terraform_data.b"}) {
		t.Errorf("orphans %v", unit.Orphans)
	}
	want := regexp.MustCompile("^(terraform|tofu) was killed: what it made may be in no state, and the state may stay locked; compare with `strata exec slow@global:staging -- state list`, then deploy again$")
	if !want.MatchString(unit.Reason) {
		t.Errorf("reason %q", unit.Reason)
	}
	r.write("go", "")
	r.deploy().exits(0).result(slowUnit, report.Applied)
}

// Strata is killed in the middle of an apply: Terraform goes on, a second run
// says who holds the state, and nothing is lost.
func TestKilledStrataLosesNothing(t *testing.T) {
	t.Parallel()
	r := slow(t)
	p := r.deploy()
	r.untilFile("began")
	p.signal(syscall.SIGKILL)
	p.exits(-1)

	second := r.deploy("--lock-timeout", "1s").exits(1)
	second.result(slowUnit, report.Failed)
	second.says(`the state is locked by \S+@\S+ since .* \(OperationTypeApply\): wait for that run to end; if it is dead, .*strata exec slow@global:staging -- force-unlock \S+`)
	third := r.start("plan", "--env", "staging", "--only", "slow", "--lock-timeout", "30s")
	third.untilSays("waits for the state lock")
	r.write("go", "")
	third.exits(0)
	third.says(`slow@global:staging +unchanged`)
	p = r.deploy().exits(0)
	p.result(slowUnit, report.Unchanged)
	p.result(nextUnit, report.Applied)
	if began := r.began(); began != 1 {
		t.Errorf("the resource was made %d times", began)
	}
}

// began counts how often the slow resource was made.
func (r *repo) began() int {
	files, err := tree(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Count(files["began"], "x")
}

func TestTwoDeploysOfOneCheckoutTakeTurns(t *testing.T) {
	t.Parallel()
	r := slow(t)
	first := r.deploy()
	r.untilFile("began")

	impatient := r.deploy("--lock-timeout", "300ms").exits(1)
	impatient.result(slowUnit, report.Failed)
	impatient.says(`another strata run on this machine \(process ` + strconv.Itoa(first.cmd.Process.Pid) + ` since .*\) works on it and did not end within 300ms: wait for it, or give a longer --lock-timeout`)

	second := r.deploy()
	second.untilSays("waits for another strata run on this machine (process " + strconv.Itoa(first.cmd.Process.Pid))
	r.write("go", "")
	first.exits(0).result(slowUnit, report.Applied)
	second.exits(0).result(slowUnit, report.Unchanged)
	if n := r.began(); n != 1 {
		t.Errorf("the resource was made %d times", n)
	}
	r.tidy()
}

func TestInterruptWhileWaitingForAnotherRun(t *testing.T) {
	t.Parallel()
	r := slow(t)
	first := r.deploy()
	r.untilFile("began")
	second := r.deploy()
	second.untilSays("waits for another strata run")
	second.signal(syscall.SIGINT)
	second.exits(130).result(slowUnit, report.Interrupted)
	r.write("go", "")
	first.exits(0)
}
