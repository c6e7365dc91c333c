//go:build engine

package enginetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/strata-tf/strata/internal/report"
)

const lockID = "0f3b5ad4-6f7e-0c2d-9d13-5f2a1c9b7e64"

// hold puts the lock of a run that nobody knows any more on a state.
func (s *bucketServer) hold(t *testing.T, bucket, key string) {
	t.Helper()
	lock, err := json.Marshal(map[string]string{
		"ID": lockID, "Operation": "OperationTypeApply", "Who": "somebody@build-7", "Version": "1.11.4",
		"Created": "2025-06-01T12:00:00Z", "Path": bucket + "/" + key,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.must(t, http.MethodPut, "/"+bucket+"/"+key+".tflock", lock)
}

// A state that another run holds is reported with its holder and what to do;
// what that says works, and so does waiting.
func TestEngineHeldLockIsReportedWithItsHolder(t *testing.T) {
	r := newRepo(t, unit(foundation, trivial))
	key := stateKey(foundation)
	s3.hold(t, r.bucket, key)
	deploy := []string{"deploy", "--env", "staging", "--all"}
	r.call(t, append(deploy, "--lock-timeout", "1s")...).ok(t, 1).
		says(t, "somebody@build-7", "2025-06-01", "force-unlock", lockID)

	go func() {
		time.Sleep(6 * time.Second)
		s3.must(t, http.MethodDelete, "/"+r.bucket+"/"+key+".tflock", nil)
	}()
	if run := r.call(t, append(deploy, "--format", "json")...).ok(t, 0).run(t); run.Units[0].Result != report.Applied {
		t.Errorf("after the wait: %+v", run.Units[0])
	}

	s3.hold(t, r.bucket, key)
	r.call(t, append(deploy, "--lock-timeout", "1s")...).ok(t, 1).says(t, lockID)
	r.call(t, "exec", "--unit", "foundation@us-east-1:staging", "--args", "force-unlock", "--args=-force", "--args", lockID).ok(t, 0)
	r.call(t, append(deploy, "--lock-timeout", "1s")...).ok(t, 0)
}

const slow = `resource "terraform_data" "before" {
  input = "made"
}

resource "terraform_data" "this" {
  depends_on = [terraform_data.before]
  provisioner "local-exec" {
    command = "sleep ${var.seconds}"
  }
}

variable "seconds" {
  default = 60
}
`

// Ctrl-C in the middle of an apply ends the call soon. The engine kills the
// apply, so that its lock stays and what it has made may be missing from its
// state; with the lock off, the next deploy finishes.
func TestEngineInterruptLeavesALockAndAWayOn(t *testing.T) {
	r := newRepo(t, tree(unit(foundation, slow), unit(platform, trivial)))
	holder := r.cutOff(t, 40*time.Second, func(call *os.Process) error { return call.Signal(os.Interrupt) })
	r.goesOn(t, holder)
}

// An engine that goes away in the middle of an apply ends the call as well, and
// leaves the same.
func TestEngineThatGoesAwayLeavesALockAndAWayOn(t *testing.T) {
	restart := os.Getenv("STRATA_TEST_RESTART_ENGINE")
	if restart == "" {
		t.Skip("needs STRATA_TEST_RESTART_ENGINE: a shell command that ends the engine at once and starts it again; nobody else may use it")
	}
	r := newRepo(t, tree(unit(foundation, slow), unit(platform, trivial)))
	holder := r.cutOff(t, 2*time.Minute, func(*os.Process) error {
		out, err := exec.Command("sh", "-c", restart).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		return err
	})
	r.goesOn(t, holder)
}

// cutOff deploys, does something in the middle of the foundation's apply, waits
// until the call has ended of itself, and returns the ID of the lock it leaves.
func (r *repo) cutOff(t *testing.T, within time.Duration, do func(call *os.Process) error) string {
	t.Helper()
	key := stateKey(foundation)
	cmd := r.prepare(exec.Command("dagger", append([]string{"--progress=plain", "call", "-m", moduleDir}, append(r.chain, "deploy", "--env", "staging", "--all")...)...))
	var words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &words, &words
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	holder := r.awaitApply(t, key, ended, &words)

	started := time.Now()
	if err := do(cmd.Process); err != nil {
		_ = cmd.Process.Kill()
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(within):
		_ = cmd.Process.Kill()
		<-ended
		t.Fatalf("the call does not end:\n%s", words.String())
	}
	code := cmd.ProcessState.ExitCode()
	t.Logf("it ended after %.1fs with exit code %d; its last words:\n%s", time.Since(started).Seconds(), code, words.String()[max(0, words.Len()-600):])
	if code == 0 {
		t.Errorf("a call that was cut off has gone well:\n%s", words.String())
	}
	if _, there := s3.object(t, r.bucket, key+".tflock"); !there {
		t.Error("no lock is left: what is said about it is no longer so")
	}
	t.Logf("in the state: %v", s3.resources(t, r.bucket, key))
	return holder
}

// goesOn takes what the next deploy says about the lock at its word, and finishes.
func (r *repo) goesOn(t *testing.T, holder string) {
	t.Helper()
	quick := []string{"deploy", "--env", "staging", "--all", "--lock-timeout", "1s"}
	r.write(t, foundation+"/quick.auto.tfvars", "seconds = 0\n")
	r.call(t, quick...).ok(t, 1).says(t, holder, "force-unlock", "platform@us-east-1:staging")
	r.call(t, "exec", "--unit", "foundation@us-east-1:staging", "--args", "force-unlock", "--args=-force", "--args", holder).ok(t, 0)
	run := r.call(t, append(quick, "--format", "json")...).ok(t, 0).run(t)
	for id, result := range results(run) {
		if result != report.Applied {
			t.Errorf("%s %s", id, result)
		}
	}
}

// awaitApply waits until an apply holds the state, and returns the lock's ID.
func (r *repo) awaitApply(t *testing.T, key string, ended <-chan error, words *bytes.Buffer) string {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		select {
		case <-ended:
			t.Fatalf("the call has ended before its apply:\n%s", words.String())
		default:
		}
		data, there := s3.object(t, r.bucket, key+".tflock")
		var lock struct{ ID, Operation string }
		if there && json.Unmarshal(data, &lock) == nil && lock.Operation == "OperationTypeApply" {
			time.Sleep(2 * time.Second)
			return lock.ID
		}
	}
	t.Fatal("no apply has started")
	return ""
}
