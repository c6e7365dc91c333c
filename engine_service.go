package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/runner"
)

const (
	// servicePort is where a server listens in its container, which has no other.
	servicePort = 8181

	// saidDir is where a server's output goes: into a volume, since nobody can
	// read the files of a service.
	saidDir = "/strata-said"
	saidMax = 64 << 10

	watchEvery = 500 * time.Millisecond
	stopLimit  = 10 * time.Second
)

// Serve starts a server as a service of the engine, in a container of its own
// that has what the next step would find, and waits until it listens. The
// engine's traces do not get its output.
func (w *engineWorkspace) Serve(ctx context.Context, step runner.Step, args func(listen string) []string) (runner.Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: not started: %w", step.Tool.Name, err)
	}
	ctx = trace.ContextWithSpan(ctx, w.span)
	s, err := w.serve(ctx, step, args)
	w.failed = err
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (w *engineWorkspace) serve(ctx context.Context, step runner.Step, args func(listen string) []string) (*engineServer, error) {
	at, err := w.place(step)
	if err != nil {
		return nil, err
	}
	tool, err := w.toolAt(ctx, step.Tool.Name, at)
	if err != nil {
		return nil, err
	}
	step.Args = args(fmt.Sprintf("0.0.0.0:%d", servicePort))
	s := &engineServer{engine: w.engine, step: step, said: "strata-said-" + w.next(), closing: make(chan struct{}), ended: make(chan struct{})}
	// Its nonce makes it another service than that of any other run: the engine
	// has one only of those that are alike.
	s.service = w.prepared(w.made(tool), step).
		WithMountedCache(saidDir, dag.CacheVolume(s.said)).
		WithExposedPort(servicePort).
		AsService(dagger.ContainerAsServiceOpts{Args: hushed(saidDir+"/stdout", saidDir+"/stderr", w.command(step))})
	started, err := s.service.Start(ctx)
	if err != nil {
		return nil, s.notStarted(ctx, at, err)
	}
	s.service = started
	if s.address, err = s.service.Endpoint(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s in %s: %w", step.Tool.Name, at.image, err), s.stop())
	}
	s.watching.Go(s.watch)
	return s, nil
}

// engineServer is a service that has started.
type engineServer struct {
	engine  *engine
	step    runner.Step
	service *dagger.Service
	address string
	said    string // the volume of its output

	watching sync.WaitGroup
	closing  chan struct{} // closed when Close was called
	ended    chan struct{} // closed when it has ended by itself
	err      error         // why
	once     sync.Once
	closeErr error
}

func (s *engineServer) Address() string { return s.address }

func (s *engineServer) Ended() <-chan struct{} { return s.ended }

func (s *engineServer) Err() error {
	select {
	case <-s.ended:
		return s.err
	default:
		return nil
	}
}

// Close kills the service.
func (s *engineServer) Close() error {
	s.once.Do(func() {
		close(s.closing)
		s.watching.Wait()
		s.closeErr = s.stop()
	})
	return s.closeErr
}

func (s *engineServer) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	if _, err := s.service.Stop(ctx, dagger.ServiceStopOpts{Kill: true}); err != nil {
		return fmt.Errorf("stop %s: %w", s.step.Tool.Name, err)
	}
	return nil
}

// notStarted tells why the service has not started, in its own last words where
// it has ended.
func (s *engineServer) notStarted(ctx context.Context, at place, err error) error {
	var failed *dagger.ExecError
	if !errors.As(err, &failed) {
		return errors.Join(fmt.Errorf("%s in %s: %w", s.step.Tool.Name, at.image, err), s.stop())
	}
	words, unread := s.words(ctx)
	if unread != nil {
		return unread
	}
	return &runner.ExitError{Tool: s.step.Tool.Name, Args: s.step.Args, ExitCode: failed.ExitCode, Stderr: cmp.Or(words, strings.TrimSpace(failed.Stderr))}
}

// words are the last ones of the service, on standard error or, where there are
// none, on standard output.
func (s *engineServer) words(ctx context.Context) (string, error) {
	dir := filepath.Join(s.engine.scratch, s.engine.next())
	_, err := dag.Container().From(s.engine.module.image("alpine")).
		WithMountedCache(saidDir, dag.CacheVolume(s.said)).
		WithEnvVariable("STRATA_NONCE", s.engine.next()).
		WithExec([]string{"cp", "-r", saidDir, "/said"}).
		Directory("/said").Export(ctx, dir)
	if err != nil {
		return "", fmt.Errorf("read what %s has printed: %w", s.step.Tool.Name, err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"stderr", "stdout"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) { // where it could not even begin
			return "", err
		}
		if words := strings.TrimSpace(string(data[max(0, len(data)-saidMax):])); words != "" {
			return words, nil
		}
	}
	return "", nil
}

// watch looks whether the service goes on: the engine forgets its name when it
// has ended. Once could be a mistake.
func (s *engineServer) watch() {
	host, _, _ := net.SplitHostPort(s.address)
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for missed := 0; missed < 2; {
		select {
		case <-s.closing:
			return
		case <-ticker.C:
		}
		var unknown *net.DNSError
		_, err := s.engine.lookup(context.Background(), host)
		if errors.As(err, &unknown) && unknown.IsNotFound {
			missed++
		} else {
			missed = 0
		}
	}
	words, err := s.words(context.Background())
	if err == nil {
		err = fmt.Errorf("%s has ended by itself: %s", s.step.Tool.Name, cmp.Or(words, "it said nothing"))
	}
	s.err = err
	close(s.ended)
}
