package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares JSON, indented, with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-golden +got; -update writes it anew):\n%s", name, diff)
	}
}

// secret is the path and query that a server of tests is asked for.
const secret = "/services/T0SECRET0/B0SECRET0/s3cr3ts3cr3t?sig=qU3ry-s3cr3t%2Bx"

// key signs what a webhook gets.
const key = "k3y-of-the-webhook"

// request is what a server got.
type request struct {
	method string
	header http.Header
	body   []byte
}

// server keeps what it gets, and answers with one handler after another; the
// last one answers all that follow.
type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []request
}

func serve(t *testing.T, handlers ...http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(s.handler(handlers))
	t.Cleanup(s.Close)
	return s
}

func (s *server) handler(handlers []http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen = append(s.seen, request{r.Method, r.Header.Clone(), body})
		n := min(len(s.seen), len(handlers)) - 1
		s.mu.Unlock()
		handlers[n](w, r)
	})
}

func (s *server) target(kind string) Target {
	return Target{Kind: kind, URL: s.URL + secret, Key: key}
}

func (s *server) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// answer answers with a status and a body.
func answer(code int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// pauses stands in for the timer.
type pauses []time.Duration

func (p *pauses) wait(_ context.Context, d time.Duration) error {
	*p = append(*p, d)
	return nil
}

// post sends one message to a server that takes it, and returns what it got.
func post(t *testing.T, kind string, m Message) request {
	t.Helper()
	s := serve(t, answer(http.StatusOK, "ok"))
	if err := (Sender{Version: "1.2.3"}).Send(t.Context(), s.target(kind), m); err != nil {
		t.Fatal(err)
	}
	seen := s.requests()
	if len(seen) != 1 {
		t.Fatalf("%d requests", len(seen))
	}
	return seen[0]
}

// noSecret fails where a text holds what no error may hold.
func noSecret(t *testing.T, target Target, text string) {
	t.Helper()
	_, rest, _ := strings.Cut(target.URL, "://")
	host, _, _ := strings.Cut(rest, "/")
	for _, part := range []string{
		target.URL, host, target.Key, "T0SECRET0", "B0SECRET0", "s3cr3ts3cr3t", "qU3ry-s3cr3t",
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(part)) {
			t.Errorf("%q is in %q", part, text)
		}
	}
}

func ordinary() Message {
	return Message{
		Event: "failed", Title: "Deploy to prod failed: 2 of 14 units", Environment: "prod", Verb: "deploy",
		Run: "20260304-050607-abcdef", Commit: "0123456789abcdef0123456789abcdef01234567", Who: "Ada Example",
		Link:  "https://ci.example.com/jobs/4711?a=1&b=2",
		Facts: []Fact{{"Units", "14: 11 applied, 2 failed, 1 not run"}, {"Duration", "12m 3s"}},
		Items: []Item{
			{"eks@eu-central-1:prod", "failed", "Error: creating EKS Cluster (main_1): AccessDenied"},
			{"network@eu-west-1:prod", "failed", "the apply was cut off\nafter 30m"},
			{"apps[blue]@eu-central-1:prod", "not run", "needs eks@eu-central-1:prod"},
		},
		Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		Data: map[string]any{"schema": "strata.run/v1", "id": "20260304-050607-abcdef", "result": "failed"},
	}
}
