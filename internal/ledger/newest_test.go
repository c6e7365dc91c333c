package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// collect gathers what Newest yields: run ids, and errors in words.
func collect(ctx context.Context, s Store, environment string) (lines []string) {
	for e, err := range Newest(ctx, s, environment) {
		if err != nil {
			lines = append(lines, err.Error())
			continue
		}
		lines = append(lines, e.Run)
	}
	return lines
}

func fill(t *testing.T, s Store, n int) {
	t.Helper()
	for i := range n {
		e := simple(0)
		e.Started = e.Started.Add(time.Duration(i) * time.Second)
		e.Run = e.Started.Format(started) + "-0a1b2c"
		if err := Write(t.Context(), s, e); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewestFirst(t *testing.T) {
	s := newMemory()
	for _, minute := range []int{3, 1, 4, 2} {
		if err := Write(t.Context(), s, simple(minute)); err != nil {
			t.Fatal(err)
		}
	}
	other := simple(9)
	other.Environment = "staging-2"
	if err := Write(t.Context(), s, other); err != nil {
		t.Fatal(err)
	}
	want := []string{run(4), run(3), run(2), run(1)}
	if diff := cmp.Diff(want, collect(t.Context(), s, "staging")); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyLedgerYieldsNothing(t *testing.T) {
	if got := collect(t.Context(), newMemory(), "staging"); got != nil {
		t.Errorf("%q", got)
	}
}

func TestEntriesThatCannotBeRead(t *testing.T) {
	const left = "it cannot be read, its run is left out: "
	entry := func(with string) string {
		return `{"schema":"strata.ledger/v1","run":"` + run(2) + `","environment":"staging","started":"2026-03-04T05:02:07Z"` + with + `}`
	}
	for name, test := range map[string]struct{ text, says string }{
		"whole":                    {entry(""), ""},
		"with fields that are new": {entry(`,"weather":{"rain":true},"units":[{"id":"a","moon":1}]`), ""},
		"nothing":                  {"", left + "unexpected end of JSON input"},
		"torn":                     {entry("")[:60], left + "unexpected end of JSON input"},
		"garbage":                  {"\x00\x01\x02", left + "invalid character"},
		"two in one":               {entry("") + entry(""), left + "invalid character '{' after top-level value"},
		"no object":                {"null", left + `its schema is "", not strata.ledger/v1`},
		"a field of another type":  {entry(`,"seconds":"many"`), left + "json: cannot unmarshal string"},
		"a time that is none":      {`{"started":"now","schema":"strata.ledger/v1"}`, left + "parsing time"},
		"another document":         {strings.Replace(entry(""), "strata.ledger/v1", "strata.run/v2", 1), left + `its schema is "strata.run/v2", not strata.ledger/v1`},
		"an older schema":          {strings.Replace(entry(""), "/v1", "/v0", 1), left + `its schema is "strata.ledger/v0"`},
		"a newer schema":           {strings.Replace(entry(""), "/v1", "/v12", 1), "a newer Strata wrote it (strata.ledger/v12, this one knows strata.ledger/v1): update Strata"},
		"a newer schema, with other fields": {
			`{"started":17,"units":{},"schema":"strata.ledger/v2"}`, "a newer Strata wrote it (strata.ledger/v2, this one knows strata.ledger/v1): update Strata",
		},
		"another run":         {strings.Replace(entry(""), run(2), run(5), 1), left + "it is of the run " + run(5) + " in staging"},
		"another environment": {strings.Replace(entry(""), "staging", "production", 1), left + "it is of the run " + run(2) + " in production"},
		"no run":              {strings.Replace(entry(""), run(2), "", 1), left + `"" is no id of a run`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMemory()
			for _, minute := range []int{1, 3} {
				if err := Write(t.Context(), s, simple(minute)); err != nil {
					t.Fatal(err)
				}
			}
			key := "ledger/staging/" + run(2) + ".json"
			s.files[key] = []byte(test.text)
			got := collect(t.Context(), s, "staging")
			if len(got) != 3 || got[0] != run(3) || got[2] != run(1) {
				t.Fatalf("%q", got)
			}
			if test.says == "" && got[1] != run(2) || !strings.HasPrefix(got[1], "the ledger's entry "+key+": "+test.says) && test.says != "" {
				t.Errorf("%s, not %q", got[1], test.says)
			}
		})
	}
}

func TestWhatTheStoreDoesNotGive(t *testing.T) {
	s := newMemory()
	fill(t, s, 4)
	denied := func(second int) string {
		return fmt.Sprintf("ledger/staging/20260304T0500%02dZ-0a1b2c.json", 7+second)
	}
	s.fails[denied(2)] = fs.ErrPermission
	s.fails[denied(1)] = fs.ErrNotExist // removed since it was listed
	s.files["ledger/staging/README"] = nil
	var good int
	var errs []error
	for _, err := range Newest(t.Context(), s, "staging") {
		if err == nil {
			good++
			continue
		}
		errs = append(errs, err)
	}
	var one *EntryError
	if good != 2 || len(errs) != 1 || !errors.As(errs[0], &one) || one.Key != denied(2) || !errors.Is(one, fs.ErrPermission) {
		t.Errorf("%d are read: %v", good, errs)
	}
}

func TestALedgerThatCannotBeListed(t *testing.T) {
	s := newMemory()
	fill(t, s, 3)
	s.fails["ledger/staging/"] = fs.ErrPermission
	for environment, want := range map[string]string{
		"staging": fs.ErrPermission.Error(), "../records": `"../records" is no name of an environment`,
	} {
		if diff := cmp.Diff([]string{want}, collect(t.Context(), s, environment)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestOnlyAsManyAreReadAsAreAskedFor(t *testing.T) {
	for want, most := range map[int]int{1: leastAhead, 20: 20 + 20, 300: 300 + mostAhead} {
		s := newMemory()
		fill(t, s, 1000)
		got := 0
		for _, err := range Newest(t.Context(), s, "staging") {
			if err != nil {
				t.Fatal(err)
			}
			if got++; got == want {
				break
			}
		}
		if s.gets < want || s.gets > most {
			t.Errorf("for %d entries %d were read, %d at most are meant", want, s.gets, most)
		}
	}
}

// distant is a store whose every answer takes a while.
type distant struct {
	*memory
	running atomic.Int32
}

const far = 50 * time.Millisecond

func (d *distant) Get(ctx context.Context, key string) ([]byte, error) {
	d.running.Add(1)
	defer d.running.Add(-1)
	time.Sleep(far)
	return d.memory.Get(ctx, key)
}

func TestEntriesAreReadSideBySide(t *testing.T) {
	s := newMemory()
	fill(t, s, 640)
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		if got := collect(t.Context(), &distant{memory: s}, "staging"); len(got) != 640 {
			t.Fatalf("%d entries", len(got))
		}
		if turns := time.Since(begin) / far; turns > 640/mostAhead+5 {
			t.Errorf("as long as %d entries one after the other", turns)
		}
	})
}

func TestACancelledReadEndsOnceAndLeavesNothingRunning(t *testing.T) {
	s := newMemory()
	fill(t, s, 500)
	synctest.Test(t, func(t *testing.T) {
		d := &distant{memory: s}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var good int
		var errs []error
		for _, err := range Newest(ctx, d, "staging") {
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if good++; good == 10 {
				cancel()
			}
		}
		if good < 10 || good > 10+mostAhead || len(errs) != 1 || !errors.Is(errs[0], context.Canceled) {
			t.Errorf("%d are read, then %v", good, errs)
		}
		if n := d.running.Load(); n > 0 {
			t.Errorf("%d reads are under way", n)
		}
	})
}
