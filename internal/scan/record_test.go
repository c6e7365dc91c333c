package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// What the tests read was printed by the real tools, on the folders of testdata:
//
//	go test ./internal/scan -run TestRecord -record
//
// records it anew with those that are on PATH. The JSON of code scanners is
// recorded without spaces, and the name of this repository's folder as /repo.
//
// The plans of testdata/plans are those of testdata/vulnerable, of Terraform 1.11
// and the AWS provider 5.100 with an override file that keeps it offline (made up
// keys, skip_credentials_validation, skip_requesting_account_id,
// skip_metadata_api_check):
//
//	TF_VAR_db_password=example terraform plan -out=p && terraform show -json p
var record = flag.Bool("record", false, "record testdata with the scanners on PATH")

// sample is one thing to scan.
type sample struct{ tool, name, root, plan, features string }

func samples() []sample {
	var all []sample
	for _, tool := range []string{"checkov", "tfsec", "trivy"} {
		for _, name := range []string{"vulnerable", "clean", "plain", "broken", "empty", "missing"} {
			all = append(all, sample{tool: tool, name: name, root: name})
		}
	}
	for _, s := range []sample{
		{name: "platform", plan: "platform", features: "features"},
		{name: "foundation", plan: "foundation", features: "features"},
		{name: "norules", plan: "platform", features: "empty"},
		{name: "nonsense", plan: "platform", features: "nonsense"},
		{name: "noplan", plan: "none", features: "features"},
	} {
		s.tool, s.root = "terraform-compliance", "."
		all = append(all, s)
	}
	return all
}

func scanner(t *testing.T, name string) Scanner {
	t.Helper()
	i := slices.IndexFunc(Scanners(), func(s Scanner) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no scanner %s", name)
	}
	return Scanners()[i]
}

func (s sample) recording() string { return filepath.Join("testdata", s.tool, s.name+".txtar") }

// load reads what was recorded.
func (s sample) load(t *testing.T) (Options, Output) {
	t.Helper()
	a, err := txtar.ParseFile(s.recording())
	if err != nil {
		t.Fatal(err)
	}
	var out Output
	for _, f := range a.Files {
		switch f.Name {
		case "code":
			if out.ExitCode, err = strconv.Atoi(strings.TrimSpace(string(f.Data))); err != nil {
				t.Fatal(err)
			}
		case "stdout":
			out.Stdout = f.Data
		case "stderr":
			out.Stderr = f.Data
		case "file":
			out.File = f.Data
		}
	}
	return Options{Root: "/repo", Features: "/repo/" + s.features, Rules: s.features, Unit: "unit", Dir: "layers/unit"}, out
}

// run runs the real tool.
func (s sample) run(t *testing.T, binary string) Output {
	t.Helper()
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(testdata, s.root)
	features := filepath.Join(testdata, s.features)
	if s.root == "empty" {
		root = t.TempDir()
	}
	if s.features == "empty" {
		features = t.TempDir()
	}
	o := Options{
		Root: filepath.ToSlash(root), Cache: filepath.ToSlash(filepath.Join(t.TempDir(), "none")),
		Plan: filepath.Join(testdata, "plans", s.plan+".json"), Features: features, Output: filepath.Join(t.TempDir(), "out.json"),
	}
	dir := root
	if s.name == "missing" {
		dir = ""
	}
	out := s.runIn(t, binary, dir, o)
	out.Stdout, out.Stderr, out.File = s.clean(out.Stdout, root), s.clean(out.Stderr, root), s.clean(out.File, root)
	return out
}

func (s sample) runIn(t *testing.T, binary, dir string, o Options) Output {
	t.Helper()
	return run(t, scanner(t, s.tool), binary, dir, o)
}

