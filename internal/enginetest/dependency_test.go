//go:build engine

package enginetest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A module in a user's repository installs this one and calls it from Go, as
// examples/dagger-module shows.
func TestEngineAnotherModuleCallsThisOne(t *testing.T) {
	r := live(t)
	// Local dependencies have to be in the same repository.
	copyModule(t, filepath.Join(r.dir, "vendor", "strata"))
	example := filepath.Join(moduleDir, "examples", "dagger-module")
	for _, name := range []string{"main.go", "go.mod", "dagger.json", ".gitignore"} {
		data, err := os.ReadFile(filepath.Join(example, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "dagger.json" {
			data = withoutDependencies(t, data)
		}
		r.write(t, "ci/"+name, string(data))
	}
	ci := *r
	ci.dir = filepath.Join(r.dir, "ci")
	ci.command(t, "dagger", "-s", "install", "../vendor/strata").ok(t, 0)
	a := ci.command(t, "dagger", "-s", "call", "release", "--access-key-id", "env:AWS_ACCESS_KEY_ID", "--secret-access-key", "env:AWS_SECRET_ACCESS_KEY",
		"--db-password", "env:STRATA_SECRET_DB_PASSWORD", "--aws", fmt.Sprintf("tcp://127.0.0.1:%d", s3.port), "--aws-port", fmt.Sprint(s3.port),
		"--region", "us-east-1").ok(t, 0)
	staging, production, found := strings.Cut(a.stdout, "production would change")
	if !found || !strings.Contains(staging, "6 applied") || !strings.Contains(production, "1 planned, 5 deferred") {
		t.Errorf("the example says:\n%s", a.stdout)
	}
	if len(s3.resources(t, r.bucket, stateKey(foundation))) == 0 {
		t.Error("nothing was deployed")
	}
}

// copyModule copies what git knows of the module, or would.
func copyModule(t *testing.T, to string) {
	t.Helper()
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = moduleDir
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if strings.HasPrefix(name, "examples/") || strings.HasPrefix(name, "docs/") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(moduleDir, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if name == "images.go" {
			data = withGivenImages(t, data)
		}
		file := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// withGivenImages pins the images that were given: who calls another module
// cannot chain with-image before what it calls.
func withGivenImages(t *testing.T, source []byte) []byte {
	t.Helper()
	text := string(source)
	for tool, image := range images {
		pinned := regexp.MustCompile(`("` + regexp.QuoteMeta(tool) + `":\s*)"[^"]+"`)
		if !pinned.MatchString(text) {
			continue // a hook's image
		}
		text = pinned.ReplaceAllString(text, `${1}"`+image+`"`)
	}
	return []byte(text)
}

func withoutDependencies(t *testing.T, data []byte) []byte {
	t.Helper()
	var config map[string]any
	if err := json.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	delete(config, "dependencies")
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
