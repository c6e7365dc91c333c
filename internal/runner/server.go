package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// hostServer is a process that goes on until it is closed.
type hostServer struct {
	step      Step
	socket    string
	elsewhere *scratch // where the socket is, nil for the workspace's folder
	stdout    string   // files
	stderr    string
	bound     *bound

	closing  chan struct{} // closed when Close was called
	ended    chan struct{} // closed when the process has ended by itself
	err      error         // why it ended by itself
	once     sync.Once
	closeErr error
}

// Serve starts a server that listens on a socket in a folder that only this
// user may enter.
func (w *hostWorkspace) Serve(ctx context.Context, step Step, args func(listen string) []string) (Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: not started: %w", step.Tool.Name, err)
	}
	number := w.servers.Add(1)
	s := &hostServer{
		socket: w.Path(fmt.Sprintf("%d.sock", number)), step: step,
		closing: make(chan struct{}), ended: make(chan struct{}),
	}
	if !usableSocket(s.socket) {
		var err error
		if s.elsewhere, err = newScratch(shortFolder); err != nil {
			return nil, fmt.Errorf("%s: its socket %s cannot be used, and there is no other place for one: %w", step.Tool.Name, s.socket, err)
		}
		s.socket = filepath.Join(s.elsewhere.dir, "sock")
	}
	s.step.Args = args(s.Address())
	if err := s.start(w, fmt.Sprintf("server-%d-", number)); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// shortFolder is where a socket goes for which the usual folder for temporary
// files has too long a name, as macOS's may.
const shortFolder = "/tmp"

// usableSocket says whether a socket can have a path: systems limit it to 104
// bytes, its end included, and servers read it out of a URL.
func usableSocket(path string) bool {
	path = filepath.ToSlash(path)
	address, err := url.Parse("unix://" + path)
	return len(path) < 104 && err == nil && address.Host+address.Path == path
}

func (s *hostServer) Address() string { return "unix://" + filepath.ToSlash(s.socket) }

func (s *hostServer) Ended() <-chan struct{} { return s.ended }

func (s *hostServer) Err() error {
	select {
	case <-s.ended:
		return s.err
	default:
		return nil
	}
}

// start starts the process. As with steps, its streams are files.
func (s *hostServer) start(w *hostWorkspace, prefix string) error {
	cmd, err := w.command(s.step)
	if err != nil {
		return err
	}
	ownGroup(cmd)
	stdout, err := w.stream(prefix + "stdout")
	if err != nil {
		return err
	}
	defer stdout.Close()
	stderr, err := w.stream(prefix + "stderr")
	if err != nil {
		return err
	}
	defer stderr.Close()
	cmd.Stdout, cmd.Stderr, s.stdout, s.stderr = stdout, stderr, stdout.Name(), stderr.Name()

	if s.bound, err = beginBound(cmd, s.step, w.host.patience); err != nil {
		return err
	}
	go s.wait()
	return nil
}

// wait waits for the process to end.
func (s *hostServer) wait() {
	<-s.bound.gone
	select {
	case <-s.closing:
	default:
		s.err = s.why()
		close(s.ended)
	}
}

// why tells of a server that has ended by itself, in its own last words.
func (s *hostServer) why() error {
	cmd, waitErr := s.bound.cmd, s.bound.err
	var exit *exec.ExitError
	if waitErr != nil && !errors.As(waitErr, &exit) {
		return fmt.Errorf("%s: %w", s.step.Tool.Name, waitErr)
	}
	stderr, err := lastBytes(s.stderr, saidKept)
	stdout, otherErr := lastBytes(s.stdout, saidKept)
	if err := errors.Join(err, otherErr); err != nil {
		return fmt.Errorf("%s has ended, and what it printed cannot be read: %w", s.step.Tool.Name, err)
	}
	e := &ExitError{Tool: s.step.Tool.Name, Args: s.step.Args, ExitCode: exitCode(cmd, waitErr), Stderr: cmp.Or(strings.TrimSpace(string(stderr)), string(stdout))}
	if exit != nil && e.ExitCode < 0 {
		return fmt.Errorf("%w (%s)", e, exit.String())
	}
	return e
}

// Close interrupts the process once and kills it when it has not ended after
// five seconds.
func (s *hostServer) Close() error {
	s.once.Do(func() {
		close(s.closing)
		s.bound.stop()
		s.closeErr = s.remove()
	})
	return s.closeErr
}

// remove removes the socket.
func (s *hostServer) remove() error {
	if s.elsewhere != nil {
		return s.elsewhere.close()
	}
	if err := os.Remove(s.socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
