package store

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// around is a process whose S3 server is called aws, and is reached under
// another name from here.
type around struct {
	*httptest.Server
	variables, files map[string]string

	mu      sync.Mutex
	signers []string // whose keys the requests were signed with
	sts     []string // what was asked of the token service
	hosts   []string // as the requests name it
}

func newAround(t *testing.T, start func(http.Handler) *httptest.Server) *around {
	t.Helper()
	testCredentials(t) // of this process: none that may be used
	t.Setenv("AWS_ACCESS_KEY_ID", "this-process-has-others")
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	a := &around{files: map[string]string{}}
	a.Server = start(a)
	t.Cleanup(a.Close)
	a.variables = map[string]string{
		"AWS_ACCESS_KEY_ID": "theirs", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1",
		"AWS_ENDPOINT_URL": "http://aws:" + a.port(),
	}
	return a
}

func (a *around) port() string {
	_, port, _ := net.SplitHostPort(a.Listener.Addr().String())
	return port
}

func (a *around) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.Method == http.MethodPost { // the token service
		body := r.FormValue("Action") + " " + r.FormValue("RoleArn") + " " + r.FormValue("WebIdentityToken")
		a.sts = append(a.sts, strings.TrimSpace(body))
		fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>of-the-role</AccessKeyId>`+
			`<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, r.FormValue("Action"))
		return
	}
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	signer, _, _ := strings.Cut(rest, "/")
	a.signers, a.hosts = append(a.signers, signer), append(a.hosts, r.Host)
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprint(w, `<ListBucketResult><Name>states</Name><KeyCount>1</KeyCount><Contents><Key>strata/records/one.json</Key><Size>1</Size><LastModified>2025-01-01T00:00:00Z</LastModified></Contents></ListBucketResult>`)
}

func (a *around) surroundings() *Surroundings {
	return &Surroundings{
		Getenv: func(name string) string { return a.variables[name] },
		ReadFile: func(name string) ([]byte, error) {
			if text, ok := a.files[name]; ok {
				return []byte(text), nil
			}
			return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		},
		Host:   func(_ context.Context, host string) (string, bool, error) { return "127.0.0.1", host == "aws", nil },
		Advice: "give the keys",
	}
}

// list asks for the store's keys, and returns who asked.
func (a *around) list(t *testing.T, query string) (signer string, err error) {
	t.Helper()
	s, err := OpenIn(t.Context(), "s3://states/strata?use_path_style=true"+query, a.surroundings())
	if err != nil {
		return "", err
	}
	keys, err := s.List(t.Context(), "records/")
	if err != nil {
		return "", err
	}
	if strings.Join(keys, " ") != "records/one.json" {
		t.Errorf("keys %q", keys)
	}
	return a.signers[len(a.signers)-1], nil
}