func run(t *testing.T, tool Scanner, binary, dir string, o Options) Output {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, tool.Args(o)...)
	cmd.Dir = dir
	cmd.Env = os.Environ()
	for name, value := range tool.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	out := Output{ExitCode: cmd.ProcessState.ExitCode(), Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}
	if file, err := os.ReadFile(o.Output); err == nil {
		out.File = file
	}
	return out
}

var (
	changing = regexp.MustCompile(`"(ReportID|CreatedAt|starttime|endtime)": ?"[^"]*"|"duration": ?\d+`)
	clock    = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d+)?Z?`)
	packages = regexp.MustCompile(`/[\w./-]*/site-packages/`)
	runID    = regexp.MustCompile(`(?m)^Run \S+ finished.*$`)
	temp     = regexp.MustCompile(`/\S*/(TestRecord|TestTools)[^/]*/\d+`)
)

// clean leaves out what differs from machine to machine and from run to run.
func (s sample) clean(text []byte, root string) []byte {
	if text == nil {
		return nil
	}
	text = bytes.ReplaceAll(text, []byte(root), []byte("/repo"))
	text = bytes.ReplaceAll(text, []byte(strings.TrimPrefix(root, "/")), []byte("repo"))
	text = temp.ReplaceAll(text, []byte("/tmp"))
	text = clock.ReplaceAll(text, []byte("2026-01-01T00:00:00Z"))
	text = packages.ReplaceAll(text, []byte("/site-packages/"))
	text = runID.ReplaceAll(text, []byte("Run finished"))
	text = changing.ReplaceAllFunc(text, func(pair []byte) []byte {
		name, _, _ := bytes.Cut(pair, []byte(":"))
		if string(name) == `"duration"` {
			return []byte(`"duration": 0`)
		}
		return append(name, `: ""`...)
	})
	var short bytes.Buffer
	if json.Compact(&short, text) == nil {
		return append(short.Bytes(), '\n')
	}
	return text
}

func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("records only with -record")
	}
	for _, s := range samples() {
		t.Run(s.tool+"/"+s.name, func(t *testing.T) {
			out := s.run(t, find(t, scanner(t, s.tool)))
			a := &txtar.Archive{Files: []txtar.File{{Name: "code", Data: fmt.Appendln(nil, out.ExitCode)}}}
			for name, data := range map[string][]byte{"stdout": out.Stdout, "stderr": out.Stderr, "file": out.File} {
				if len(data) > 0 {
					a.Files = append(a.Files, txtar.File{Name: name, Data: data})
				}
			}
			slices.SortFunc(a.Files, func(x, y txtar.File) int { return strings.Compare(x.Name, y.Name) })
			if err := os.MkdirAll(filepath.Dir(s.recording()), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.recording(), txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// find skips a test whose tool is not there in the version that is recorded.
func find(t *testing.T, s Scanner) string {
	t.Helper()
	binary, err := exec.LookPath(s.Tool.Binary)
	if err != nil {
		t.Skipf("%s is not on PATH: %s", s.Name, s.Install)
	}
	printed, err := exec.Command(binary, s.VersionArgs...).Output()
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	if version := ParseVersion(printed); version != "" && version != s.Version {
		t.Skipf("%s is of version %s, what is recorded is of %s", s.Name, version, s.Version)
	}
	return binary
}

// TestTools runs the real tools, and compares what is read of them with what is
// read of the recordings.
func TestTools(t *testing.T) {
	if testing.Short() {
		t.Skip("real tools are slow")
	}
	for _, s := range samples() {
		t.Run(s.tool+"/"+s.name, func(t *testing.T) {
			tool := scanner(t, s.tool)
			out := s.run(t, find(t, tool))
			o, recorded := s.load(t)
			want, wantErr := tool.Read(o, recorded)
			got, gotErr := tool.Read(o, out)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-recorded +now:\n%s", diff)
			}
			if fmt.Sprint(wantErr) != fmt.Sprint(gotErr) {
				t.Errorf("recorded: %v, now: %v", wantErr, gotErr)
			}
		})
	}
}
