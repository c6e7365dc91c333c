//go:build unix

package store

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// smallFiles lets this process write files of at most size bytes: go test's own
// log too, so that only a process of the test's own may do so.
func smallFiles(t *testing.T, size uint64) (end func()) {
	t.Helper()
	var was syscall.Rlimit
	check(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	signal.Ignore(syscall.SIGXFSZ)
	limit := was
	limit.Cur = size
	check(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	end = func() {
		check(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was))
		signal.Reset(syscall.SIGXFSZ)
	}
	t.Cleanup(end)
	return end
}

// TestStorePutInPart: what could be written only in part is not left there: it
// would be taken for a state.
func TestStorePutInPart(t *testing.T) {
	const alone = "STRATA_TEST_SMALL_FILES"
	if os.Getenv(alone) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStorePutInPart$", "-test.v")
		cmd.Env = append(os.Environ(), alone+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestStorePutInPart") {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	const key = "rescued/clients+mtn-ghana@us-east-1@staging/20260101T120000.000Z.tfstate"
	ctx := t.Context()
	s, _ := openTemp(t)
	check(t, s.Put(ctx, "rescued/x/before", []byte("whole")))
	end := smallFiles(t, 4096)
	err := s.Put(ctx, key, []byte(strings.Repeat("x", 1<<16)))
	end()
	if !errors.Is(err, syscall.EFBIG) || !strings.Contains(err.Error(), "write "+key) {
		t.Errorf("error %v", err)
	}
	if _, err := s.Get(ctx, key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read what is not whole: %v", err)
	}
	keys, err := s.List(ctx, "")
	if check(t, err); len(keys) != 1 || keys[0] != "rescued/x/before" {
		t.Errorf("the store has %q", keys)
	}
	check(t, s.Put(ctx, key, []byte(strings.Repeat("x", 1<<16)))) // with room again
	if data, err := s.Get(ctx, key); err != nil || len(data) != 1<<16 {
		t.Errorf("read %d bytes, %v", len(data), err)
	}
}
