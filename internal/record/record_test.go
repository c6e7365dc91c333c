package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/stack"
)

var update = flag.Bool("update", false, "write the golden files again")

// memory is a store.
type memory struct {
	mu    sync.Mutex
	files map[string][]byte
}

func newMemory() *memory { return &memory{files: map[string][]byte{}} }

func (m *memory) Put(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[key] = bytes.Clone(data)
	return nil
}

func (m *memory) PutNew(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.files[key]; there {
		return fs.ErrExist
	}
	m.files[key] = bytes.Clone(data)
	return nil
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if data, there := m.files[key]; there {
		return data, nil
	}
	return nil, fs.ErrNotExist
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.files[key]; !there {
		return fs.ErrNotExist
	}
	delete(m.files, key)
	return nil
}

func (m *memory) GetMany(_ context.Context, prefix string) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	files := map[string][]byte{}
	for key, data := range m.files {
		if strings.HasPrefix(key, prefix) {
			files[key] = data
		}
	}
	return files, nil
}

func client() *stack.Unit {
	return &stack.Unit{
		Layer: "clients", Instance: "acme", Region: "us-east-1", Environment: "staging",
		Path: "regions/us-east-1/clients/acme/staging", Needs: []string{"platform@us-east-1:staging"},
		Backend: stack.Backend{Config: "shared/backend-configs/staging.hcl", Values: map[string]string{"key": "clients/acme.tfstate", "secret_key": "hidden"}},
		Module: &stack.Module{Backend: &stack.BackendBlock{
			Type: "s3", Settings: map[string]string{"bucket": "states", "key": "before", "access_key": "hidden"},
		}},
	}
}

func deployed() Record {
	r := New(client())
	r.Commit = "4a1c0f3e8d7b6a5949382716f5e4d3c2b1a09f8e"
	r.Closure = "sha256:0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
	r.Values = map[string]string{"platform@us-east-1:staging id": "hmac-sha256:6e34"}
	r.Tools = map[string]string{"terraform": "1.11.4"}
	r.Result = "applied"
	r.Run = "20260304T050607Z-0a1b2c"
	r.Time = time.Date(2026, 3, 4, 6, 7, 8, 0, time.FixedZone("", 3600))
	return r
}

func TestGolden(t *testing.T) {
	s := newMemory()
	if err := Save(t.Context(), s, deployed()); err != nil {
		t.Fatal(err)
	}
	later := deployed()
	later.Commit, later.Run, later.Time = "5b2d", "20260305T050607Z-3d4e5f", later.Time.AddDate(0, 0, 1)
	if err := Begin(t.Context(), s, later); err != nil {
		t.Fatal(err)
	}
	const key, file = "records/staging/clients+acme@us-east-1@staging.json", "testdata/record.json"
	got := s.files[key]
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
	if bytes.Contains(got, []byte("hidden")) {
		t.Error("the record holds a secret of the backend")
	}
}

