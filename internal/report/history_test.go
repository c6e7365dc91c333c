package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/strata-tf/strata/internal/ledger"
)

func historyOf(t *testing.T, h ledger.History, format string) string {
	t.Helper()
	return render(t, func(b *bytes.Buffer) error { return History(b, h, format) })
}

// history is what n days of runs tell: a deploy and a look for drift each day.
func history(n int) ledger.History {
	var entries []ledger.Entry
	for day := range n {
		at := time.Date(2025, 3, 1+day, 6, 0, 0, 0, time.UTC)
		deploy := ledger.Entry{
			Run: fmt.Sprintf("%s-d%03d", at.Format("20060102T150405Z"), day), Verb: "deploy", Environment: "production", Commit: "8d3f2a1", Who: "octocat",
			Started: at, Seconds: 60 + float64(day*7%50), Result: "succeeded",
			Units: []ledger.Unit{
				{ID: "foundation@us-east-1:production", Result: "applied", State: &ledger.State{Bytes: int64(48_000 + day*900), Resources: 60 + day}},
				{ID: "platform@us-east-1:production", Result: "unchanged", State: &ledger.State{Bytes: int64(3_000_000 - day*12_345), Resources: 900}},
				{ID: "databases@us-east-1:production", Result: "unchanged", State: &ledger.State{Bytes: 812, Resources: 2}},
			},
		}
		if day%5 == 3 {
			deploy.Result, deploy.ExitCode = "failed", 1
			deploy.Units[1].Result = "failed"
		}
		look := ledger.Entry{
			Run: fmt.Sprintf("%s-x%03d", at.Format("20060102T150405Z"), day), Verb: "drift", Environment: "production",
			Started: at.Add(time.Hour), Seconds: 31.4, Result: "succeeded",
			Units: []ledger.Unit{{ID: "foundation@us-east-1:production", Result: "in sync", Ignored: 2}, {ID: "platform@us-east-1:production", Result: "in sync"}},
		}
		if day%3 == 1 {
			look.ExitCode, look.Units[0].Result = 2, "drifted"
			for range day {
				look.Units[0].Drift = append(look.Units[0].Drift, ledger.Drift{Address: "aws_vpc.main", Action: "changed", Path: "tags"})
			}
		}
		if day%4 == 2 {
			look.Result, look.ExitCode, look.Units[1].Result = "failed", max(1, look.ExitCode), "failed"
		}
		entries = append(entries, deploy, look)
	}
	return ledger.Compute("production", entries, nil)
}

func TestHistoryGolden(t *testing.T) {
	h := history(9)
	h.Unread = []string{"production/runs/x.json: unexpected end of JSON input"}
	golden(t, "history.golden", historyOf(t, h, ""))
	golden(t, "history.golden.json", historyOf(t, h, "json"))
	golden(t, "history_many.golden", historyOf(t, history(62), "table"))
	golden(t, "history_none.golden", historyOf(t, ledger.Compute("production", nil, []error{errors.New("production/runs/x.json: no such schema")}), "table"))
}

func TestHistoryIsSafe(t *testing.T) {
	h := ledger.Compute(evil, []ledger.Entry{{
		Run: evil, Verb: evil, Environment: evil, Commit: evil, Who: evil, Link: evil, Result: evil, Seconds: -1,
		Units: []ledger.Unit{{ID: evil, Result: evil, State: &ledger.State{Bytes: 1}}},
	}, {
		Run: evil, Verb: "drift", Started: time.Now(), Units: []ledger.Unit{{ID: evil, Result: evil, State: &ledger.State{Bytes: 2}, Drift: []ledger.Drift{{Address: evil}}}},
	}}, []error{errors.New(evil)})
	got := historyOf(t, h, "table")
	if strings.ContainsAny(got, "\x1b\x07\r\x7f\t\v\f") || strings.ContainsRune(got, '\u009b') || strings.ContainsRune(got, '\u202e') || !utf8.ValidString(got) {
		t.Errorf("control characters came through: %q", got)
	}
	commands(t, got)
}

func TestHistoryJSONIsComplete(t *testing.T) {
	var document map[string]json.RawMessage
	if err := json.Unmarshal([]byte(historyOf(t, ledger.History{Environment: "x"}, "json")), &document); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"schema": `"strata.history/v1"`, "environment": `"x"`, "runs": "[]", "verbs": "[]", "drift": "[]", "growth": "[]", "total": "0"} {
		if string(document[key]) != want {
			t.Errorf("%s is %s, want %s", key, document[key], want)
		}
	}
	if err := History(&bytes.Buffer{}, ledger.History{}, "xml"); err == nil || err.Error() != `--format "xml": it is table or json` {
		t.Errorf("xml: %v", err)
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 10_189: "10 KiB", 1_048_575: "1.0 MiB", 3_000_000: "2.9 MiB", 1 << 40: "1.0 TiB", 1 << 52: "4096 TiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	if got := signed(-2048) + signed(0); got != "-2.0 KiB+0 B" {
		t.Errorf("signed: %s", got)
	}
}
