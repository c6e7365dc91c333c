package store

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// startS3 starts a server of the AWS API with a bucket "states".
func startS3(t testing.TB) string {
	t.Helper()
	binary, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("an S3 server: moto_server is not on PATH (pip install 'moto[server]')")
	}
	testCredentials(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	var log bytes.Buffer
	cmd := exec.Command(binary, "-H", "127.0.0.1", "-p", port)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "AWS_") })
	if err := cmd.Start(); err != nil {
		t.Skipf("an S3 server: moto_server does not start: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	endpoint := "http://127.0.0.1:" + port
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if response, err := http.Get(endpoint + "/moto-api/data.json"); err == nil {
			response.Body.Close()
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("moto_server does not answer: %v\n%s", err, log.String())
		}
	}
	p := parameters{region: "us-east-1"}
	cfg, err := p.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = &endpoint, true })
	name := "states"
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	return endpoint
}

func testCredentials(t testing.TB) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "",
		"AWS_PROFILE": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "",
		"AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE":           filepath.Join(t.TempDir(), "config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "credentials"),
	} {
		t.Setenv(name, value)
	}
}

func TestS3(t *testing.T) {
	endpoint := startS3(t)
	here := "endpoint=" + url.QueryEscape(endpoint)
	t.Run("calls", func(t *testing.T) {
		testStore(t, open(t, "s3://states/strata?region=us-east-1&use_path_style=true&"+here))
	})
	t.Run("encrypted", func(t *testing.T) {
		s := open(t, "s3://states/encrypted?region=us-east-1&use_path_style=true&encrypt=true&"+here)
		if err := s.Put(t.Context(), "a", []byte("b")); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("endpoint from the environment", func(t *testing.T) {
		t.Setenv("AWS_ENDPOINT_URL_S3", endpoint)
		t.Setenv("AWS_REGION", "us-east-1")
		s := open(t, "s3://states/environment?use_path_style=true")
		if err := s.Put(t.Context(), "a", []byte("b")); err != nil {
			t.Fatal(err)
		}
		if keys, err := s.List(t.Context(), ""); err != nil || len(keys) != 1 {
			t.Errorf("%q, %v", keys, err)
		}
	})
	t.Run("prefixes", func(t *testing.T) {
		s := open(t, "s3://states/other?region=us-east-1&use_path_style=true&"+here)
		if err := s.Put(t.Context(), "a", []byte("b")); err != nil {
			t.Fatal(err)
		}
		for url, want := range map[string]bool{"s3://states/othe": false, "s3://states": true} {
			files, err := open(t, url+"?region=us-east-1&use_path_style=true&"+here).GetMany(t.Context(), "")
			if _, there := files["other/a"]; err != nil || there != want || files["a"] != nil {
				t.Errorf("%s: %v, %v", url, files, err)
			}
		}
	})
	t.Run("many", func(t *testing.T) {
		s := open(t, "s3://states/many?region=us-east-1&use_path_style=true&"+here)
		fill(t, s, 1100) // more than one page of the list
		start := time.Now()
		files, err := s.GetMany(t.Context(), "records/staging/")
		if err != nil || len(files) != 1100 {
			t.Errorf("%d files, %v", len(files), err)
		}
		t.Logf("1100 records read in %v", time.Since(start))
	})
	t.Run("large", func(t *testing.T) {
		s := open(t, "s3://states/large?region=us-east-1&use_path_style=true&"+here)
		state := bytes.Repeat([]byte("0123456789abcdef"), 20<<20/16)
		if err := s.Put(t.Context(), "rescued/unit/1.tfstate", state); err != nil {
			t.Fatal(err)
		}
		if err := s.PutNew(t.Context(), "rescued/unit/1.tfstate", state); !errors.Is(err, fs.ErrExist) {
			t.Errorf("PutNew over it: %v", err)
		}
		if got, err := s.Get(t.Context(), "rescued/unit/1.tfstate"); err != nil || !bytes.Equal(got, state) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
	t.Run("no bucket", func(t *testing.T) {
		s := open(t, "s3://nowhere/strata?region=us-east-1&use_path_style=true&"+here)
		_, get := s.Get(t.Context(), "records/a")
		_, list := s.List(t.Context(), "records/")
		for _, err := range []error{get, list, s.Put(t.Context(), "records/a", nil)} {
			if !errors.Is(err, ErrNoBucket) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v", err)
				continue
			}
			for _, part := range []string{"s3://nowhere/strata", "records/", "nowhere does not exist", "`store: {url: …}`"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v does not say %s", err, part)
				}
			}
		}
	})
}

// answer is a server that answers everything with one error.
func answer(t *testing.T, status int, code string) *Store {
	t.Helper()
	testCredentials(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		if code != "" && r.Method != http.MethodHead {
			_, _ = w.Write([]byte("<Error><Code>" + code + "</Code><Message>no</Message></Error>"))
		}
	}))
	t.Cleanup(server.Close)
	return open(t, "s3://states/strata?region=eu-west-1&use_path_style=true&endpoint="+url.QueryEscape(server.URL))
}

func TestS3Failures(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
		kind   error
		want   []string
	}{
		{403, "AccessDenied", fs.ErrPermission, []string{"S3 says AccessDenied", "s3:PutObject", "bucket states"}},
		{403, "ExpiredToken", nil, []string{"sign in again"}},
		{403, "InvalidAccessKeyId", nil, []string{"sign in again"}},
		{301, "PermanentRedirect", nil, []string{"another region than eu-west-1"}},
		{400, "AuthorizationHeaderMalformed", nil, []string{"another region than eu-west-1"}},
		{404, "NoSuchKey", fs.ErrNotExist, nil},
		{412, "PreconditionFailed", fs.ErrExist, nil},
		{409, "ConditionalRequestConflict", fs.ErrExist, nil},
		{400, "InvalidRequest", nil, []string{"S3 says InvalidRequest"}},
	} {
		s := answer(t, test.status, test.code)
		_, err := s.Get(t.Context(), "records/staging/a.json")
		if err == nil || test.kind != nil && !errors.Is(err, test.kind) {
			t.Errorf("%s: %v", test.code, err)
			continue
		}
		for _, kind := range []error{fs.ErrNotExist, fs.ErrExist} {
			if kind != test.kind && errors.Is(err, kind) {
				t.Errorf("%s is taken for %v", test.code, kind)
			}
		}
		for _, part := range append(test.want, s.String(), "records/staging/a.json") {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v does not say %s", test.code, err, part)
			}
		}
		if put := s.Put(t.Context(), "records/staging/a.json", nil); put == nil {
			t.Errorf("%s: Put succeeds", test.code)
		}
	}
}

func TestS3NoCredentials(t *testing.T) {
	s := answer(t, 200, "")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	s = open(t, s.String())
	_, err := s.Get(t.Context(), "records/a")
	if err == nil || !strings.Contains(err.Error(), "set AWS_PROFILE") {
		t.Errorf("got %v", err)
	}
	if _, err := s.List(t.Context(), "records/"); err == nil || !strings.Contains(err.Error(), "set AWS_PROFILE") {
		t.Errorf("got %v", err)
	}
}

func TestS3Unreachable(t *testing.T) {
	testCredentials(t)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s := open(t, "s3://states/strata?region=eu-west-1&use_path_style=true&endpoint=http://127.0.0.1:1")
	_, err := s.Get(ctx, "records/a")
	if err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("got %v", err)
	}
}
