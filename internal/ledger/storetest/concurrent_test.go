package storetest

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/ledger"
	"github.com/strata-tf/strata/internal/store"
)

func newFolder(t testing.TB) (url string) {
	t.Helper()
	url, err := store.FolderURL(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func open(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// whole checks that the store holds the entries 0 to n-1, each as it was written.
func whole(t *testing.T, s *store.Store, n int) {
	t.Helper()
	i := n
	for got, err := range ledger.Newest(t.Context(), s, environment) {
		if i--; err != nil || i < 0 {
			t.Fatalf("entry %d: %v", i, err)
		}
		want := entry(i)
		want.Schema = ledger.Schema
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("entry %d: %s", i, diff)
		}
	}
	if i != 0 {
		t.Errorf("%d of %d entries are missing", i, n)
	}
	keys, err := s.List(t.Context(), "")
	if err != nil || len(keys) != n {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

func TestManyRunsWriteAtOnce(t *testing.T) {
	const runs = 200
	url := newFolder(t)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range runs {
		s := open(t, url)
		wg.Go(func() {
			<-start
			if err := ledger.Write(t.Context(), s, entry(i)); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	whole(t, open(t, url), runs)
}

// TestManyProcessesWriteAtOnce runs this test again in other processes, which
// write.
func TestManyProcessesWriteAtOnce(t *testing.T) {
	const processes, each = 4, 50
	if url := os.Getenv("STRATA_TEST_LEDGER"); url != "" {
		first, err := strconv.Atoi(os.Getenv("STRATA_TEST_FIRST"))
		if err != nil {
			t.Fatal(err)
		}
		s := open(t, url)
		for i := first; i < first+each; i++ {
			if err := ledger.Write(t.Context(), s, entry(i)); err != nil {
				t.Error(err)
			}
		}
		return
	}
	url := newFolder(t)
	var wg sync.WaitGroup
	for i := range processes {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestManyProcessesWriteAtOnce$")
		c.Env = append(os.Environ(), "STRATA_TEST_LEDGER="+url, "STRATA_TEST_FIRST="+strconv.Itoa(i*each))
		wg.Go(func() {
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	wg.Wait()
	whole(t, open(t, url), processes*each)
}

func TestOfWritersOfOneRunOneWins(t *testing.T) {
	url := newFolder(t)
	var won atomic.Int32
	var winner atomic.Value
	var wg sync.WaitGroup
	for i := range 16 {
		e := entry(0)
		e.Who = strconv.Itoa(i)
		s := open(t, url)
		wg.Go(func() {
			switch err := ledger.Write(t.Context(), s, e); {
			case err == nil:
				won.Add(1)
				winner.Store(e.Who)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d won", won.Load())
	}
	for e, err := range ledger.Newest(t.Context(), open(t, url), environment) {
		if err != nil || e.Who != winner.Load() {
			t.Errorf("%s is there, %s won: %v", e.Who, winner.Load(), err)
		}
	}
}
