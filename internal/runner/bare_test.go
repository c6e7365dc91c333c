package runner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBare(t *testing.T) {
	given := []string{
		"PATH=/bin", "HOME=/home/me", "USER=me", "LOGNAME=me", "TMPDIR=/t",
		"XDG_CONFIG_HOME=/x", "XDG_CACHE_HOME=/c", "XDG_DATA_HOME=/d", "XDG_STATE_HOME=/s", "XDG_RUNTIME_DIR=/r",
		"LANG=C.UTF-8", "LC_ALL=C", "TZ=UTC",
		"SSL_CERT_FILE=/ca.pem", "SSL_CERT_DIR=/ca", "VIRTUAL_ENV=/venv", "PYENV_ROOT=/pyenv", "PYENV_VERSION=3.12", "PYTHONPATH=/lib/python",
		"LD_LIBRARY_PATH=/lib", "SystemRoot=C:\\Windows", "EMPTY", "PATH=/usr/bin",
	}
	kept := append(given[:len(given)-2:len(given)-2], "PATH=/usr/bin")
	secret := []string{
		"AWS_SECRET_ACCESS_KEY=x", "AWS_PROFILE=x", "CKV_TOKEN=x", "CKV_IGNORE_HIDDEN_DIRECTORIES=x", "BC_API_KEY=x", "TF_VAR_x=x", "TF_TOKEN_app_terraform_io=x",
		"HTTP_PROXY=http://me:x@proxy", "https_proxy=http://me:x@proxy", "GITHUB_TOKEN=x", "SSH_AUTH_SOCK=x", "KUBECONFIG=x", "STRATA_STORE=x",
		"PYTHONSTARTUP=x", "PYTHONINSPECT=x", "PATHS=x", "MY_PATH=x", "LC=x", "XDG=x", "XDG_SESSION_COOKIE=x", "XDG_ACTIVATION_TOKEN=x", "XDG_CONFIG_HOME_X=x", "LD_PRELOAD=x", "TERM=x", "=C:=C:\\",
	}
	if diff := cmp.Diff(kept, bare(append(given, secret...))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestRunBare: what the process itself finds.
func TestRunBare(t *testing.T) {
	w, _ := newTestWorkspace(t, "PATH=/bin:/usr/bin", "LC_TEST=kept", "AWS_SECRET_ACCESS_KEY=secret", "CKV_TEST=secret",
		"HTTP_PROXY=http://me:secret@proxy", "TF_VAR_x=secret", "PYTHONSTARTUP=secret", "STRATA_TEST=secret")
	step := selfStep("env", "PATH", "LC_TEST", "STRATA_TEST_B", "AWS_SECRET_ACCESS_KEY", "CKV_TEST", "HTTP_PROXY", "TF_VAR_x", "PYTHONSTARTUP", "STRATA_TEST")
	step.Bare = true
	step.Env["STRATA_TEST_B"], step.Env["LC_TEST"] = "step's", "step's too"
	result, err := w.Run(t.Context(), step)
	if err != nil {
		t.Fatal(err)
	}
	want := "PATH=/bin:/usr/bin\nLC_TEST=step's too\nSTRATA_TEST_B=step's\nAWS_SECRET_ACCESS_KEY=\nCKV_TEST=\nHTTP_PROXY=\nTF_VAR_x=\nPYTHONSTARTUP=\nSTRATA_TEST=\n"
	if diff := cmp.Diff(want, string(result.Stdout)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	step.Bare = false
	if result, err = w.Run(t.Context(), step); err != nil || strings.Count(string(result.Stdout), "secret") != 6 {
		t.Errorf("not bare, it finds %s, %v", result.Stdout, err)
	}
}
