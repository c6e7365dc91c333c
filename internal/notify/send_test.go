package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hang answers when the test has seen enough.
func hang(t *testing.T) http.HandlerFunc {
	t.Helper()
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	return func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-end:
		case <-r.Context().Done():
		}
	}
}

// drop closes the connection without an answer.
func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cut closes the connection within the answer's body.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	w.WriteHeader(http.StatusOK)
	io.WriteString(w, "o")
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func TestTries(t *testing.T) {
	byDate := func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Add(-time.Hour) // by the server's clock
		answer(429, "", "Date", now.UTC().Format(http.TimeFormat), "Retry-After", now.Add(20*time.Second).UTC().Format(http.TimeFormat))(w, r)
	}
	ok := answer(200, "ok")
	for _, c := range []struct {
		name   string
		kind   string
		server []http.HandlerFunc
		tries  int
		pauses []time.Duration // about
		want   string          // in the error; "" for none
	}{
		{"ok", Slack, []http.HandlerFunc{ok}, 1, nil, ""},
		{"ok and a line end", Slack, []http.HandlerFunc{answer(200, "ok\n")}, 1, nil, ""},
		{"no ok", Slack, []http.HandlerFunc{answer(200, "<html>Log in")}, 1, nil, "200 OK: <html>Log in: Slack says ok"},
		{"nothing", Slack, []http.HandlerFunc{answer(204, "")}, 1, nil, "204 No Content"},
		{"accepted by Teams", Teams, []http.HandlerFunc{answer(202, "")}, 1, nil, ""},
		{"ok of Teams", Teams, []http.HandlerFunc{answer(200, "1")}, 1, nil, ""},
		{"other of Teams", Teams, []http.HandlerFunc{answer(204, "")}, 1, nil, "204 No Content"},
		{"no content", Webhook, []http.HandlerFunc{answer(204, "")}, 1, nil, ""},
		{"a body that ends early", Webhook, []http.HandlerFunc{cut}, 1, nil, ""},
		{"an ok that ends early", Slack, []http.HandlerFunc{cut, ok}, 2, []time.Duration{time.Second}, ""},
		{"429 with seconds", Slack, []http.HandlerFunc{answer(429, "rate_limited", "Retry-After", "7"), ok}, 2, []time.Duration{7 * time.Second}, ""},
		{"429 with a date", Teams, []http.HandlerFunc{byDate, answer(202, "")}, 2, []time.Duration{20 * time.Second}, ""},
		{"429 with nothing", Webhook, []http.HandlerFunc{answer(429, ""), ok}, 2, []time.Duration{time.Second}, ""},
		{"429 with nonsense", Webhook, []http.HandlerFunc{answer(429, "", "Retry-After", "soon"), ok}, 2, []time.Duration{time.Second}, ""},
		{"429 for too long", Slack, []http.HandlerFunc{answer(429, "rate_limited", "Retry-After", "3600"), ok}, 1, nil,
			"429 Too Many Requests: rate_limited, and to come back after 1h0m0s: too much is sent there"},
		{"429 always", Slack, []http.HandlerFunc{answer(429, "rate_limited", "Retry-After", "1")}, 4,
			[]time.Duration{time.Second, time.Second, time.Second}, "tried 4 times"},
		{"500 thrice", Slack, []http.HandlerFunc{answer(500, "rollup_error"), answer(502, ""), answer(503, ""), ok}, 4,
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, ""},
		{"500 always", Slack, []http.HandlerFunc{answer(500, "rollup_error")}, 4,
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, "500 Internal Server Error: rollup_error (tried 4 times): the fault is Slack's"},
		{"503 with seconds", Webhook, []http.HandlerFunc{answer(503, "", "Retry-After", "5"), ok}, 2, []time.Duration{5 * time.Second}, ""},
		{"dropped once", Webhook, []http.HandlerFunc{drop, ok}, 2, []time.Duration{time.Second}, ""},
		{"dropped always", Webhook, []http.HandlerFunc{drop}, 4,
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, "the connection was dropped (tried 4 times)"},
		{"silent once", Teams, []http.HandlerFunc{hang(t), answer(202, "")}, 2, []time.Duration{time.Second}, ""},
		{"silent always", Teams, []http.HandlerFunc{hang(t)}, 4,
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, "no answer within 1s (tried 4 times)"},
		{"no_service", Slack, []http.HandlerFunc{answer(404, "no_service")}, 1, nil,
			"the message to Slack was not sent: the server said 404 Not Found: no_service: the webhook was removed, " +
				"or switched off with its app: make another one and set the secret to its URL"},
		{"400", Webhook, []http.HandlerFunc{answer(400, "no")}, 1, nil, "400 Bad Request: no: look at what the server expects"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, c.server...)
			var waited pauses
			target := s.target(c.kind)
			sender := Sender{Wait: waited.wait, Timeout: 10 * time.Second}
			if strings.HasPrefix(c.name, "silent") {
				sender.Timeout = time.Second
			}
			err := sender.Send(t.Context(), target, ordinary())
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("Send says: %v", err)
			}
			if err != nil {
				noSecret(t, target, err.Error())
			}
			seen := s.requests()
			if len(seen) != c.tries {
				t.Errorf("%d requests", len(seen))
			}
			for _, r := range seen {
				if string(r.body) != string(seen[0].body) || r.header.Get("X-Strata-Delivery") != seen[0].header.Get("X-Strata-Delivery") {
					t.Error("another try sends something else")
				}
			}
			if len(waited) != len(c.pauses) {
				t.Fatalf("waited %v", waited)
			}
			for i, about := range c.pauses {
				least, most := about/2, about*3/2
				if strings.Contains(c.name, "seconds") || strings.Contains(c.name, "date") {
					least, most = about, about+time.Second // never earlier than asked
				}
				if waited[i] < least || waited[i] >= most {
					t.Errorf("waited %s, not about %s", waited[i], about)
				}
			}
		})
	}
}

