package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// own is the package in which the server is given what asks the queries.
const own = "strata_gate"

// mostAnswer is how much a server may answer.
const mostAnswer = 64 << 20

// Client asks one server. Evaluations may run side by side.
type Client struct {
	base    string
	http    *http.Client
	queries []Query
	// Limit is how long one evaluation may take, with a second more for each MB of
	// the plan: the server has to read it.
	Limit time.Duration
}

// NewClient returns a client of the server at an address as Serve has it.
func NewClient(address string) *Client {
	// Of its own: no proxy may see a plan.
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	base := "http://" + address
	if socket, ok := strings.CutPrefix(address, "unix://"); ok {
		base = "http://opa"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}
	}
	return &Client{base: base, http: &http.Client{Transport: transport}, Limit: Limit}
}

// Close closes the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Ready waits until the server answers: it does when it has loaded the
// policies. That it never will is known by who started it.
func (c *Client) Ready(ctx context.Context) error {
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 20*time.Millisecond) {
		_, err := c.do(ctx, http.MethodGet, "/health", nil)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for opa: %w", errors.Join(context.Cause(ctx), err))
		case <-time.After(wait):
		}
	}
}

// Load tells the server the queries that Evaluate asks, all at once, and returns
// those that no policy file defines. It is called once, before Evaluate.
func (c *Client) Load(ctx context.Context, queries ...Query) ([]Query, error) {
	modules, err := c.modules(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.do(ctx, http.MethodPut, "/v1/policies/"+own, strings.NewReader(source(queries))); err != nil {
		return nil, fmt.Errorf("tell opa what to ask: %w", err)
	}
	c.queries = queries
	var missing []Query
	for _, q := range queries {
		if !q.Defined(modules) {
			missing = append(missing, q)
		}
	}
	return missing, nil
}

// source is the policy that asks the queries. Each evaluation brings documents of
// its own, and policies must see the plan as their whole input: a document put
// onto the server would be the same for all, and input is only one.
func source(queries []Query) string {
	var b strings.Builder
	b.WriteString("package " + own + "\n\nimport rego.v1\n")
	for i, q := range queries {
		path := "data"
		for _, name := range q.Path {
			path += "[" + quote(name) + "]"
		}
		fmt.Fprintf(&b, "\nq%d := x if {\n\tx := %s with input as input.plan with data.strata as input.strata\n}\n", i, path)
	}
	return b.String()
}

// modules are what the server has loaded, as it has compiled them: that tells
// what they define, and not what they read.
func (c *Client) modules(ctx context.Context) ([]Module, error) {
	data, err := c.do(ctx, http.MethodGet, "/v1/policies", nil)
	if err != nil {
		return nil, fmt.Errorf("ask opa for its policies: %w", err)
	}
	var answer struct {
		Result []struct {
			ID  string          `json:"id"`
			AST json.RawMessage `json:"ast"`
		} `json:"result"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("read opa's policies: %w", err)
	}
	var modules []Module
	for _, p := range answer.Result {
		m, err := ReadModule(p.ID, p.AST)
		if err != nil {
			return nil, err
		}
		if !m.tests() {
			modules = append(modules, m)
		}
	}
	return modules, nil
}

// Input is what one evaluation is given.
type Input struct {
	Unit   string // its id, for messages
	Plan   []byte // the output of `show -json`, which policies see as input
	Strata any    // what policies see as data.strata
	// Scrub takes out of the policies' answer, as JSON, what must not be shown; nil
	// takes nothing out.
	Scrub func(answer []byte) []byte
}

// Result is what one query gave.
type Result struct {
	Query Query
	// Defined says whether the query has a value. Without one there are no
	// messages, as with an empty set.
	Defined  bool
	Messages []Message
}

// Evaluate asks the queries about one plan. One that takes longer than the limit
// is an error: the server is told to stop, and goes on to serve others.
func (c *Client) Evaluate(ctx context.Context, in Input) ([]Result, error) {
	results, err := c.evaluate(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("policy of %s: %w", in.Unit, err)
	}
	return results, nil
}

func (c *Client) evaluate(ctx context.Context, in Input) ([]Result, error) {
	if !json.Valid(in.Plan) {
		return nil, errors.New("the plan is not JSON")
	}
	strata, err := json.Marshal(in.Strata)
	if err != nil {
		return nil, fmt.Errorf("write data.strata: %w", err)
	}
	names := make([]string, len(c.queries))
	for i, q := range c.queries {
		names[i] = q.String()
	}
	limit := c.Limit + time.Duration(len(in.Plan)>>20)*time.Second
	limited, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf(
		"%s took longer than %s: does a policy loop?", strings.Join(names, " and "), limit))
	defer cancel()
	data, err := c.do(limited, http.MethodPost, "/v1/data/"+own, body(in.Plan, strata))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Result map[string]json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("read opa's answer: %w", err)
	}
	if answer.Result == nil {
		return nil, errors.New("opa has lost its policies")
	}
	results := make([]Result, len(c.queries))
	for i, q := range c.queries {
		given, defined := answer.Result["q"+strconv.Itoa(i)]
		results[i] = Result{Query: q, Defined: defined}
		if defined {
			if in.Scrub != nil {
				given = in.Scrub(given)
			}
			if results[i].Messages, err = Messages(q, given); err != nil {
				return nil, fmt.Errorf("%s: %w", q, err)
			}
		}
	}
	return results, nil
}

// reader is a body of known length that does not copy the plan.
type reader struct {
	io.Reader
	size int64
}

func body(plan, strata []byte) io.Reader {
	parts := [][]byte{[]byte(`{"input":{"plan":`), plan, []byte(`,"strata":`), strata, []byte(`}}`)}
	var size int64
	readers := make([]io.Reader, len(parts))
	for i, part := range parts {
		readers[i] = bytes.NewReader(part)
		size += int64(len(part))
	}
	return reader{io.MultiReader(readers...), size}
}

// do makes one request. The error of one that was ended is the cause.
func (c *Client) do(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if sized, ok := body.(reader); ok {
		request.ContentLength = sized.size
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.failure(ctx, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer+1))
	switch {
	case err != nil:
		return nil, c.failure(ctx, err)
	case len(data) > mostAnswer:
		return nil, fmt.Errorf("opa answered more than %d MB", mostAnswer>>20)
	case response.StatusCode != http.StatusOK:
		return nil, serverError(response.StatusCode, data)
	}
	return data, nil
}

func (c *Client) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var whole *url.Error
	if errors.As(err, &whole) {
		err = whole.Err // its address says nothing to people
	}
	return fmt.Errorf("ask opa: %w", err)
}

// serverError is what the server says is wrong, with the file and the line.
func serverError(status int, data []byte) error {
	var answer struct {
		Code    string  `json:"code"`
		Message string  `json:"message"`
		Errors  []fault `json:"errors"`
	}
	if json.Unmarshal(data, &answer) != nil || answer.Message == "" {
		return fmt.Errorf("opa answered with status %d: %s", status, line(string(data[:min(len(data), 500)])))
	}
	if len(answer.Errors) == 0 {
		return errors.New(line(answer.Message))
	}
	var faults []error
	for _, f := range answer.Errors {
		faults = append(faults, errors.New(f.fault().String()))
	}
	return errors.Join(faults...)
}
