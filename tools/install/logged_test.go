package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhy(t *testing.T) {
	for name, tc := range map[string]struct {
		why       func(string) string
		out, want string
	}{
		"venv without ensurepip": {whyVenv, `The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv
package using the following command.

    apt install python3.11-venv

Failing command: /r/venv/bin/python3
`, "The virtual environment was not created successfully because ensurepip is not available. On Debian/Ubuntu systems, you need to install the python3-venv package using the following command."},
		"no venv": {whyVenv, "/usr/bin/python3: No module named venv\n", "/usr/bin/python3: No module named venv"},
		"venv crashed": {whyVenv, "Traceback (most recent call last):\n  File \"x\", line 1\n\nOSError: disk full\n",
			"OSError: disk full"},
		"silent": {whyVenv, "", ""},

		"pip without a network": {whyPip, `WARNING: Retrying (Retry(total=1, connect=None, read=None, redirect=None, status=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/checkov/
ERROR: Could not find a version that satisfies the requirement checkov==3.3.30 (from versions: none)
ERROR: No matching distribution found for checkov==3.3.30
`, "the package index does not answer: No matching distribution found for checkov==3.3.30"},
		"pip with another Python": {whyPip, `ERROR: Ignored the following versions that require a different python version: 3.3.30 Requires-Python >=3.9
ERROR: Could not find a version that satisfies the requirement checkov==3.3.30 (from versions: 1.0, 2.0)
ERROR: No matching distribution found for checkov==3.3.30
`, "No matching distribution found for checkov==3.3.30"},
		"pip killed": {whyPip, "Collecting checkov==3.3.30\n", ""},

		"a refused module": {whyGo, "go: downloading example.com/a v1.0.0\ngo: example.com/b@v1.0.0: reading https://proxy/b: 403 Forbidden\n\tserver response: no\n",
			"go: example.com/b@v1.0.0: reading https://proxy/b: 403 Forbidden"},
		"code that does not compile": {whyGo, "# example.com/b\nb.go:1:2: undefined: x\nb.go:2:2: undefined: y\n", "b.go:1:2: undefined: x"},
		"only progress":              {whyGo, "go: downloading example.com/a v1.0.0\n", ""},
		"a long line":                {whyGo, strings.Repeat("é", 300), strings.Repeat("é", 239) + "…"},
	} {
		if got := tc.why(tc.out); got != tc.want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, tc.want)
		}
	}
}

// TestRunLogged has two commands in one log: the second one's words say why the
// second one failed.
func TestRunLogged(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	echo := func(out string) string { return strings.TrimSpace(out) }
	if err := runLogged(exec.Command("sh", "-c", "echo fine"), log, echo); err != nil {
		t.Fatal(err)
	}
	err = runLogged(exec.Command("sh", "-c", "echo out; echo err >&2; exit 3"), log, echo)
	if err == nil || err.Error() != "out\nerr" {
		t.Errorf("got %v", err)
	}
	err = runLogged(exec.Command("sh", "-c", "exit 3"), log, echo)
	if err == nil || err.Error() != "exit status 3" {
		t.Errorf("silent: got %v", err)
	}
	text, err := os.ReadFile(log.Name())
	if err != nil || string(text) != "fine\nout\nerr\n" {
		t.Errorf("the log is %q, %v", text, err)
	}
}
