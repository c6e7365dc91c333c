package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// memory is a store. It counts what is asked of it.
type memory struct {
	mu    sync.Mutex
	files map[string][]byte
	gets  int
	fails map[string]error // of Get by key, of List by prefix
}

func newMemory() *memory { return &memory{files: map[string][]byte{}, fails: map[string]error{}} }

func (m *memory) PutNew(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.files[key]; there {
		return fmt.Errorf("memory: %w", fs.ErrExist)
	}
	m.files[key] = bytes.Clone(data)
	return nil
}

func (m *memory) Get(ctx context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gets++
	if err := errors.Join(ctx.Err(), m.fails[key]); err != nil {
		return nil, err
	}
	if data, there := m.files[key]; there {
		return data, nil
	}
	return nil, fs.ErrNotExist
}

// List returns the keys in no order.
func (m *memory) List(_ context.Context, prefix string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []string
	for key := range m.files {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys, m.fails[prefix]
}

// at is the time of day of a test.
func at(minute int) time.Time { return time.Date(2026, 3, 4, 5, minute, 7, 0, time.UTC) }

func run(minute int) string { return at(minute).Format(started) + "-0a1b2c" }

func simple(minute int) Entry {
	return Entry{
		Schema: Schema, Run: run(minute), Verb: "deploy", Environment: "staging", Started: at(minute),
		Seconds: float64(minute), Result: "succeeded", Units: []Unit{},
	}
}

// golden is testdata/entry-v1.json.
func golden() Entry {
	return Entry{
		Schema: "strata.ledger/v1", Run: "20260304T050607Z-0a1b2c", Verb: "drift", Environment: "staging",
		Commit: "4a1c0f3e8d7b6a5949382716f5e4d3c2b1a09f8e", Who: "mona", Link: "https://ci.example.com/jobs/17", Version: "1.4.0",
		Started: time.Date(2026, 3, 4, 5, 6, 7, 250_000_000, time.UTC), Seconds: 61.5, Result: "failed", ExitCode: 2, Error: "a need of it failed",
		Units: []Unit{
			{
				ID: "clients/acme@us-east-1:staging", Path: "regions/us-east-1/clients/acme/staging", Layer: "clients", Region: "us-east-1",
				Instance: "acme", Result: "drifted", Seconds: 12.25, Ignored: 3,
				Changes: &Changes{Add: 1, Change: 2, Replace: 3, Destroy: 4, Import: 5, Move: 6, Forget: 7, Outputs: 8},
				Drift: []Drift{
					{Address: `aws_security_group.this["a"]`, Action: "changed", Path: "ingress[0].cidr_blocks", Severity: "high"},
					{Address: "aws_s3_bucket.logs", Action: "deleted"},
				},
				State: &State{Bytes: 180204, Serial: 41, Resources: 120},
			},
			{
				ID: "platform@us-east-1:staging", Path: "regions/us-east-1/layers/02-platform/staging", Layer: "platform", Region: "us-east-1",
				Result: "unchanged", Seconds: 6.5, Changes: &Changes{},
			},
			{
				ID: "foundation@us-east-1:staging", Path: "regions/us-east-1/layers/01-foundation/staging", Layer: "foundation", Region: "us-east-1",
				Result: "failed", Reason: "terraform plan: the state is locked", Seconds: 300,
			},
		},
	}
}

const goldenKey = "ledger/staging/20260304T050607Z-0a1b2c.json"

// TestAnOldEntryStaysReadable: the file is as it was first written, and is never
// written again.
func TestAnOldEntryStaysReadable(t *testing.T) {
	data, err := os.ReadFile("testdata/entry-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := parse(goldenKey, "staging", data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(golden(), got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	s := newMemory()
	e := golden()
	e.Schema, e.Started = "", e.Started.In(time.FixedZone("", 3600))
	if err := Write(t.Context(), s, e); err != nil {
		t.Fatal(err)
	}
	if keys := slices.Collect(maps.Keys(s.files)); !slices.Equal(keys, []string{goldenKey}) {
		t.Fatalf("keys %q", keys)
	}
	for got, err := range Newest(t.Context(), s, "staging") {
		if diff := cmp.Diff(golden(), got); diff != "" || err != nil {
			t.Error(err, diff)
		}
	}
	// The file is the one of testdata, but for white space.
	want, err := os.ReadFile("testdata/entry-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(b.String()), strings.TrimSpace(string(s.files[goldenKey]))); diff != "" {
		t.Error(diff)
	}
}

func TestUnitsAreNeverNull(t *testing.T) {
	s := newMemory()
	e := simple(1)
	e.Units = nil
	if err := Write(t.Context(), s, e); err != nil {
		t.Fatal(err)
	}
	if text := string(s.files["ledger/staging/"+run(1)+".json"]); !strings.Contains(text, `"units":[]`) {
		t.Error(text)
	}
}

func TestAnEntryIsNeverReplaced(t *testing.T) {
	s := newMemory()
	first := simple(1)
	if err := Write(t.Context(), s, first); err != nil {
		t.Fatal(err)
	}
	other := first
	other.Who = "another"
	err := Write(t.Context(), s, other)
	if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "another entry of the run "+first.Run) {
		t.Errorf("%v", err)
	}
	for got, err := range Newest(t.Context(), s, "staging") {
		if diff := cmp.Diff(first, got); diff != "" || err != nil {
			t.Error(err, diff)
		}
	}
	// As when an answer of the store was lost.
	if err := Write(t.Context(), s, first); err != nil {
		t.Errorf("the same entry again: %v", err)
	}
}

func TestNamesAreCheckedBeforeTheyBecomeKeys(t *testing.T) {
	for name, test := range map[string]struct{ environment, run, says string }{
		"both":                 {"staging", run(1), ""},
		"no environment":       {"", run(1), `"" is no name of an environment`},
		"a folder above":       {"..", run(1), "is no name of an environment"},
		"two folders":          {"a/b", run(1), "is no name of an environment"},
		"no run":               {"staging", "", `"" is no id of a run`},
		"no chance":            {"staging", "20260304T050607Z", "is no id of a run"},
		"an empty chance":      {"staging", "20260304T050607Z-", "is no id of a run"},
		"no time":              {"staging", "0a1b2c", "is no id of a run"},
		"a time that is none":  {"staging", "20261304T050607Z-0a1b2c", "is no id of a run"},
		"a part of a second":   {"staging", "20260304T050607.5Z-0a1b2c", "is no id of a run"},
		"another zone":         {"staging", "20260304T050607+0100-0a1b2c", "is no id of a run"},
		"a folder in the name": {"staging", "20260304T050607Z-../0a", "is no id of a run"},
		"an extension":         {"staging", "20260304T050607Z-0a.json", "is no id of a run"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMemory()
			e := simple(1)
			e.Environment, e.Run = test.environment, test.run
			err := Write(t.Context(), s, e)
			if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("%v, not %q", err, test.says)
			}
			if test.says != "" && len(s.files) > 0 {
				t.Errorf("written: %q", slices.Collect(maps.Keys(s.files)))
			}
		})
	}
}
