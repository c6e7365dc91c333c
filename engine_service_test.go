//go:build aliases

package main

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/runner"
)

const opaImage = "opa:1"

// opaStep is a step of a tool whose image is opaImage.
func opaStep(args ...string) runner.Step {
	return runner.Step{Tool: runner.Tool{Name: "opa", Binary: "opa", Image: opaImage}, Args: args, Dir: "."}
}

// serving are the arguments of a server.
func serving(listen string) []string { return []string{"run", "--addr", listen} }

// workspaceOf is one of an engine on the fixture's repository.
func (f *fixture) workspaceOf(s *Strata) *engineWorkspace {
	f.t.Helper()
	e := newEngine(s, f.t.TempDir())
	e.source, e.files = s.source(), fstest.MapFS{}
	e.lookup = func(context.Context, string) ([]string, error) { return []string{"10.0.0.1"}, nil }
	w, err := e.Open(f.t.Context(), runner.Spec{ID: foundationID, Dir: foundation})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = w.Close() })
	return w.(*engineWorkspace)
}

// chained is a module with one of everything that steps can be given.
func (f *fixture) chained() *Strata {
	f.secrets["env://TOKEN"], f.secrets["file://kubeconfig"] = "token", "kubeconfig-content"
	return f.module().
		WithVariable("LOG", "debug").
		WithSecretVariable("TOKEN", dag.Secret("env://TOKEN")).
		WithSecretFile("/root/.kube/config", dag.Secret("file://kubeconfig")).
		WithService("api", dag.Container().From("api:1").WithExposedPort(80).AsService())
}

// found is what a command finds of all that matters here.
type found struct {
	Image, User, Workdir string
	Env                  map[string]string // but for the nonce
	SecretEnv, Secrets   map[string]string
	Services             []string
}

func foundBy(x *execution) found {
	env := maps.Clone(x.Env)
	delete(env, "STRATA_NONCE")
	return found{x.Image, x.User, x.Workdir, env, x.SecretEnv, x.Secrets, slices.Sorted(maps.Keys(x.Services))}
}

