//go:build unix

package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

const (
	hookKey    = "key-of-the-hook"
	hookToken  = "T0kenOfTheHook" // is in the path of every URL
	hookQuery  = "Qu3ryOfTheHook"
	unitSecret = `p4ss"word\of<a>unit`
)

// message is a request that a receiver got.
type message struct {
	kind   string
	header http.Header
	body   []byte
}

// receiver is what Slack, Teams and a webhook are, each at a URL of its own.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []message
	answer func(kind string, n int, w http.ResponseWriter, r *http.Request) // n counts what a kind got
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	rec := &receiver{}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		kind, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if err != nil || r.Method != http.MethodPost || r.URL.RequestURI() != "/"+kind+"/"+hookToken+"?sig="+hookQuery {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		rec.mu.Lock()
		rec.got = append(rec.got, message{kind, r.Header, body})
		n := 0
		for _, m := range rec.got {
			if m.kind == kind {
				n++
			}
		}
		answer := rec.answer
		rec.mu.Unlock()
		if answer != nil {
			answer(kind, n, w, r)
			return
		}
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(func() {
		rec.CloseClientConnections()
		rec.Close()
	})
	return rec
}

// url is a kind's.
func (rec *receiver) url(kind string) string {
	return rec.URL + "/" + kind + "/" + hookToken + "?sig=" + hookQuery
}

// takes returns what came since it was asked last.
func (rec *receiver) takes() []message {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	got := rec.got
	rec.got = nil
	return got
}

// secrets are the variables that hold URLs and key.
func (rec *receiver) secrets() []string {
	return []string{
		"STRATA_SECRET_SLACK_URL=" + rec.url(stack.Slack), "STRATA_SECRET_TEAMS_URL=" + rec.url(stack.Teams),
		"STRATA_SECRET_HOOK_URL=" + rec.url(stack.Webhook), "STRATA_SECRET_HOOK_KEY=" + hookKey,
	}
}

// hides says that nothing of a URL, nor the key, is in what a run has written
// anywhere.
func (rec *receiver) hides(p *process) {
	p.repo.t.Helper()
	texts, err := tree(filepath.Dir(p.repo.dir)) // logs, ledger, states, what is temporary
	if err != nil {
		p.repo.t.Fatal(err)
	}
	texts["standard output"], texts["standard error"] = p.stdout.String(), p.stderr.String()
	for name, text := range texts {
		for _, part := range []string{strings.TrimPrefix(rec.URL, "http://"), hookToken, hookQuery, hookKey} {
			if strings.Contains(text, part) {
				p.repo.t.Errorf("%s shows %s", name, part)
			}
		}
	}
}

// hook is what a webhook is told.
type hook struct {
	Schema, Event, Title, Environment, Verb, Commit, Who string

	RunID     string `json:"run_id"`
	Run       json.RawMessage
	Truncated bool
}

// received checks that a message came from who has the key, as a receiver does,
// and reads it.
func (m message) received(t *testing.T) (h hook) {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(hookKey))
	mac.Write([]byte(m.header.Get("X-Strata-Timestamp") + "."))
	mac.Write(m.body)
	if !hmac.Equal([]byte(m.header.Get("X-Strata-Signature")), []byte("sha256="+hex.EncodeToString(mac.Sum(nil)))) {
		t.Errorf("the signature is %q", m.header.Get("X-Strata-Signature"))
	}
	at, err := strconv.ParseInt(m.header.Get("X-Strata-Timestamp"), 10, 64)
	if age := time.Since(time.Unix(at, 0)); err != nil || age.Abs() > 5*time.Minute {
		t.Errorf("the time is %s off: %v", age, err)
	}
	if err := json.Unmarshal(m.body, &h); err != nil {
		t.Fatal(err)
	}
	if h.Schema != "strata.notification/v1" || h.Event != m.header.Get("X-Strata-Event") || h.Truncated {
		t.Errorf("it is of %s, event %s, header %s, truncated %t", h.Schema, h.Event, m.header.Get("X-Strata-Event"), h.Truncated)
	}
	return h
}

