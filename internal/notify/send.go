package notify

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// tries is how often a message is sent at most.
const tries = 4

// Sender sends messages.
type Sender struct {
	// Client is used as it is, but that it too follows no redirect to another
	// host where it does not say which to follow. nil is one of Strata's own,
	// with the proxies of the environment.
	Client  *http.Client
	Version string // of Strata, for User-Agent
	// Wait waits between tries; nil is a timer.
	Wait    func(ctx context.Context, d time.Duration) error
	Timeout time.Duration // of one try; 0: 10 s
	Total   time.Duration // of all tries; 0: 60 s
}

// Send sends one message. It tries again, at most four times in all and with
// growing pauses, where the server answers 429 or 5xx, drops the connection or
// keeps silent; a pause that the server asks for (Retry-After) is kept if it is
// not longer than what is left of Total. Every other answer is final. The error
// says what the server said and what to do next, and never holds URL or key.
func (s Sender) Send(ctx context.Context, t Target, m Message) error {
	if err := CheckURL(t.Kind, t.URL); err != nil {
		return err
	}
	body, err := payload(t.Kind, m)
	if err != nil {
		return fmt.Errorf("the message to %s was not sent: it cannot be written as JSON: %w", name(t.Kind), err)
	}
	total, cancel := context.WithTimeout(ctx, cmp.Or(s.Total, time.Minute))
	defer cancel()
	client := s.client()

	for n := 1; ; n++ {
		f := s.try(total, client, t, m, body)
		if f == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the message to %s was not sent: %w", name(t.Kind), ctx.Err())
		}
		if !f.again || n == tries {
			return f.error(t, n)
		}
		pause := pause(n, f.after)
		if end, _ := total.Deadline(); time.Until(end) < pause {
			if f.after > 0 {
				f.said += fmt.Sprintf(", and to come back after %s", f.after)
			}
			return f.error(t, n)
		}
		if err := s.wait(total, pause); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return fmt.Errorf("%w (%w)", f.error(t, n), err)
		}
	}
}

// try sends a message once; nil says that it arrived.
func (s Sender) try(ctx context.Context, client *http.Client, t Target, m Message, body []byte) *failure {
	timeout := cmp.Or(s.Timeout, 10*time.Second)
	if end, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(end).Round(time.Millisecond))
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(body))
	if err != nil { // repeats the URL
		return &failure{said: "it is no URL that can be asked", advice: "set the secret to the right one"}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", strings.TrimSuffix("strata/"+headerValue(s.Version), "/"))
	if t.Kind == Webhook {
		timestamp := strconv.FormatInt(time.Now().Unix(), 10)
		r.Header.Set("X-Strata-Event", headerValue(m.Event))
		r.Header.Set("X-Strata-Delivery", headerValue(m.delivery()))
		r.Header.Set("X-Strata-Timestamp", timestamp)
		if t.Key != "" {
			r.Header.Set("X-Strata-Signature", sign(t.Key, timestamp, body))
		}
	}
	answer, err := client.Do(r)
	if err != nil {
		return unreachable(t, err, timeout)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil && answer.StatusCode == http.StatusOK && t.Kind == Slack {
		return unreachable(t, err, timeout) // the "ok" may have been on its way
	}
	return refused(t, answer, said)
}

func (s Sender) wait(ctx context.Context, d time.Duration) error {
	if s.Wait != nil {
		return s.Wait(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pause is how long to wait after a try: what the server asked for and a little
// more, or about 1, 2 and 4 seconds. Chance keeps many runs from coming back at
// the same moment.
func pause(n int, asked time.Duration) time.Duration {
	if asked > 0 {
		return asked + rand.N(500*time.Millisecond)
	}
	d := time.Second << (n - 1)
	return d/2 + rand.N(d)
}

// headerValue keeps a text to what a header may hold.
func headerValue(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '-'
		}
		return r
	}, s)
	return s[:min(len(s), 200)]
}
