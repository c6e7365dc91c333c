package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/strata-tf/strata/internal/affected"
	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/policy"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
)

// opa is the name of the tool that evaluates policies.
const opa = finding.OPA

// policyGate holds plans against policies: one server for the whole run.
type policyGate struct {
	*gates
	mode, unknown string
	who           string
	version       string           // of OPA and of the language
	ws            runner.Workspace // where it runs
	server        runner.Server
	client        *policy.Client
	analyses      []*policy.Analysis // of each query
}

// openPolicy starts the server. Policies that are not there, or that nothing can
// come of, refuse the run where they are enforced.
func (g *gates) openPolicy() error {
	mode := g.mode(stack.GatePolicy)
	if mode == stack.Off {
		return nil
	}
	p := &policyGate{gates: g, mode: mode, unknown: g.settings.Undetermined(g.Select.Environment), who: g.invoker()}
	if !g.hasPolicies() {
		return g.nothing(stack.GatePolicy, opa, mode, fmt.Sprintf("there is no policy in %s", g.settings.Policy.Path))
	}
	if err := p.start(g.soft); err != nil {
		var undefined *policy.UndefinedError
		if errors.As(err, &undefined) {
			return errors.Join(g.nothing(stack.GatePolicy, opa, mode, fmt.Sprintf("%v in %s", undefined, g.settings.Policy.Path)), p.close())
		}
		err = g.missing(err, policy.Install(), stack.GatePolicy)
		if mode == stack.Warn && g.verb != "policy" && g.soft.Err() == nil {
			p.fault(p.check(opa, mode), firstLine(err.Error()))
			return p.close()
		}
		return errors.Join(err, p.close())
	}
	g.policy = p
	return nil
}

// hasPolicies says whether there are policies, and not tests of some alone.
func (g *gates) hasPolicies() bool {
	return slices.ContainsFunc(g.files.Names, func(name string) bool {
		return g.isRego(name) && !strings.HasSuffix(name, "_test.rego")
	})
}

// isRego says whether a file is one that OPA loads as policies: a test's rules are
// asked too.
func (g *gates) isRego(name string) bool {
	return affected.Below(g.settings.Policy.Path, name) && strings.HasSuffix(name, ".rego")
}

func (g *gates) language() policy.Language {
	if g.settings.Policy.Rego == "v0" {
		return policy.V0
	}
	return policy.V1
}

// opaStep is a step of OPA, which gets none of the credentials that the run has.
func (g *gates) opaStep(args []string) runner.Step {
	return runner.Step{Tool: g.program(policy.Tool()), Args: args, Dir: ".", Keep: true, Bare: true}
}

// start compiles the policies, so that what is wrong with them is told with file
// and line, and starts the server.
func (p *policyGate) start(ctx context.Context) (err error) {
	if p.ws, err = p.ruled.open(ctx, opa); err != nil {
		return err
	}
	version, err := p.ws.Run(ctx, p.opaStep(policy.VersionArgs()))
	if err != nil {
		return err
	}
	p.version = policy.ReadVersion(version.Stdout) + " " + p.settings.Policy.Rego
	p.check(opa, p.mode).Version = policy.ReadVersion(version.Stdout)
	folder := p.settings.Policy.Path
	result, err := p.ws.Run(ctx, p.opaStep(policy.CheckArgs(p.language(), folder)))
	var exit *runner.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("the policies do not compile: %w", policy.FaultError(result.Stderr))
	}
	if err != nil {
		return err
	}
	step := p.opaStep(nil)
	step.Env, step.Sensitive = policy.ServeEnv(), true
	p.server, err = p.ws.Serve(ctx, step, func(listen string) []string {
		return policy.ServeArgs(policy.Serve{Address: listen, Language: p.language(), Paths: []string{folder}})
	})
	if err != nil {
		return err
	}
	p.client = policy.NewClient(p.server.Address())
	p.client.Limit = time.Duration(p.settings.Policy.Timeout)
	return p.load(ctx)
}

// readyIn is how long the server may take to load the policies.
const readyIn = time.Minute

// load waits for the server and tells it the queries.
func (p *policyGate) load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyIn)
	defer cancel()
	go func() {
		select {
		case <-p.server.Ended():
			cancel()
		case <-ctx.Done():
		}
	}()
	modules, err := p.parse(ctx)
	if err != nil {
		return err
	}
	if err := p.client.Ready(ctx); err != nil {
		return p.because(err)
	}
	queries, err := p.queries()
	if err != nil {
		return err
	}
	missing, err := p.client.Load(ctx, queries...)
	if err != nil {
		return p.because(err)
	}
	for _, q := range missing {
		if !q.Warn || q.String() != stack.Default().Policy.Warn {
			return &policy.UndefinedError{Query: q}
		}
	}
	for _, q := range queries {
		p.analyses = append(p.analyses, policy.Analyse(q, modules))
	}
	return nil
}

// endsIn is how soon it is known that a server has ended whose connection broke.
const endsIn = time.Second

// because puts why the server has ended before what followed from it.
func (p *policyGate) because(err error) error {
	select {
	case <-p.server.Ended():
		return fmt.Errorf("opa has ended: %w", p.server.Err())
	case <-time.After(endsIn): // it is alive
		return err
	}
}

func (p *policyGate) queries() ([]policy.Query, error) {
	deny, err1 := policy.ParseQuery(p.settings.Policy.Query)
	warn, err2 := policy.ParseQuery(p.settings.Policy.Warn)
	warn.Warn = true
	return []policy.Query{deny, warn}, errors.Join(err1, err2)
}

func (p *policyGate) close() error {
	if p == nil {
		return nil
	}
	var errs []error
	if p.client != nil {
		p.client.Close()
	}
	if p.server != nil {
		errs = append(errs, p.server.Close())
	}
	if p.ws != nil {
		errs = append(errs, p.ws.Close())
	}
	return errors.Join(errs...)
}

// invoker is who started the run.
func (g *gates) invoker() string {
	if ci, ok := g.ci(); ok && ci.Who != "" {
		return ci.Who
	}
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if who := g.getenv(name); who != "" {
			return who
		}
	}
	return ""
}