// tell says which messages a run must have sent, as "kind title", and returns
// them by kind.
func (rec *receiver) tell(p *process, want ...string) map[string]message {
	p.repo.t.Helper()
	byKind := make(map[string]message)
	var told []string
	for _, m := range rec.takes() {
		if i := slices.IndexFunc(want, func(w string) bool {
			kind, title, _ := strings.Cut(w, " ")
			return kind == m.kind && bytes.Contains(m.body, []byte(title))
		}); i >= 0 {
			told = append(told, want[i])
		} else {
			told = append(told, m.kind+" "+string(m.body))
		}
		byKind[m.kind] = m
		if !json.Valid(m.body) || m.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(m.header.Get("User-Agent"), "strata/") {
			p.repo.t.Errorf("%s got %s with %v", m.kind, m.body, m.header)
		}
		signed := m.header.Get("X-Strata-Signature") != ""
		if signed != (m.kind == stack.Webhook) {
			p.repo.t.Errorf("%s: signed is %t", m.kind, signed)
		}
		for _, form := range secretForms(unitSecret) {
			if bytes.Contains(m.body, []byte(form)) {
				p.repo.t.Errorf("%s is told the secret as %q: %s", m.kind, form, m.body)
			}
		}
	}
	slices.Sort(told) // they are told side by side
	slices.Sort(want)
	if !slices.Equal(told, want) {
		p.repo.t.Errorf("told\n%s\nnot\n%s\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"), p)
	}
	rec.hides(p)
	return byKind
}