func TestRedirects(t *testing.T) {
	elsewhere := serve(t, answer(200, "ok"))
	for _, c := range []struct {
		name   string
		server []http.HandlerFunc
		tries  int
		want   string
	}{
		{"another host", []http.HandlerFunc{answer(307, "", "Location", elsewhere.URL+secret)}, 1, "307 Temporary Redirect"},
		{"another host, as GET", []http.HandlerFunc{answer(302, "", "Location", elsewhere.URL+secret)}, 1, "302 Found"},
		{"the same host", []http.HandlerFunc{answer(308, "", "Location", "/other"), answer(200, "ok")}, 2, ""},
		{"the same host, as GET", []http.HandlerFunc{answer(303, "", "Location", "/other"), answer(200, "ok")}, 1, "303 See Other"},
		{"round in circles", []http.HandlerFunc{answer(307, "", "Location", "/other")}, 4, "307 Temporary Redirect"},
	} {
		for name, client := range map[string]*http.Client{"own": nil, "given": {}} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				s := serve(t, c.server...)
				var waited pauses
				err := Sender{Client: client, Wait: waited.wait}.Send(t.Context(), s.target(Webhook), ordinary())
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want+": the server sends on to elsewhere") {
					t.Errorf("Send says: %v", err)
				}
				if err != nil {
					noSecret(t, s.target(Webhook), err.Error())
					noSecret(t, elsewhere.target(Webhook), err.Error())
				}
				seen := s.requests()
				if len(seen) != c.tries || len(waited) > 0 {
					t.Errorf("%d requests, waited %v", len(seen), waited)
				}
				for _, r := range seen {
					if r.method != http.MethodPost || len(r.body) == 0 {
						t.Errorf("%s of %d bytes", r.method, len(r.body))
					}
				}
			})
		}
	}
	if n := len(elsewhere.requests()); n > 0 {
		t.Errorf("the other host was asked %d times", n)
	}
}

// TestTotal gives up in time, and does not wait for what is later.
func TestTotal(t *testing.T) {
	s := serve(t, hang(t))
	began := time.Now()
	err := Sender{Timeout: time.Minute, Total: 200 * time.Millisecond}.Send(t.Context(), s.target(Webhook), ordinary())
	if err == nil || !strings.Contains(err.Error(), "no answer within ") || strings.Contains(err.Error(), "within 1m") {
		t.Errorf("Send says: %v", err)
	}
	if d := time.Since(began); d > 10*time.Second || len(s.requests()) > 1 {
		t.Errorf("%d requests in %s", len(s.requests()), d)
	}
}

