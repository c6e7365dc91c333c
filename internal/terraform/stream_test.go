package terraform

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// messages reads a recorded stream; each of its lines must be a message.
func messages(t *testing.T, name string) []Message {
	t.Helper()
	var list []Message
	for line := range bytes.Lines(recorded(t, "streams/"+name+".jsonl")) {
		m, ok := ParseMessage(line)
		if !ok {
			t.Fatalf("%s: not read: %s", name, line)
		}
		list = append(list, m)
	}
	return list
}

// TestStreams reads all recorded streams and compares what Strata knows of them
// with a golden file.
func TestStreams(t *testing.T) {
	files, err := filepath.Glob("testdata/streams/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded streams", err)
	}
	seen := make(map[string]bool)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		list := messages(t, name)
		if list[0].Type != TypeVersion {
			t.Errorf("%s begins with %s", name, list[0].Type)
		}
		for _, m := range list {
			seen[m.Type] = true
			if m.Text == "" || m.Level == "" {
				t.Errorf("%s: a message without words: %+v", name, m)
			}
			if (m.Type == TypeDiagnostic) != (m.Diagnostic != nil) {
				t.Errorf("%s: %s, diagnostic %v", name, m.Type, m.Diagnostic)
			}
			if strings.HasPrefix(m.Type, "apply_") && (m.Hook == nil || m.Hook.Resource.Address == "" || m.Hook.Action == "") {
				t.Errorf("%s: %s without a resource or an action: %+v", name, m.Type, m.Hook)
			}
		}
	}
	for _, typ := range []string{
		TypeVersion, TypeLog, TypeDiagnostic, TypeOutputs, TypeApplyStart, TypeApplyProgress, TypeApplyComplete, TypeApplyErrored,
		TypeRefreshStart, TypeRefreshComplete, TypeStateLock, TypePlannedChange, TypeResourceDrift, TypeChangeSummary,
	} {
		if !seen[typ] {
			t.Errorf("no recorded stream has a %s: is it called so?", typ)
		}
	}
}

func TestParseMessageDiagnostic(t *testing.T) {
	list := messages(t, "plan-invalid")
	d := list[len(list)-1].Diagnostic
	if d == nil || d.Severity != "error" || d.Summary != "Reference to undeclared input variable" || d.Range == nil ||
		d.Range.Filename != "main.tf" || d.Range.Start.Line != 2 || d.Range.Start.Column != 11 {
		t.Errorf("%+v", d)
	}
}

func TestParseMessageRefuses(t *testing.T) {
	for _, line := range []string{
		"", "   ", "plain words", `"text"`, "[]", "{", `{"@level":"info"`, `{"msg":"a provider's own","level":"info"}`,
		`{"type":"event","msg":"another tool's JSON"}`, `{"@level":"info","@message":"a log line without a type"}`,
		`{"@level":"info","type":7}`,
	} {
		if m, ok := ParseMessage([]byte(line)); ok {
			t.Errorf("%q counts as a message: %+v", line, m)
		}
	}
	if m, ok := ParseMessage([]byte("  {\"@level\":\"info\",\"@message\":\"x\",\"type\":\"log\"}\r\n")); !ok || m.Text != "x" {
		t.Errorf("white space around it: %v, %+v", ok, m)
	}
}

func applied(t *testing.T, name string, upTo string) *Applying {
	t.Helper()
	a := new(Applying)
	for _, m := range messages(t, name) {
		a.Message(m)
		if upTo != "" && m.Type == upTo {
			break
		}
	}
	return a
}

func TestApplying(t *testing.T) {
	a := applied(t, "apply", "")
	if a.Changed != 3 || len(a.Open()) != 0 {
		t.Errorf("changed %d, open %v", a.Changed, a.Open())
	}
	want := map[string]Output{
		"kept": {Sensitive: true}, "password": {Sensitive: true}, "name": {Value: []byte(`"shown"`)},
	}
	if diff := cmp.Diff(want, a.Outputs); diff != "" {
		t.Errorf("outputs: -want +got:\n%s", diff)
	}
	if open := applied(t, "apply", TypeApplyProgress).Open(); !cmp.Equal(open, []string{"terraform_data.slow"}) {
		t.Errorf("in the middle: open %v", open)
	}
	if a := applied(t, "apply-failed", ""); a.Changed != 1 || len(a.Open()) != 0 || a.Outputs != nil {
		t.Errorf("failed: changed %d, open %v, outputs %v", a.Changed, a.Open(), a.Outputs)
	}
	if a := applied(t, "apply-interrupted", ""); a.Changed != 1 || len(a.Open()) != 0 {
		t.Errorf("interrupted: changed %d, open %v", a.Changed, a.Open())
	}
	if open := applied(t, "apply-interrupted", TypeLog).Open(); !cmp.Equal(open, []string{"terraform_data.slow"}) {
		t.Errorf("cut off: open %v", open)
	}
	if a := applied(t, "plan-aws-change", ""); a.Changed != 0 || len(a.Open()) != 0 {
		t.Errorf("a plan: changed %d, open %v", a.Changed, a.Open())
	}
}

// TestApplyingReads: reading a data source during an apply changes nothing.
func TestApplyingReads(t *testing.T) {
	a := new(Applying)
	for _, typ := range []string{TypeApplyStart, TypeApplyComplete} {
		m := Message{Type: typ, Hook: &Hook{Action: "read"}}
		m.Hook.Resource.Address = "data.x.y"
		a.Message(m)
		a.Message(Message{Type: typ})
	}
	if a.Changed != 0 || len(a.Open()) != 0 {
		t.Errorf("changed %d, open %v", a.Changed, a.Open())
	}
}