func TestSaveLoadForget(t *testing.T) {
	s, ctx := newMemory(), t.Context()
	want := deployed()
	if err := Save(ctx, s, want); err != nil {
		t.Fatal(err)
	}
	other := New(&stack.Unit{Layer: "foundation", Region: "global", Environment: "staging-2", Path: "x"})
	other.Closure = "c"
	if err := Save(ctx, s, other); err != nil {
		t.Fatal(err)
	}
	s.files["records/staging/README"] = []byte("not ours")
	got, err := Load(ctx, s, "staging")
	want.Time = want.Time.UTC()
	if diff := cmp.Diff(map[string]Record{want.Unit: want}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if one, err := Get(ctx, s, "staging", want.Unit); err != nil || cmp.Diff(want, one) != "" {
		t.Errorf("got %v, %v", one, err)
	}
	if err := Forget(ctx, s, "staging", want.Unit); err != nil {
		t.Error(err)
	}
	if err := Forget(ctx, s, "staging", want.Unit); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("forgotten twice: %v", err)
	}
	if _, err := Get(ctx, s, "staging", want.Unit); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if got, err := Load(ctx, s, "staging"); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAttempt(t *testing.T) {
	s, ctx := newMemory(), t.Context()
	first := deployed()
	load := func() Record {
		t.Helper()
		r, err := Get(ctx, s, "staging", first.Unit)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	// A first apply that is killed: no success is known, but the unit is.
	if err := Begin(ctx, s, first); err != nil {
		t.Fatal(err)
	}
	if r := load(); r.Current(first.Closure, first.Values) || r.Commit != "" || r.LastCommit() != first.Commit || r.Path != first.Path || r.Backend == nil {
		t.Errorf("got %+v", r)
	}
	if err := Save(ctx, s, first); err != nil {
		t.Fatal(err)
	}
	if r := load(); !r.Current(first.Closure, first.Values) || r.LastCommit() != first.Commit {
		t.Errorf("got %+v", r)
	}
	// A second one, of the same code, that is killed: deployed again.
	second := first
	second.Commit, second.Run = "5b2d", "next"
	if err := Begin(ctx, s, second); err != nil {
		t.Fatal(err)
	}
	if r := load(); r.Current(first.Closure, first.Values) || r.Commit != first.Commit || r.Run != first.Run || r.LastCommit() != "5b2d" {
		t.Errorf("got %+v", r)
	}
	if err := Save(ctx, s, second); err != nil {
		t.Fatal(err)
	}
	if r := load(); !r.Current(first.Closure, first.Values) || r.Commit != "5b2d" {
		t.Errorf("got %+v", r)
	}
	// A record that cannot be read is not overwritten by an apply.
	s.files["records/staging/clients+acme@us-east-1@staging.json"] = []byte("{")
	if err := Begin(ctx, s, second); err == nil || !strings.Contains(err.Error(), "--forget") {
		t.Errorf("got %v", err)
	}
}

func TestCurrent(t *testing.T) {
	r := Record{Closure: "c", Values: map[string]string{"u o": "v"}}
	for want, pairs := range map[bool][][2]string{
		true:  {{"c", "v"}},
		false: {{"", ""}, {"c", ""}, {"", "v"}, {"c", "x"}, {"x", "v"}},
	} {
		for _, pair := range pairs {
			if r.Current(pair[0], map[string]string{"u o": pair[1]}) != want {
				t.Errorf("%q is not %v", pair, want)
			}
		}
	}
	if (Record{}).Current("", nil) {
		t.Error("what is not known is equal")
	}
}

func TestLoadDamaged(t *testing.T) {
	s, ctx := newMemory(), t.Context()
	good := deployed()
	if err := Save(ctx, s, good); err != nil {
		t.Fatal(err)
	}
	const key = "records/staging/clients+acme@us-east-1@staging.json"
	whole := s.files[key]
	edit := func(name string, value any) []byte {
		var r map[string]any
		if err := json.Unmarshal(whole, &r); err != nil {
			t.Fatal(err)
		}
		r[name] = value
		data, _ := json.Marshal(r)
		return data
	}
	forget := "`strata records --forget clients/acme@us-east-1:staging`"
	for name, test := range map[string]struct {
		data []byte
		want []string
	}{
		"empty":           {nil, []string{forget}},
		"torn":            {whole[:len(whole)/2], []string{forget}},
		"no object":       {[]byte("[]"), []string{forget}},
		"null":            {[]byte("null"), []string{forget}},
		"two":             {append(bytes.Clone(whole), whole...), []string{forget}},
		"no schema":       {edit("schema", ""), []string{forget}},
		"other schema":    {edit("schema", "strata.run/v2"), []string{forget}},
		"no version":      {edit("schema", "strata.record/vX"), []string{forget}},
		"newer":           {edit("schema", "strata.record/v12"), []string{"newer Strata", "strata.record/v12", "update Strata"}},
		"newer, and else": {[]byte(`{"schema": "strata.record/v2", "unit": [1]}`), []string{"newer Strata"}},
		"wrong type":      {edit("tools", 1), []string{forget}},
		"another unit":    {edit("unit", "clients/other@us-east-1:staging"), []string{"it is of clients/other@us-east-1:staging", forget}},
		"no unit":         {edit("unit", ""), []string{forget}},
		"another place":   {edit("environment", "production"), []string{forget}},
		"bad time":        {edit("time", "yesterday"), []string{forget}},
		"nothing known":   {edit("closure", ""), []string{"neither", forget}},
	} {
		s := newMemory()
		maps.Copy(s.files, map[string][]byte{key: test.data, "records/staging/foundation@global@staging.json": []byte(
			`{"schema": "strata.record/v1", "unit": "foundation@global:staging", "environment": "staging", "closure": "c", "added-later": true}`)})
		got, err := Load(ctx, s, "staging")
		if err == nil {
			t.Errorf("%s: %v is let through", name, got)
			continue
		}
		for _, part := range append(test.want, key) {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v does not say %s", name, err, part)
			}
		}
		if name == "newer" && strings.Contains(err.Error(), "--forget") {
			t.Errorf("a newer record is to be removed: %v", err)
		}
		if len(got) != 1 || got["foundation@global:staging"].Closure != "c" {
			t.Errorf("%s: the other record is lost: %v", name, got)
		}
		if err := Forget(ctx, s, "staging", good.Unit); err != nil {
			t.Errorf("%s: no way out: %v", name, err)
		}
	}
}

func TestKey(t *testing.T) {
	for _, u := range []*stack.Unit{
		client(),
		{Layer: "foundation", Region: "global", Environment: "staging"},
		{Layer: "a-b_c", Instance: "x.y-z_1", Region: "eu.1", Environment: "pre-prod.2"},
	} {
		key, err := Key(u.Environment, u.ID())
		if want := "records/" + u.Environment + "/" + u.Slug() + ".json"; err != nil || key != want {
			t.Errorf("got %s, %v, not %s", key, err, want)
		}
		if got := unitOf(key); got != u.ID() {
			t.Errorf("%s is of %s, not %s", key, got, u.ID())
		}
	}
	for _, pair := range [][2]string{
		{"", "a@b:"}, {"staging", "a@b:production"}, {"staging", ""}, {"staging", "a"}, {"staging", ":staging"},
		{"../x", "a@b:../x"}, {"a/b", "u@r:a/b"}, {".", "u@r:."},
	} {
		if key, err := Key(pair[0], pair[1]); err == nil {
			t.Errorf("%q: %s", pair, key)
		}
		if pair[0] != "staging" {
			if _, err := Load(t.Context(), newMemory(), pair[0]); err == nil {
				t.Errorf("Load takes %q", pair[0])
			}
		}
	}
}

func FuzzLoad(f *testing.F) {
	s := newMemory()
	if err := Save(f.Context(), s, deployed()); err != nil {
		f.Fatal(err)
	}
	for key, data := range s.files {
		f.Add(key, data)
		f.Add("records/staging/x.json", data)
		f.Add(key, data[:100])
	}
	f.Add("records/staging/.json", []byte(`{"schema":"strata.record/v1","environment":"staging","unit":":staging"}`))
	f.Add("records/staging/a/b.json", []byte(`{"schema":"strata.record/v9999999999999999999999"}`))
	f.Fuzz(func(t *testing.T, key string, data []byte) {
		s := newMemory()
		s.files[key] = data
		records, err := Load(t.Context(), s, "staging")
		if len(records) > 1 {
			t.Fatalf("%d records of one file", len(records))
		}
		for unit, r := range records {
			if err != nil || r.Unit != unit || r.Environment != "staging" || r.Schema != Schema {
				t.Fatalf("%q gives %+v, %v", data, r, err)
			}
			if want, err := Key("staging", unit); err != nil || want != key {
				t.Fatalf("%q is at %q, not %q, %v", unit, key, want, err)
			}
			// What was read can be written and read again.
			again := newMemory()
			if err := put(t.Context(), again, r); err != nil {
				t.Fatal(err)
			}
			second, err := Load(t.Context(), again, "staging")
			if err != nil || len(second) != 1 {
				t.Fatalf("%+v: %v", r, err)
			}
		}
		if ours := strings.HasPrefix(key, "records/staging/") && strings.HasSuffix(key, ".json"); ours && len(records) == 0 && err == nil {
			t.Fatalf("%q vanishes", key)
		}
	})
}

func BenchmarkLoad5000(b *testing.B) {
	s := newMemory()
	for i := range 5000 {
		u := client()
		u.Instance = fmt.Sprintf("c%04d", i)
		r := deployed()
		r.Unit, r.Instance = u.ID(), u.Instance
		if err := Save(b.Context(), s, r); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if records, err := Load(b.Context(), s, "staging"); err != nil || len(records) != 5000 {
			b.Fatal(len(records), err)
		}
	}
}

// TestSaveKeepsAnothersAttempt: what another run has begun since is not known
// to have succeeded.
func TestSaveKeepsAnothersAttempt(t *testing.T) {
	ctx, s := t.Context(), newMemory()
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	r := Record{Unit: "app@global:staging", Environment: "staging", Closure: "sha256:1", Run: "mine", Time: start, Started: start}
	check := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(what, err)
		}
	}
	other := r
	other.Run, other.Time = "other", start.Add(time.Minute)
	for _, test := range []struct {
		name  string
		begun time.Time
		kept  bool
	}{{"since", start.Add(time.Minute), true}, {"before", start.Add(-time.Minute), false}} {
		other.Time = test.begun
		check("mine begins", Begin(ctx, s, r))
		check("other begins", Begin(ctx, s, other))
		check("mine ends", Save(ctx, s, r))
		got, err := Get(ctx, s, "staging", r.Unit)
		check("get", err)
		if (got.Attempt != nil) != test.kept || got.Closure != "sha256:1" {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

// TestLearn: an output is added to what is known, and to nothing else.
func TestLearn(t *testing.T) {
	ctx, s := t.Context(), newMemory()
	r := Record{Unit: "app@global:staging", Environment: "staging", Closure: "sha256:1", Run: "r", Outputs: map[string]string{"a": "1"}}
	learned := map[string]string{"b": "2"}
	if err := Learn(ctx, s, "staging", r.Unit, learned); err != nil || len(s.files) != 0 {
		t.Errorf("of nothing: %v, %v", err, s.files)
	}
	if err := Begin(ctx, s, r); err != nil {
		t.Fatal(err)
	}
	if err := Learn(ctx, s, "staging", r.Unit, learned); err != nil {
		t.Fatal(err)
	}
	if got, _ := Get(ctx, s, "staging", r.Unit); len(got.Outputs) != 0 {
		t.Errorf("of an attempt: %v", got.Outputs)
	}
	if err := Save(ctx, s, r); err != nil {
		t.Fatal(err)
	}
	if err := Learn(ctx, s, "staging", r.Unit, learned); err != nil {
		t.Fatal(err)
	}
	got, err := Get(ctx, s, "staging", r.Unit)
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "2"}, got.Outputs); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}
