package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// dialing is a client whose connections fail so.
func dialing(err error) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, err
	}}}
}

func TestUnreachable(t *testing.T) {
	const host = "h00ks.internal.example"
	secure := httptest.NewUnstartedServer(answer(200, "ok"))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	trusting := secure.Client() // knows the certificate, which is for example.com and 127.0.0.1
	strict := httptest.NewUnstartedServer(answer(200, "ok"))
	strict.Config.ErrorLog = log.New(io.Discard, "", 0)
	strict.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	strict.StartTLS()
	defer strict.Close()
	old := strict.Client().Transport.(*http.Transport).Clone()
	old.TLSClientConfig.MaxVersion = tls.VersionTLS12
	clear := serve(t, answer(200, "ok"))
	closed := httptest.NewServer(nil)
	closed.Close()

	for _, c := range []struct {
		name   string
		url    string
		client *http.Client
		tries  int
		want   string
	}{
		{"no such name", "https://" + host, dialing(&net.DNSError{Err: "no such host", Name: host, IsNotFound: true}), 1,
			"the name in its URL cannot be resolved: check the secret"},
		{"no DNS", "https://" + host, dialing(&net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}), 4, "could not be looked up (tried 4 times)"},
		{"refused", closed.URL, nil, 4, "the connection was refused (tried 4 times)"},
		{"dial timeout", "https://" + host, dialing(&net.OpError{Op: "dial", Err: timeout{}}), 4, "no answer within"},
		{"unknown authority", secure.URL, nil, 1, "TLS: the server's certificate is of an authority that this machine does not know"},
		{"another name", strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), trusting, 1, "TLS: the server's certificate is for another name"},
		{"old TLS", strict.URL, &http.Client{Transport: old}, 1, "the server refused: tls: protocol version not supported"},
		{"no TLS", strings.Replace(clear.URL, "http://", "https://", 1), nil, 1, "TLS: what answers does not speak it"},
		{"bad proxy", "https://" + host, &http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
			return nil, errors.New(`invalid proxy address "user:pr0xy@` + host + `"`)
		}}}, 1, "the proxy in the environment"},
		{"unknown", "https://" + host, dialing(errors.New("odd: https://" + host + secret + " and " + strings.ToUpper(key))), 4, "no connection: odd: […] and […]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var waited pauses
			target := Target{Webhook, c.url + secret, key}
			err := Sender{Client: c.client, Wait: waited.wait}.Send(t.Context(), target, ordinary())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Send says: %v", err)
			}
			noSecret(t, target, err.Error())
			if strings.Contains(err.Error(), "pr0xy") {
				t.Error(err)
			}
			if len(waited) != c.tries-1 {
				t.Errorf("waited %v", waited)
			}
			var outer *url.Error
			if errors.As(err, &outer) {
				t.Errorf("the error holds one with the URL: %v", outer)
			}
		})
	}
}

type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// TestScrub has servers that repeat what they were asked.
func TestScrub(t *testing.T) {
	s := serve(t, answer(200, ""))
	target := s.target(Webhook)
	host := strings.TrimPrefix(s.URL, "http://")
	for _, said := range []string{
		"no route for " + target.URL,
		"no route for " + secret,
		"no route for " + host + secret,
		"no route for " + strings.ToUpper(target.URL),
		"no route for " + url.QueryEscape(target.URL),
		"no route for " + strings.ReplaceAll(target.URL, "/", `\/`),
		"no route for " + strings.ReplaceAll(secret, "&", "&amp;"),
		"no token s3cr3ts3cr3t of B0SECRET0",
		"bad signature qU3ry-s3cr3t+x",
		"bad signature qU3ry-s3cr3t%2Bx",
		"bad key " + key,
		"bad key k3y-of-\x1b[31mthe-webhook",
		strings.Repeat("x", 190) + " s3cr3ts3cr3t",
		"a line\n" + target.URL,
		strings.Repeat(target.URL, 300),
	} {
		err := refused(target, &http.Response{StatusCode: 403, Header: http.Header{}}, []byte(said))
		if err == nil {
			t.Fatal("403 is success")
		}
		noSecret(t, target, err.said)
		if len(err.said) > 300 || strings.ContainsAny(err.said, "\n\x1b") {
			t.Errorf("%d bytes: %q", len(err.said), err.said)
		}
	}
	within := Target{Webhook, "https://example.com/t0ken00/t0ken00rest", ""} // one part begins another
	if said := scrub(within, "bad t0ken00rest and t0ken00"); said != "bad […] and […]" {
		t.Error(said)
	}
	said := refused(target, &http.Response{StatusCode: 403, Header: http.Header{}}, []byte("not you\nsecond")).said
	if said != "the server said 403 Forbidden: not you" {
		t.Error(said)
	}
}