func TestABareStepIsGivenNothingThatIsChained(t *testing.T) {
	f := newFixture(t)
	w := f.workspaceOf(f.chained())
	if err := w.WriteFile(t.Context(), "plan.json", []byte("private")); err != nil {
		t.Fatal(err)
	}
	f.commands["opa"] = func(x *execution) outcome {
		return outcome{Files: map[string]string{sourceDir + "/left-" + x.Command[1]: "x", privateDir + "/left-" + x.Command[1]: "x"}}
	}
	for i, bare := range []bool{false, true, false} {
		step := opaStep([]string{"first", "bare", "last"}[i])
		step.Bare, step.Env, step.Sensitive = bare, map[string]string{"OWN": "x"}, true
		if _, err := w.Run(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	bare := found{
		Image: opaImage, User: "0", Workdir: sourceDir, Env: map[string]string{"OWN": "x"},
		SecretEnv: map[string]string{}, Secrets: map[string]string{privateDir + "/plan.json": "private"},
	}
	full := found{
		Image: opaImage, User: "0", Workdir: sourceDir, Env: map[string]string{"LOG": "debug", "OWN": "x"}, SecretEnv: map[string]string{"TOKEN": "token"},
		Secrets: map[string]string{privateDir + "/plan.json": "private", "/root/.kube/config": "kubeconfig-content"}, Services: []string{"api"},
	}
	ran := f.ran("opa")
	if diff := cmp.Diff([]found{full, bare, full}, []found{foundBy(ran[0]), foundBy(ran[1]), foundBy(ran[2])}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for i, lefts := range [][]string{nil, {"first"}, {"first", "bare"}} {
		for _, left := range lefts {
			for _, dir := range []string{sourceDir, privateDir} {
				if _, there := ran[i].Read(dir + "/left-" + left); !there {
					t.Errorf("%q does not find what %s has left in %s", ran[i].Command, left, dir)
				}
			}
		}
	}
}

// The hush script needs a shell, wherever the image has one or not.
func TestAnImageWithoutAShellIsGivenOne(t *testing.T) {
	f := newFixture(t)
	f.noShell = []string{opaImage}
	f.commands["opa"] = func(*execution) outcome { return outcome{Stdout: "said"} }
	for image, shell := range map[string]string{opaImage: "alpine:of-mine", "opa:debug": "opa:debug"} {
		w := f.workspaceOf(f.module().WithImage("alpine", "alpine:of-mine").WithImage("opa", image))
		step := opaStep("version")
		step.Sensitive, step.Keep = true, true
		result, err := w.Run(t.Context(), step)
		if err != nil || string(result.Stdout) != "said" {
			t.Fatalf("%s: %q, %v", image, result.Stdout, err)
		}
		x := f.ran("opa")[len(f.ran("opa"))-1]
		if got, _ := x.Read("/bin/sh"); got != shell {
			t.Errorf("%s: its shell is from %q, not from %s", image, got, shell)
		}
		_, library := x.Read("/lib/ld-musl-x86_64.so.1")
		if _, other := x.Read("/lib/libz.so"); !library || other == (image == opaImage) {
			t.Errorf("%s: the shell's library is there: %t, another one: %t", image, library, other)
		}
	}
	wantNoText(t, "the engine's traces", strings.Join(f.printed, "\n"), "said")
}

func TestAServerIsAServiceOfTheEngine(t *testing.T) {
	f := newFixture(t)
	f.serve = func(*execution) served { return served{Address: "host:8181"} }
	f.commands["prepare"] = func(*execution) outcome { return outcome{Files: map[string]string{sourceDir + "/made": "x"}} }
	w := f.workspaceOf(f.chained())
	prepare := runner.Step{Tool: runner.Tool{Name: "prepare", Binary: "prepare", Image: "preparer:1"}, Dir: "."}
	if _, err := w.Run(t.Context(), prepare); err != nil {
		t.Fatal(err)
	}
	step := opaStep()
	step.Bare, step.Dir, step.Env = true, foundation, map[string]string{"GOGC": "400"}
	var servers []runner.Server
	ctx, cancel := context.WithCancel(t.Context())
	for range 2 {
		s, err := w.Serve(ctx, step, serving)
		if err != nil {
			t.Fatal(err)
		}
		servers = append(servers, s)
	}
	cancel()
	one, other := f.served[0], f.served[1]
	if len(f.running) != 2 || one.Env["STRATA_NONCE"] == other.Env["STRATA_NONCE"] || one.Caches[saidDir] == other.Caches[saidDir] {
		t.Errorf("two servers are %d services, with the nonces %s and %s and the volumes %v and %v", len(f.running),
			one.Env["STRATA_NONCE"], other.Env["STRATA_NONCE"], one.Caches, other.Caches)
	}
	want := found{
		Image: opaImage, User: "0", Workdir: sourceDir + "/" + foundation, Env: map[string]string{"GOGC": "400"},
		SecretEnv: map[string]string{}, Secrets: map[string]string{},
	}
	for _, x := range f.served {
		if diff := cmp.Diff(want, foundBy(x)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if want := []string{"opa", "run", "--addr", "0.0.0.0:8181"}; !slices.Equal(x.Command, want) || !x.Hushed {
			t.Errorf("it runs %q, hushed %t", x.Command, x.Hushed)
		}
		for _, name := range []string{"strata.yaml", "made"} {
			if _, there := x.Read(sourceDir + "/" + name); !there {
				t.Errorf("it does not find %s", name)
			}
		}
	}
	if _, err := w.Run(t.Context(), prepare); err != nil {
		t.Errorf("a step beside it: %v", err)
	}
	for _, s := range servers {
		if s.Address() != "host:8181" {
			t.Errorf("its address is %s", s.Address())
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
		select {
		case <-s.Ended():
			t.Errorf("closed, it counts as ended by itself: %v", s.Err())
		default:
		}
	}
	if f.killed != 2 || len(f.running) > 0 {
		t.Errorf("%d services killed, %d left", f.killed, len(f.running))
	}
}

func TestAServerThatDoesNotStartSaysWhy(t *testing.T) {
	f := newFixture(t)
	w := f.workspaceOf(f.module())
	long := strings.Repeat("abcdefgh", 10_000)
	for _, test := range []struct {
		outcome
		words string
	}{
		{outcome{Code: 1, Stdout: "listens\n", Stderr: "a.rego:3: rego_parse_error\n"}, "a.rego:3: rego_parse_error"},
		{outcome{Code: 2, Stdout: "cannot listen\n"}, "cannot listen"},
		{outcome{Code: 3, Stderr: long}, long[:saidMax]},
		{outcome{Code: 137}, ""},
	} {
		f.serve = func(*execution) served { return served{outcome: test.outcome} }
		s, err := w.Serve(t.Context(), opaStep(), serving)
		var got *runner.ExitError
		if !errors.As(err, &got) || s != nil || w.failed != err {
			t.Fatalf("server %v, %v; the span's error is %v", s, err, w.failed)
		}
		want := &runner.ExitError{Tool: "opa", Args: serving("0.0.0.0:8181"), ExitCode: test.Code, Stderr: test.words}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	wantNoText(t, "the engine's traces", strings.Join(f.printed, "\n"), "rego_parse_error", "cannot listen", "abcdefgh")
	if left, err := os.ReadDir(w.scratch); err != nil || len(left) > 0 {
		t.Errorf("left here: %v, %v", left, err)
	}
}

func TestAServerThatCannotBeStarted(t *testing.T) {
	f := newFixture(t)
	f.serve = func(*execution) served { return served{Address: "host:8181"} }
	w := f.workspaceOf(f.module())
	for field, want := range map[string]string{
		"{start}":    "opa in opa:1: no network",
		"{endpoint}": "opa in opa:1: no network",
	} {
		f.answer = func(query string) error {
			if strings.Contains(query, field) {
				return errors.New("no network")
			}
			return nil
		}
		s, err := w.Serve(t.Context(), opaStep(), serving)
		if s != nil || err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "no network") {
			t.Errorf("%s: server %v, %v", field, s, err)
		}
		if len(f.running) > 0 {
			t.Errorf("%s: a service is left", field)
		}
	}
	f.answer = nil
	f.noImages = []string{"opa:none"}
	step := opaStep()
	step.Tool.Image = "opa:none"
	if _, err := w.Serve(t.Context(), step, serving); err == nil || !strings.Contains(err.Error(), "opa: its image opa:none cannot be had") {
		t.Errorf("an image that cannot be had: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f.serve = func(*execution) served { cancel(); return served{Address: "host:8181"} }
	if _, err := w.Serve(ctx, opaStep(), serving); !errors.Is(err, context.Canceled) || len(f.running) > 0 {
		t.Errorf("cancelled meanwhile: %v, %d services are left", err, len(f.running))
	}
	if _, err := w.Serve(ctx, opaStep(), serving); !errors.Is(err, context.Canceled) || err.Error() != "opa: not started: context canceled" {
		t.Errorf("cancelled before: %v", err)
	}
}

// A name that is not found once may be a mistake, and one that cannot be looked
// up tells nothing.
func TestAServerThatEndsByItself(t *testing.T) {
	f := newFixture(t)
	f.serve = func(*execution) served {
		return served{Address: "host:8181", outcome: outcome{Stderr: "out of memory\n"}}
	}
	w := f.workspaceOf(f.module())
	gone := &net.DNSError{Err: "no such host", IsNotFound: true}
	answers := []error{gone, nil, errors.New("timeout"), gone, &net.DNSError{Err: "timeout", IsTimeout: true}, gone, gone}
	looks := 0
	w.lookup = func(_ context.Context, host string) ([]string, error) {
		if host != "host" {
			t.Errorf("looks for %s", host)
		}
		looks++
		return nil, answers[looks-1]
	}
	s, err := w.Serve(t.Context(), opaStep(), serving)
	if err != nil {
		t.Fatal(err)
	}
	if s.Err() != nil {
		t.Errorf("it ended at once: %v", s.Err())
	}
	select {
	case <-s.Ended():
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
	if looks != len(answers) {
		t.Errorf("it ended after %d looks", looks)
	}
	if got, want := s.Err().Error(), "opa has ended by itself: out of memory"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
