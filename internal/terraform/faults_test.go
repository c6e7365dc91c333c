package terraform

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fault returns the words of a recorded fault: the errors of a stream, or the
// text.
func fault(t *testing.T, name string) (summary, detail string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join("testdata", "*", name+".*"))
	if len(files) == 0 {
		t.Fatalf("no recording of %s", name)
	}
	data := recorded(t, strings.TrimPrefix(filepath.ToSlash(files[0]), "testdata/"))
	if !bytes.HasPrefix(data, []byte("{")) {
		_, words, _ := strings.Cut(string(data), "Error: ")
		summary, detail, _ = strings.Cut(words, "\n")
		return summary, detail
	}
	for line := range bytes.Lines(data) {
		if m, ok := ParseMessage(line); ok && m.Diagnostic != nil && m.Diagnostic.Severity == "error" {
			return m.Diagnostic.Summary, m.Diagnostic.Detail
		}
	}
	t.Fatalf("%s has no error", name)
	return "", ""
}

// TestParseLock reads the holder of a lock out of the stream of a plan and the
// text of a push, of each backend.
func TestParseLock(t *testing.T) {
	for _, test := range []struct{ name, path string }{
		{"locked-local", "terraform.tfstate"},
		{"locked-s3-use_lockfile", "strata-record-states/locked-s3-use_lockfile.tfstate"},
		{"locked-s3-dynamodb_table", "strata-record-states/locked-s3-dynamodb_table.tfstate"},
	} {
		for _, kind := range []string{"streams/" + test.name + ".jsonl", "faults/" + test.name + ".txt"} {
			t.Run(kind, func(t *testing.T) {
				summary, detail := fault(t, test.name)
				if strings.HasPrefix(kind, "faults") {
					_, words, _ := strings.Cut(string(recorded(t, kind)), "Error: ")
					summary, detail, _ = strings.Cut(words, "\n")
				}
				lock, ok := ParseLock(summary, detail)
				if !ok {
					t.Fatalf("no lock in %q %q", summary, detail)
				}
				if len(lock.ID) != 36 || !strings.HasPrefix(lock.Created, "20") || !strings.HasSuffix(lock.Created, "UTC") {
					t.Errorf("%+v", lock)
				}
				lock.ID, lock.Created = "", ""
				if diff := cmp.Diff(Lock{Path: test.path, Operation: "OperationTypeApply", Who: "root@host"}, lock); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if Transient(summary + "\n" + detail) {
					t.Error("a held lock counts as a fault that passes by itself")
				}
				if NeedsInit(summary + "\n" + detail) {
					t.Error("a held lock asks for init")
				}
			})
		}
	}
	for name, test := range map[string]struct{ summary, detail string }{
		"another error":         {"Error refreshing state", "state lock"},
		"a lock without holder": {"Error acquiring the state lock", "Error message: timeout"},
		"an empty one":          {"Error acquiring the state lock", "Lock Info:\n  ID:        \n  Who:  x\n"},
		"somebody's words":      {"Bad value", "Lock Info:\n  ID: 1\n"},
	} {
		if lock, ok := ParseLock(test.summary, test.detail); ok {
			t.Errorf("%s: %+v", name, lock)
		}
	}
}

// TestFaults says of every recorded fault what Strata does about it.
func TestFaults(t *testing.T) {
	for name, want := range map[string]struct {
		init, transient bool
		advice          string
	}{
		"init-backend-missing":     {init: true, advice: "the backend was changed: move the state"},
		"init-module-missing":      {init: true},
		"init-provider-missing":    {init: true},
		"backend-changed-plan":     {init: true, advice: "the backend was changed: move the state"},
		"backend-changed":          {init: true, advice: "the backend was changed: move the state"},
		"lock-file-lacks-provider": {init: true, advice: "the committed .terraform.lock.hcl lacks a provider: `strata exec u -- init -upgrade`"},
		"lock-file-checksum":       {advice: "the committed .terraform.lock.hcl has no checksum for this platform"},
		"not-in-mirror":            {},
		"registry-no-host":         {transient: true},
		"registry-refused":         {transient: true},
		"required-version":         {advice: "run the Terraform version that required_version asks for"},
		"plan-invalid":             {},
		"apply-stale":              {advice: "the state changed after the plan was made: run it again"},
		"apply-failed":             {},
		"locked-local":             {advice: "the state is locked by root@host since 20"},
	} {
		t.Run(name, func(t *testing.T) {
			summary, detail := fault(t, name)
			if got := NeedsInit(summary + "\n" + detail); got != want.init {
				t.Errorf("NeedsInit: %v", got)
			}
			if got := Transient(summary + "\n" + detail); got != want.transient {
				t.Errorf("Transient: %v", got)
			}
			if got := Advice(summary, detail, nativeExec); !strings.HasPrefix(got, want.advice) || want.advice == "" && got != "" {
				t.Errorf("Advice: %q, want %q", got, want.advice)
			}
		})
	}
}

// TestWrapped: Terraform breaks its text anywhere between two words, and may
// put it into a box.
func TestWrapped(t *testing.T) {
	if !Transient("│ Error: Failed\n│ \n│ dial tcp: lookup registry.terraform.io: no such\n│ host\n") {
		t.Error("a broken line hides a fault of the network")
	}
	if !NeedsInit("Error: Required plugins\nare not installed") {
		t.Error("a broken line hides that init is needed")
	}
	if Transient("Error: Invalid value\n\nno such file") {
		t.Error("a lasting fault is tried again")
	}
	for _, words := range []string{"503 service unavailable", "ThrottlingException: Rate exceeded", "read: connection reset by peer", "net/http: TLS handshake timeout"} {
		if !Transient("Error: x\n\n" + words) {
			t.Errorf("%q is not tried again", words)
		}
	}
}

func TestAdviceOnLock(t *testing.T) {
	summary, detail := fault(t, "locked-local")
	lock, _ := ParseLock(summary, detail)
	want := "the state is locked by root@host since " + lock.Created + " (OperationTypeApply): wait for that run to end; " +
		"if it is dead, `strata exec u -- force-unlock " + lock.ID + "`"
	if got := Advice(summary, detail, nativeExec); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNoState(t *testing.T) {
	if !NoState(string(recorded(t, "faults/state-list-none.txt"))) {
		t.Error("not seen")
	}
	if NoState("Error: Failed to load state") {
		t.Error("another error counts as no state")
	}
}

// nativeExec is what people type to run a Terraform command in the unit u.
func nativeExec(args ...string) string { return "strata exec u -- " + strings.Join(args, " ") }
