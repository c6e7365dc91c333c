//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	goversion "github.com/hashicorp/go-version"

	"github.com/strata-tf/strata/internal/report"
)

// aws is an AWS API that can be told to refuse, or to be slow.
type aws struct {
	*httptest.Server
	mu     sync.Mutex
	refuse func(*http.Request) bool
	hold   func(*http.Request) bool
	held   chan struct{} // is sent to for each request that is held
	free   chan struct{} // is closed to let them go
}

func newAWS(t *testing.T) *aws {
	t.Helper()
	back, err := url.Parse(moto.start(t))
	if err != nil {
		t.Fatal(err)
	}
	a := &aws{held: make(chan struct{}, 16), free: make(chan struct{})}
	proxy := httputil.NewSingleHostReverseProxy(back)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		refuse, hold := a.refuse, a.hold
		a.mu.Unlock()
		if refuse != nil && refuse(r) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>the bucket is closed</Message></Error>`)
			return
		}
		if hold != nil && hold(r) {
			// The request arrives; its answer does not.
			inner := r.Clone(context.WithoutCancel(r.Context()))
			proxy.ServeHTTP(httptest.NewRecorder(), inner)
			a.held <- struct{}{}
			<-a.free
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		a.CloseClientConnections()
		a.Close()
	})
	return a
}

func (a *aws) refusing(f func(*http.Request) bool) { a.mu.Lock(); defer a.mu.Unlock(); a.refuse = f }

func (a *aws) holding(f func(*http.Request) bool) { a.mu.Lock(); defer a.mu.Unlock(); a.hold = f }

func (a *aws) bucket(t *testing.T, name string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, a.URL+"/"+name, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response.Status, err)
	}
}

// needLockFile skips where Terraform's S3 backend cannot lock by itself.
func needLockFile(t *testing.T) {
	t.Helper()
	needTerraform(t)
	out, err := exec.Command(terraformBinary(), "version", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	if v := goversion.Must(goversion.NewVersion(answer.Version)); v.LessThan(goversion.Must(goversion.NewVersion("1.10.0"))) {
		t.Skipf("needs an S3 backend with use_lockfile, Terraform or OpenTofu 1.10: this is %s", v)
	}
}

// onS3 gives a repository's units a state in S3.
func (r *repo) onS3(a *aws, bucket string, folders ...string) {
	r.t.Helper()
	r.env = append(r.env, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
	r.write("shared/backend-configs/staging.hcl", fmt.Sprintf(`
bucket                      = %q
region                      = "us-east-1"
use_lockfile                = true
use_path_style              = true
max_retries                 = 1
skip_credentials_validation = true
skip_requesting_account_id  = true
skip_metadata_api_check     = true
endpoints                   = { s3 = %q }
`, bucket, a.URL))
	for _, folder := range folders {
		r.write(folder+"/backend.tf", fmt.Sprintf("terraform {\n  backend \"s3\" {\n    key = %q\n  }\n}\n", folder+".tfstate"))
	}
}

func TestTwoCheckoutsWithOneStateInS3(t *testing.T) {
	t.Parallel()
	needLockFile(t)
	a := newAWS(t)
	a.bucket(t, "two-checkouts")
	one, two := slow(t), slow(t)
	for _, r := range []*repo{one, two} {
		r.onS3(a, "two-checkouts", "slow/staging", "next/staging")
	}
	first := one.deploy()
	one.untilFile("began")

	impatient := two.deploy("--lock-timeout", "1s").exits(1)
	impatient.result(slowUnit, report.Failed)
	impatient.result(nextUnit, report.NotRun)
	impatient.says(`the state is locked by \S+@\S+ since .*\(OperationTypeApply\): wait for that run to end; if it is dead, .*strata exec slow@global:staging -- force-unlock \S+`)

	patient := two.deploy()
	patient.untilSays("waits for the state lock")
	one.write("go", "")
	first.exits(0).result(slowUnit, report.Applied)
	patient.exits(0).result(slowUnit, report.Unchanged)
	if two.exists("began") {
		t.Error("the second checkout applied too")
	}
}

// Terraform is killed, and leaves its lock in the bucket.
func TestStaleLockInS3(t *testing.T) {
	t.Parallel()
	needLockFile(t)
	a := newAWS(t)
	a.bucket(t, "stale-lock")
	r := slow(t)
	r.onS3(a, "stale-lock", "slow/staging", "next/staging")
	p := r.deploy("--binary", recorderName)
	r.untilFile("began")
	if err := syscall.Kill(r.recordedProcess(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.exits(1)
	r.write("go", "")
	p = r.deploy("--lock-timeout", "0s").exits(1)
	hint := regexp.MustCompile(`strata exec slow@global:staging -- force-unlock ([0-9a-f-]+)`).FindStringSubmatch(p.stdout.String())
	if hint == nil {
		t.Fatalf("no hint\n%s", p)
	}
	r.start("exec", slowUnit, "--", "force-unlock", "-force", hint[1]).exits(0)
	p = r.deploy().exits(0)
	p.result(slowUnit, report.Applied)
	p.result(nextUnit, report.Applied)
}

// The bucket does not take the state after an apply.
func TestStateThatS3RefusesIsRescued(t *testing.T) {
	t.Parallel()
	needLockFile(t)
	a := newAWS(t)
	a.bucket(t, "refusing")
	r := slow(t)
	r.onS3(a, "refusing", "slow/staging", "next/staging")
	p := r.deploy()
	r.untilFile("began")
	a.refusing(func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, ".tfstate")
	})
	r.write("go", "")
	p.exits(1)
	p.result(slowUnit, report.Failed)
	p.result(nextUnit, report.NotRun)
	if reason := p.unit(slowUnit).Reason; !strings.Contains(reason, "its backend did not take the state after the apply; it is kept, and the unit waits: once the backend works `strata rescued slow@global:staging --push`") {
		t.Errorf("reason %q", reason)
	}
	p.says("the bucket is closed")
	r.tidy()

	// Until it is pushed the unit is blocked.
	p = r.deploy().exits(3)
	p.result(slowUnit, report.Refused)
	p.result(nextUnit, report.NotRun)
	r.start("rescued", slowUnit, "--push").exits(1).says("the bucket is closed")
	r.start("rescued").exits(0).says("slow@global:staging")

	a.refusing(nil)
	r.start("rescued", slowUnit, "--push").exits(0)
	r.start("rescued").exits(0).says("no rescued state waits")
	p = r.deploy().exits(0)
	p.result(slowUnit, report.Unchanged)
	p.result(nextUnit, report.Applied)
	if n := r.began(); n != 1 {
		t.Errorf("the resource was made %d times", n)
	}
}