// Who is told of what, and by which words.
func TestNotify(t *testing.T) {
	t.Parallel()
	needGit(t)
	mirror := needDisk(t)
	rec := newReceiver(t)
	things := filepath.Join(t.TempDir(), "things")
	files := map[string]string{
		".gitignore": ".strata\n.terraform\n*.tfstate*\n",
		"strata.yaml": `
layers: [{name: net, path: "net/{env}", secrets: [key]}]
environments: {production: {}, staging: {}, development: {}}
notify:
  slack: {url: slack_url}
  teams: {url: teams_url, events: {development: [drift-gone]}}
  webhook: {url: hook_url, key: hook_key, events: {development: [started, succeeded]}}
`,
	}
	for _, env := range []string{"production", "staging", "development"} {
		files["net/"+env+"/main.tf"] = diskProvider(things) + `
variable "key" {
  sensitive = true
}
resource "disk_thing" "a" {
  name   = "` + env + `"
  value  = "one"
  tags   = { of = nonsensitive(var.key) }
  secret = var.key
}
output "key" {
  value = nonsensitive(var.key)
}
`
	}
	r := newRepo(t, files)
	r.commit()
	r.env = append(append(r.env, rec.secrets()...), "STRATA_SECRET_KEY="+unitSecret, "STRATA_PROVIDER_MIRROR="+mirror, "USER=ada")
	run := func(code int, verb, env string, more ...string) *process {
		t.Helper()
		return r.start(append([]string{verb, "--env", env, "--format", "json"}, more...)...).exits(code)
	}
	id := func(env string) string { return "net@global:" + env }

	// Production tells all, in one message each.
	p := run(0, "deploy", "production")
	p.result(id("production"), report.Applied)
	got := rec.tell(p, "slack deploy of production: succeeded", "teams deploy of production: succeeded", "webhook deploy of production: succeeded")
	for kind, pattern := range map[string]string{
		stack.Slack: `^\{"text":"deploy of production: succeeded[^"]*","blocks":\[.*net@global:production`,
		stack.Teams: `^\{"type":"message","attachments":\[\{"contentType":"application/vnd.microsoft.card.adaptive".*net@global:production`,
	} {
		if !regexp.MustCompile(pattern).Match(got[kind].body) {
			t.Errorf("%s is told %s", kind, got[kind].body)
		}
	}
	// The webhook's run is the one that is reported.
	h := got[stack.Webhook].received(t)
	if h.Environment != "production" || h.Verb != "deploy" || h.Commit != r.git("rev-parse", "HEAD") || h.Who != "ada" || h.RunID != p.run().ID {
		t.Errorf("%+v", h)
	}
	sameRun := func(p *process, sent json.RawMessage) {
		t.Helper()
		if err := checkRunSchema(sent); err != nil {
			t.Error(err)
		}
		var told, reported any
		if err := errors.Join(json.Unmarshal(sent, &told), json.Unmarshal([]byte(p.stdout.String()), &reported)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(reported, told); diff != "" {
			t.Errorf("told is another run than reported:\n%s", diff)
		}
	}
	sameRun(p, h.Run)
	r.commit() // the lock files

	// Other environments tell of what failed alone, and a plan tells of nothing.
	rec.tell(run(0, "deploy", "staging"))
	rec.tell(run(0, "plan", "production", "--all"))
	main := files["net/staging/main.tf"]
	r.write("net/staging/main.tf", main+`
resource "disk_thing" "b" {
  name  = "b"
  value = "one"
  lifecycle {
    precondition {
      condition     = var.key == ""
      error_message = "not with ${nonsensitive(var.key)}"
    }
  }
}
`)
	p = run(1, "deploy", "staging")
	p.result(id("staging"), report.Failed)
	got = rec.tell(p, "slack deploy of staging: failed", "teams deploy of staging: failed", "webhook deploy of staging: failed")
	sameRun(p, got[stack.Webhook].received(t).Run)

	// A start is told where that is asked for, and once.
	p = run(0, "deploy", "development")
	rec.mu.Lock()
	both := slices.Clone(rec.got)
	rec.mu.Unlock()
	rec.tell(p, "webhook deploy of development: started", "webhook deploy of development: succeeded")
	if len(both) == 2 {
		started, ended := both[0].received(t), both[1].received(t)
		if started.Event != stack.Started || ended.Event != stack.Succeeded || started.RunID != ended.RunID || len(started.Run) > 0 {
			t.Errorf("%+v\n%+v", started, ended)
		}
		if delivery := both[0].header.Get("X-Strata-Delivery"); delivery == "" || delivery == both[1].header.Get("X-Strata-Delivery") {
			t.Errorf("both are the delivery %q", delivery)
		}
	}

	// Drift is told once, and once that it is gone.
	drift := func(code int, more ...string) *process { return run(code, "drift", "production", more...) }
	rec.tell(drift(0))
	before, err := os.ReadFile(filepath.Join(things, "production.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := changeThing(things, "production", `value="changed"`, `secret="another"`); err != nil {
		t.Fatal(err)
	}
	p = drift(2)
	got = rec.tell(p, "slack drift of production: drift found", "teams drift of production: drift found", "webhook drift of production: drift found")
	h = got[stack.Webhook].received(t)
	sameRun(p, h.Run)
	if !bytes.Contains(h.Run, []byte(`"after":"changed"`)) || bytes.Contains(h.Run, []byte("another")) {
		t.Errorf("the webhook is told %s", h.Run)
	}
	rec.tell(drift(0, "--since", "last"))
	rec.tell(drift(2))
	if err := os.WriteFile(filepath.Join(things, "production.json"), before, 0o600); err != nil {
		t.Fatal(err)
	}
	p = drift(0, "--since", "last")
	got = rec.tell(p, "slack drift of production: drift gone", "teams drift of production: drift gone", "webhook drift of production: drift gone")
	sameRun(p, got[stack.Webhook].received(t).Run)
	rec.tell(drift(0))

	rec.tell(run(0, "destroy", "development", "--all", "--confirm", "development"),
		"webhook destroy of development: started", "webhook destroy of development: succeeded")
}

// A receiver that does not answer as it should is no harm to the run: the report
// says who was not told, of what and why, and never at which URL.
func TestNotifyUnanswered(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, kind string
		answer     func(n int, w http.ResponseWriter, r *http.Request)
		environ    []string // instead of what is right
		fails      bool     // the deploy
		sent       int
		warning    string // a pattern; "" for none
	}{
		{name: "429 and then well", kind: stack.Webhook, sent: 2,
			answer: func(n int, w http.ResponseWriter, _ *http.Request) {
				if n == 1 {
					w.Header().Set("Retry-After", "1")
					w.WriteHeader(http.StatusTooManyRequests)
				}
			}},
		{name: "500 each time", kind: stack.Slack, sent: 4,
			answer: func(_ int, w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = io.WriteString(w, "nothing at http://"+r.Host+r.RequestURI)
			},
			warning: `^slack was not told \(succeeded\): .*500 Internal Server Error: nothing at \[…\] \(tried 4 times\)`},
		{name: "500 each time, of what failed", kind: stack.Webhook, sent: 4, fails: true,
			answer: func(_ int, w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusBadGateway)
				_, _ = io.WriteString(w, "not signed with "+hookKey)
			},
			warning: `^webhook was not told \(failed\): .*502 Bad Gateway: not signed with \[…\] \(tried 4 times\)`},
		{name: "silence and then well", kind: stack.Teams, sent: 2,
			answer: func(n int, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					<-r.Context().Done()
				}
				w.WriteHeader(http.StatusAccepted)
			}},
		{name: "silence and then no", kind: stack.Webhook, sent: 2, fails: true,
			answer: func(n int, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					<-r.Context().Done()
				}
				w.WriteHeader(http.StatusUnauthorized)
			},
			warning: `^webhook was not told \(failed\): .*401 Unauthorized \(tried 2 times\): .*secrets`},
		{name: "dropped each time", kind: stack.Teams, sent: 4,
			answer:  func(int, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			warning: `^teams was not told \(succeeded\): .*the connection was dropped \(tried 4 times\)`},
		{name: "no secret", kind: stack.Teams, environ: []string{},
			warning: `^teams was not told \(succeeded\): its secret "teams_url" is not given: .*STRATA_SECRET_TEAMS_URL`},
		{name: "no key", kind: stack.Webhook, environ: []string{"STRATA_SECRET_HOOK_URL=http://127.0.0.1/" + hookToken},
			warning: `^webhook was not told \(succeeded\): its secret "hook_key" is not given: .*STRATA_SECRET_HOOK_KEY`},
		{name: "no URL for Slack", kind: stack.Slack, environ: []string{"STRATA_SECRET_SLACK_URL=https://example.com/" + hookToken},
			warning: `^slack was not told \(succeeded\): the URL for Slack: it is not at hooks.slack.com`},
		{name: "open to the network", kind: stack.Webhook, environ: []string{"STRATA_SECRET_HOOK_URL=http://example.com/" + hookToken, "STRATA_SECRET_HOOK_KEY=" + hookKey},
			warning: `^webhook was not told \(succeeded\): .*it does not begin with https://`},
	}
	// All at once: they wait, and do little else.
	receivers, runs := make([]*receiver, len(cases)), make([]*process, len(cases))
	for i, tc := range cases {
		rec := newReceiver(t)
		rec.answer = func(_ string, n int, w http.ResponseWriter, r *http.Request) { tc.answer(n, w, r) }
		destination := map[string]string{
			stack.Slack: "{url: slack_url}", stack.Teams: "{url: teams_url}", stack.Webhook: "{url: hook_url, key: hook_key}",
		}[tc.kind]
		workspace := "default"
		if tc.fails {
			workspace = "another"
		}
		r := newRepo(t, map[string]string{
			"strata.yaml": "layers: [{name: net, path: \"net/{env}\"}]\nnotify:\n  " + tc.kind + ": " + destination + "\n",
			"net/production/main.tf": `
resource "terraform_data" "a" {
  lifecycle {
    precondition {
      condition     = terraform.workspace == "` + workspace + `"
      error_message = "no"
    }
  }
}
`,
		})
		if tc.environ == nil {
			tc.environ = rec.secrets()
		}
		r.env = append(r.env, tc.environ...)
		receivers[i], runs[i] = rec, r.start("deploy", "--env", "production", "--format", "json", "--out", r.path("../out"))
	}
	for i, tc := range cases {
		code, result := 0, report.Applied
		if tc.fails {
			code, result = 1, report.Failed
		}
		rec, p := receivers[i], runs[i].exits(code)
		p.result("net@global:production", result)
		got := rec.takes()
		if len(got) != tc.sent {
			t.Errorf("%s: %d requests, not %d", tc.name, len(got), tc.sent)
		}
		for _, m := range got {
			if again := m.header.Get("X-Strata-Delivery"); again != got[0].header.Get("X-Strata-Delivery") || m.kind != tc.kind {
				t.Errorf("%s: %s is told of the delivery %q", tc.name, m.kind, again)
			}
			if m.kind == stack.Webhook {
				m.received(t)
			}
		}
		warnings := p.run().Warnings
		if tc.warning == "" && len(warnings) > 0 || tc.warning != "" && (len(warnings) != 1 || !regexp.MustCompile(tc.warning).MatchString(warnings[0])) {
			t.Errorf("%s: the warnings are %q, not %q", tc.name, warnings, tc.warning)
		}
		rec.hides(p)
		p.repo.tidy()

		// The ledger tells of the run as if all had gone well.
		history := p.repo.start("history", "--env", "production", "--format", "json").exits(0)
		if text := history.stdout.String(); !strings.Contains(text, `"exitCode": `+strconv.Itoa(code)) {
			t.Errorf("%s: the ledger says %s", tc.name, text)
		}
	}
}