func TestTimer(t *testing.T) {
	s := serve(t, answer(503, ""), answer(200, "ok"))
	began := time.Now()
	if err := (Sender{}).Send(t.Context(), s.target(Webhook), ordinary()); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d < 500*time.Millisecond {
		t.Errorf("did not wait: %s", d)
	}
}

func TestInterrupted(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{"while it asks": hang(t), "while it waits": answer(503, "", "Retry-After", "30")} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				time.AfterFunc(100*time.Millisecond, cancel)
				handler(w, r)
			})
			began := time.Now()
			err := Sender{}.Send(ctx, s.target(Webhook), ordinary())
			if !errors.Is(err, context.Canceled) || strings.HasPrefix(name, "while it asks") &&
				err.Error() != "the message to the webhook was not sent: context canceled" {
				t.Errorf("Send says: %v", err)
			} else {
				noSecret(t, s.target(Webhook), err.Error())
			}
			if d := time.Since(began); d > 5*time.Second || len(s.requests()) != 1 {
				t.Errorf("%d requests in %s", len(s.requests()), d)
			}
		})
	}
}

// TestSignature checks what a receiver checks, as sign's comment says.
func TestSignature(t *testing.T) {
	got := post(t, Webhook, ordinary())
	timestamp := got.header.Get("X-Strata-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > time.Minute {
		t.Errorf("timestamp %q", timestamp)
	}
	verify := func(key, timestamp string, body []byte) bool {
		signature, hexed := strings.CutPrefix(got.header.Get("X-Strata-Signature"), "sha256=")
		given, err := hex.DecodeString(signature)
		if !hexed || err != nil {
			return false
		}
		mac := hmac.New(sha256.New, []byte(key))
		io.WriteString(mac, timestamp+".")
		mac.Write(body)
		return hmac.Equal(mac.Sum(nil), given)
	}
	other := append([]byte(nil), got.body...)
	other[10]++
	if !verify(key, timestamp, got.body) || verify(key, timestamp, other) ||
		verify("another", timestamp, got.body) || verify(key, timestamp+"0", got.body) {
		t.Errorf("signature %q", got.header.Get("X-Strata-Signature"))
	}
	if e, d := got.header.Get("X-Strata-Event"), got.header.Get("X-Strata-Delivery"); e != "failed" || d != "20260304-050607-abcdef.failed" {
		t.Errorf("event %q, delivery %q", e, d)
	}
	// printf '%s.%s' 1700000000 '{"a":1}' | openssl dgst -sha256 -hmac key
	const want = "sha256=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03"
	if got := sign("key", "1700000000", []byte(`{"a":1}`)); got != want {
		t.Errorf("sign makes %s", got)
	}
}

// TestHeaders sends none of Strata's own to vendors, no signature without a key
// and nothing that a header may not hold.
func TestHeaders(t *testing.T) {
	for _, kind := range []string{Slack, Teams} {
		for name := range post(t, kind, ordinary()).header {
			if strings.HasPrefix(name, "X-Strata") {
				t.Errorf("%s gets %s", kind, name)
			}
		}
	}
	s := serve(t, answer(200, ""))
	target := s.target(Webhook)
	target.Key = ""
	m := ordinary()
	m.Run, m.Event = "r\r\nX-Evil: 1", strings.Repeat("ü", 500)
	if err := (Sender{}).Send(t.Context(), target, m); err != nil {
		t.Fatal(err)
	}
	h := s.requests()[0].header
	if _, ok := h["X-Strata-Signature"]; ok || h.Get("X-Evil") != "" || h.Get("User-Agent") != "strata" {
		t.Errorf("%v", h)
	}
	if d := h.Get("X-Strata-Delivery"); !strings.HasPrefix(d, "r--X-Evil:-1.---") || len(d) > 200 {
		t.Errorf("delivery %q", d)
	}
}
