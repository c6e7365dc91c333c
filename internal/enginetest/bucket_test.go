//go:build engine

package enginetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// bucketServer is an S3 server behind a proxy that remembers the requests and
// can refuse some of them.
type bucketServer struct {
	port   int // the proxy's, on the loopback address
	server *url.URL
	moto   bool // the server has AWS's other services too
	stop   func()

	mu       sync.Mutex
	requests []string
	refuse   func(*http.Request) *refusal
}

// refusal is an S3 error.
type refusal struct {
	status        int
	code, message string
}

// goodKey is the access key that the server knows; it takes any secret.
const goodKey = "engine-test-key"

// startBucketServer starts the moto_server on PATH, else a simple server of the
// tests' own.
func startBucketServer() (*bucketServer, error) {
	s := &bucketServer{server: &url.URL{Scheme: "http"}}
	stop, err := s.startMoto()
	if errors.Is(err, exec.ErrNotFound) {
		s.server.Host, stop, err = serve(&memoryServer{objects: make(map[string][]byte)})
	}
	if err != nil {
		return nil, fmt.Errorf("start an S3 server: %w", err)
	}
	address, stopProxy, err := serve(s.handler())
	if err != nil {
		stop()
		return nil, err
	}
	s.stop = func() { stopProxy(); stop() }
	_, port, _ := net.SplitHostPort(address)
	s.port, err = strconv.Atoi(port)
	return s, err
}

// serve serves on a free port of the loopback address.
func serve(handler http.Handler) (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), func() { _ = server.Close() }, nil
}

func (s *bucketServer) startMoto() (stop func(), err error) {
	binary, err := exec.LookPath("moto_server")
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.server.Host, s.moto = listener.Addr().String(), true
	_, port, _ := net.SplitHostPort(s.server.Host)
	if err := listener.Close(); err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "-H", "127.0.0.1", "-p", port)
	var words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &words, &words
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
		}
	}
	if err := s.await(ended); err != nil {
		stop()
		return nil, fmt.Errorf("%w\n%s", err, words.String())
	}
	return stop, nil
}

// await waits until the server answers.
func (s *bucketServer) await(ended <-chan error) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if response, err := http.Get(s.server.String() + "/moto-api/"); err == nil {
			return response.Body.Close()
		}
		select {
		case err := <-ended:
			return fmt.Errorf("it ended: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("it does not answer")
}

func (s *bucketServer) handler() http.Handler {
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(s.server); r.Out.Host = r.In.Host }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		refuse := s.refuse
		s.mu.Unlock()
		refused := wrongKey(r)
		if refused == nil && refuse != nil {
			refused = refuse(r)
		}
		if refused == nil {
			proxy.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		s3Error(w, refused.status, refused.code, refused.message)
	})
}

// wrongKey refuses what is signed with another key, as S3 does.
func wrongKey(r *http.Request) *refusal {
	if auth := r.Header.Get("Authorization"); auth != "" && !strings.Contains(auth, "Credential="+goodKey+"/") {
		return &refusal{http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."}
	}
	return nil
}

// refusing makes the server refuse what f says, until the test ends or allow is
// called.
func (s *bucketServer) refusing(t *testing.T, f func(*http.Request) *refusal) (allow func()) {
	set := func(f func(*http.Request) *refusal) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.refuse = f
	}
	set(f)
	allow = func() { set(nil) }
	t.Cleanup(allow)
	return allow
}

// count says how many requests there have been for an object.
func (s *bucketServer) count(bucket, key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, request := range s.requests {
		if strings.HasSuffix(request, " /"+bucket+"/"+key) {
			n++
		}
	}
	return n
}

// do sends one request past the proxy.
func (s *bucketServer) do(t testing.TB, method, path string, body []byte) (status int, answer []byte) {
	t.Helper()
	request, err := http.NewRequest(method, s.server.String()+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return s.send(t, request, "s3")
}

func (s *bucketServer) send(t testing.TB, request *http.Request, service string) (status int, answer []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// The server tells by it which service is meant, and checks no signature.
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+goodKey+"/20250101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request.WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// must is do for what has to go well.
func (s *bucketServer) must(t testing.TB, method, path string, body []byte) []byte {
	t.Helper()
	status, answer := s.do(t, method, path, body)
	if status >= 300 {
		t.Fatalf("%s %s: %d\n%s", method, path, status, answer)
	}
	return answer
}

func (s *bucketServer) object(t testing.TB, bucket, key string) (data []byte, there bool) {
	t.Helper()
	status, data := s.do(t, http.MethodGet, "/"+bucket+"/"+key, nil)
	return data, status == http.StatusOK
}

// resources lists what is in a unit's state.
func (s *bucketServer) resources(t testing.TB, bucket, key string) []string {
	t.Helper()
	data, there := s.object(t, bucket, key)
	if !there {
		return nil
	}
	var state struct {
		Resources []struct{ Type, Name string }
	}
	if err := json.Unmarshal(data, &state); err != nil {
		t.Fatalf("state %s: %v\n%s", key, err, data)
	}
	var names []string
	for _, r := range state.Resources {
		names = append(names, r.Type+"."+r.Name)
	}
	slices.Sort(names)
	return names
}