func TestAStoreIsOpenedWithWhatItsSurroundingsGive(t *testing.T) {
	const profiles = "[profile work]\nregion = eu-west-1\n"
	const keys = "[work]\naws_access_key_id = of-the-profile\naws_secret_access_key = s\n[default]\naws_access_key_id = of-the-default\naws_secret_access_key = s\n"
	for name, test := range map[string]struct {
		query     string
		variables map[string]string // "-" unsets one
		files     map[string]string
		signer    string
		sts       string
		fails     string
	}{
		"keys":                        {signer: "theirs"},
		"an endpoint of S3 alone":     {variables: map[string]string{"AWS_ENDPOINT_URL_S3": "same", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, signer: "theirs"},
		"an endpoint in the URL":      {query: "endpoint", variables: map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, signer: "theirs"},
		"a region in the URL":         {query: "&region=us-east-1", variables: map[string]string{"AWS_REGION": "-"}, signer: "theirs"},
		"no region":                   {variables: map[string]string{"AWS_REGION": "-"}, fails: "the bucket's region is not known"},
		"a role":                      {query: "&role_arn=arn:aws:iam::123456789012:role/deploy", signer: "of-the-role", sts: "AssumeRole arn:aws:iam::123456789012:role/deploy"},
		"keys before a profile":       {variables: map[string]string{"AWS_PROFILE": "work"}, signer: "theirs"},
		"a profile without its files": {query: "&profile=work", fails: "the AWS profile work is in no file that is given: give the keys"},
		"a profile that is set, without its files": {
			variables: map[string]string{"AWS_PROFILE": "work", "AWS_ACCESS_KEY_ID": "-"}, fails: "the AWS profile work is in no file that is given: give the keys",
		},
		"a profile in the URL": {query: "&profile=work", files: map[string]string{"/root/.aws/config": profiles, "/root/.aws/credentials": keys}, signer: "of-the-profile"},
		"a profile in a file that is named": {
			variables: map[string]string{"AWS_PROFILE": "work", "AWS_ACCESS_KEY_ID": "-", "AWS_SHARED_CREDENTIALS_FILE": "/run/keys"},
			files:     map[string]string{"/run/keys": keys}, signer: "of-the-profile",
		},
		"the default profile": {variables: map[string]string{"AWS_ACCESS_KEY_ID": "-"}, files: map[string]string{"/root/.aws/credentials": keys}, signer: "of-the-default"},
		"a web identity": {
			variables: map[string]string{"AWS_ACCESS_KEY_ID": "-", "AWS_WEB_IDENTITY_TOKEN_FILE": "/run/token", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/ci"},
			files:     map[string]string{"/run/token": "the-token\n"}, signer: "of-the-role", sts: "AssumeRoleWithWebIdentity arn:aws:iam::123456789012:role/ci the-token",
		},
		"a web identity without its file": {
			variables: map[string]string{"AWS_ACCESS_KEY_ID": "-", "AWS_WEB_IDENTITY_TOKEN_FILE": "/run/token", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/ci"},
			fails:     "no AWS credentials that work: give the keys",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAround(t, httptest.NewServer)
			if test.query == "endpoint" {
				test.query = "&endpoint=" + a.variables["AWS_ENDPOINT_URL"]
			}
			server := a.variables["AWS_ENDPOINT_URL"]
			for name, value := range test.variables {
				if value == "same" {
					value = server
				}
				if a.variables[name] = strings.TrimSuffix(value, "-"); value == "-" {
					t.Setenv(name, "")
				}
			}
			if test.files != nil {
				a.files = test.files
			}
			signer, err := a.list(t, test.query)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Fatalf("%v, not %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if signer != test.signer || strings.Join(a.sts, "; ") != test.sts {
				t.Errorf("signed by %q, token service %q", signer, a.sts)
			}
			if a.hosts[0] != "aws:"+a.port() {
				t.Errorf("the server is called %q", a.hosts[0])
			}
			// What profiles were read from is gone.
			if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "strata-*", "credentials")); len(left) > 0 {
				t.Errorf("%q are left", left)
			}
		})
	}
}

func TestAStoreTrustsTheCertificatesThatAreGiven(t *testing.T) {
	a := newAround(t, httptest.NewUnstartedServer)
	a.Config.ErrorLog = log.New(io.Discard, "", 0)
	a.StartTLS()
	a.variables["AWS_ENDPOINT_URL"] = "https://aws:" + a.port()
	if _, err := a.list(t, ""); err == nil {
		t.Error("a certificate that nobody gave is trusted")
	}
	a.variables["AWS_CA_BUNDLE"] = "/run/ca.pem"
	if _, err := a.list(t, ""); err == nil || !strings.Contains(err.Error(), "AWS_CA_BUNDLE: /run/ca.pem") {
		t.Errorf("%v", err)
	}
	a.files["/run/ca.pem"] = "no certificate"
	if _, err := a.list(t, ""); err == nil || !strings.Contains(err.Error(), "holds no certificate") {
		t.Errorf("%v", err)
	}
	a.files["/run/ca.pem"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw}))
	// The certificate is for example.com, and the server is called aws.
	if _, err := a.list(t, ""); err == nil || !strings.Contains(err.Error(), "certificate is valid for") {
		t.Errorf("%v", err)
	}
}
