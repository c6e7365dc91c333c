package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/store"
	"github.com/strata-tf/strata/internal/terraform"
)

var errFull = errors.New("no space left on device")

// fullStore takes nothing.
type fullStore struct{ Store }

func (fullStore) Put(context.Context, string, []byte) error { return errFull }

// rescuing is a unit whose apply has just ended.
func rescuing(t *testing.T, s Store) (r *unitRun, folder string) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	root := t.TempDir()
	folder = filepath.Join(root, "app")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	host, err := runner.NewHost(runner.HostOptions{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close() })
	unit := &stack.Unit{Layer: "app", Region: "global", Environment: "staging", Path: "app"}
	ws, err := host.Open(t.Context(), runner.Spec{ID: unit.ID(), Dir: unit.Path})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	return &unitRun{
		session: &session{Options: Options{Store: s, Runner: host}, soft: ctx, hard: ctx},
		unit:    unit, ws: ws, result: &report.Unit{},
	}, folder
}

func TestRescueKeepsWhatIsWhole(t *testing.T) {
	ctx := t.Context()
	url, err := store.FolderURL(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	kept, err := store.Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	r, folder := rescuing(t, kept)
	if err := r.rescueApplied(); err != nil {
		t.Fatalf("nothing to rescue: %v", err)
	}

	// What Terraform has written to a file.
	file := filepath.Join(folder, erroredState)
	if err := os.WriteFile(file, []byte(`{"serial": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.rescueApplied(); err == nil || r.result.Reason == "" {
		t.Errorf("error %v, reason %q", err, r.result.Reason)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the file is still there")
	}

	// What it could only print, beside a file that it could not fill.
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.applying = terraform.Applying{State: json.RawMessage(`{"serial": 2}`)}
	if err := r.rescueApplied(); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the empty file is still there")
	}
	keys, err := kept.List(ctx, rescued+r.unit.Slug()+"/")
	if err != nil || len(keys) != 2 {
		t.Fatalf("kept %v, %v", keys, err)
	}
	if data, err := kept.Get(ctx, keys[1]); err != nil || string(data) != `{"serial": 2}` {
		t.Errorf("kept %s, %v", data, err)
	}
}

func TestRescueWithoutRoom(t *testing.T) {
	r, folder := rescuing(t, fullStore{})
	file := filepath.Join(folder, erroredState)
	if err := os.WriteFile(file, []byte(`{"seri`), 0o600); err != nil {
		t.Fatal(err)
	}
	r.applying = terraform.Applying{State: json.RawMessage(`{"serial": 1}`)}
	err := r.rescueApplied()
	if !errors.Is(err, errFull) {
		t.Fatalf("error %v", err)
	}
	told := regexp.MustCompile(`it is kept in (\S+\.tfstate): once there is room .strata exec app@global:staging -- state push (\S+\.tfstate)., then remove app/errored\.tfstate`).FindStringSubmatch(r.result.Reason)
	if told == nil {
		t.Fatalf("reason %q", r.result.Reason)
	}
	if data, err := os.ReadFile(told[1]); err != nil || string(data) != `{"serial": 1}` {
		t.Errorf("kept %s, %v", data, err)
	}
	// The file that is not whole stays, and blocks the unit.
	var refused *RefusedError
	if err := r.refuseRescued(); !errors.As(err, &refused) {
		t.Errorf("a unit whose state waits is not refused: %v", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}

	// A whole file that can be kept nowhere is not removed either.
	if err := os.WriteFile(file, []byte(`{"serial": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	r.applying = terraform.Applying{}
	if err := r.rescueApplied(); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}
