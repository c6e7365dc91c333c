//go:build aliases

package main

import (
	"context"
	"strings"
	"testing"

	"dagger.io/dagger"
)

func TestTheScriptedEngineFailsOnWhatItDoesNotKnow(t *testing.T) {
	for want, ask := range map[string]func(context.Context) error{
		"the field withEntrypoint of Container": func(ctx context.Context) error {
			_, err := dag.Container().From("x").WithEntrypoint([]string{"y"}).Sync(ctx)
			return err
		},
		`the argument "owner" of Container.withNewFile`: func(ctx context.Context) error {
			_, err := dag.Container().From("x").WithNewFile("/f", "", dagger.ContainerWithNewFileOpts{Owner: "me"}).Sync(ctx)
			return err
		},
		"the field http of Query": func(ctx context.Context) error {
			_, err := dag.HTTP("http://x").Contents(ctx)
			return err
		},
		"the id nonsense": func(ctx context.Context) error {
			_, err := dag.LoadContainerFromID("nonsense").Sync(ctx)
			return err
		},
	} {
		e := connect(t)
		var said string
		e.fail = func(err error) { said += err.Error() }
		err := ask(t.Context())
		if strings.HasPrefix(want, "the id") {
			want = "the field loadContainerFromID"
		}
		if err == nil || !strings.Contains(said, want) {
			t.Errorf("want %q; said %q, %v", want, said, err)
		}
	}
}

func TestTheScriptedEngineRunsACommandOnceForEachChain(t *testing.T) {
	e := connect(t)
	n := 0
	e.run = func(context.Context, *execution) outcome {
		n++
		return outcome{Code: 3, Stdout: "out", Stderr: "err"}
	}
	chain := func(nonce string) *dagger.Container {
		return dag.Container().From("x").WithEnvVariable("NONCE", nonce).WithExec([]string{"tool"}, dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny})
	}
	for _, nonce := range []string{"1", "1", "2"} {
		ran, err := chain(nonce).Sync(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if code, err := ran.ExitCode(t.Context()); err != nil || code != 3 {
			t.Errorf("exit code %d, %v", code, err)
		}
	}
	if n != 2 {
		t.Errorf("ran %d times for two chains", n)
	}
	_, err := dag.Container().From("x").WithExec([]string{"tool"}).Sync(t.Context())
	failed, ok := err.(*dagger.ExecError)
	if !ok || failed.ExitCode != 3 || failed.Stderr != "err" {
		t.Errorf("a failure that is not expected: %v", err)
	}
}