func TestEcho(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, "Cannot POST http://"+r.Host+r.RequestURI+" signed "+r.Header.Get("X-Strata-Signature"))
	})
	err := Sender{}.Send(t.Context(), s.target(Webhook), ordinary())
	if err == nil || !strings.Contains(err.Error(), "404 Not Found: Cannot POST […]") {
		t.Fatal(err)
	}
	noSecret(t, s.target(Webhook), err.Error())
}

func TestAdvice(t *testing.T) {
	for _, c := range []struct {
		kind string
		code int
		text string
		want string
	}{
		{Slack, 404, "no_service", "removed"},
		{Slack, 403, "invalid_token", "not whole"},
		{Slack, 403, "action_prohibited", "admins"},
		{Slack, 410, "channel_is_archived", "archived"},
		{Slack, 404, "no_team", "workspace"},
		{Slack, 400, "invalid_blocks", "fault of Strata"},
		{Slack, 401, "", "does not take the URL"},
		{Slack, 403, "odd", "does not take the URL"},
		{Slack, 404, "odd", "gone"},
		{Slack, 429, "rate_limited", "too much"},
		{Slack, 503, "", "slack-status.com"},
		{Teams, 401, "", "let anyone trigger it"},
		{Teams, 403, "", "let anyone trigger it"},
		{Teams, 404, "", "the workflow was removed"},
		{Teams, 400, "", "switched off"},
		{Teams, 429, "", "limit"},
		{Teams, 502, "", "run history"},
		{Teams, 413, "", "size"},
		{Webhook, 401, "", "URL and key"},
		{Webhook, 404, "", "nothing takes messages"},
		{Webhook, 405, "", "nothing takes messages"},
		{Webhook, 413, "", "size"},
		{Webhook, 301, "", "sends on to elsewhere"},
		{Webhook, 500, "", "its log"},
		{Webhook, 418, "", "expects"},
	} {
		if got := advice(c.kind, c.code, c.text); !strings.Contains(got, c.want) {
			t.Errorf("%s %d %q: %s", c.kind, c.code, c.text, got)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Now().UTC()
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, c := range []struct {
		value, date string
		least, most time.Duration
	}{
		{"", "", 0, 0},
		{"0", "", 0, 0},
		{"-5", "", 0, 0},
		{"30", "", 30 * time.Second, 30 * time.Second},
		{"99999999", "", 24 * time.Hour, 24 * time.Hour},
		{"99999999999999999999999", "", 0, 0},
		{date(30 * time.Second), "", 27 * time.Second, 31 * time.Second},
		{date(time.Hour), date(time.Hour - 9*time.Second), 9 * time.Second, 9 * time.Second},
		{date(-time.Hour), "", 0, 0},
		{date(1000 * time.Hour), "", 24 * time.Hour, 24 * time.Hour},
	} {
		h := http.Header{}
		h.Set("Retry-After", c.value)
		h.Set("Date", c.date)
		if got := retryAfter(h); got < c.least || got > c.most {
			t.Errorf("%q at %q is %s", c.value, c.date, got)
		}
	}
}
