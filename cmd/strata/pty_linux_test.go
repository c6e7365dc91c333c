package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a terminal of which strata is the one foreground process.
type terminal struct {
	*os.File // the side of the person
	shown    output
	done     chan error
	cmd      *exec.Cmd
}

// onTerminal starts strata on a terminal of its own.
func (r *repo) onTerminal(args ...string) *terminal {
	r.t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		r.t.Skipf("needs a terminal: %v", err)
	}
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		r.t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 120}); err != nil {
		r.t.Fatal(err)
	}
	side, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	defer side.Close()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	term := &terminal{File: person, done: make(chan error, 1)}
	term.cmd = &exec.Cmd{
		Path: self, Args: append([]string{"strata"}, args...), Dir: r.dir, Env: append(r.env, "TERM=xterm"),
		Stdin: side, Stdout: side, Stderr: side,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Setctty: true},
	}
	if err := term.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(&term.shown, person) // ends with an error once nobody has the other side
		term.done <- term.cmd.Wait()
	}()
	r.t.Cleanup(func() { _ = term.cmd.Process.Kill(); _ = person.Close() })
	return term
}

func (term *terminal) untilShows(t *testing.T, words string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(term.shown.String(), words) {
			return
		}
	}
	t.Fatalf("it does not show %q:\n%s", words, term.shown.String())
}

func (term *terminal) exits(t *testing.T, code int) {
	t.Helper()
	select {
	case <-term.done:
	case <-time.After(patience):
		t.Fatalf("it does not end:\n%s", term.shown.String())
	}
	if got := term.cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("exit code %d, not %d:\n%s", got, code, term.shown.String())
	}
}

func (term *terminal) types(t *testing.T, text string) {
	t.Helper()
	if _, err := term.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestDestroyAsksAtATerminal(t *testing.T) {
	t.Parallel()
	r := newRepo(t, map[string]string{
		"strata.yaml":         "layers:\n  - {name: app, path: \"app/{env}\"}\n",
		"app/staging/main.tf": "resource \"terraform_data\" \"a\" {}\n",
	})
	r.deploy().exits(0)
	destroy := []string{"destroy", "--env", "staging", "--all"}
	const question = "Type the environment's name to go on: "
	for answer, code := range map[string]int{"yes\n": 3, "\n": 3, "production\n": 3, "\x03": 130, "\x04": 3} {
		term := r.onTerminal(destroy...)
		term.untilShows(t, question)
		term.types(t, answer)
		term.exits(t, code)
		r.start("exec", "app@global:staging", "--", "state", "list").exits(0).says("terraform_data.a")
	}
	term := r.onTerminal(destroy...)
	term.untilShows(t, "app@global:staging")
	term.untilShows(t, question)
	term.types(t, "staging\n")
	term.exits(t, 0)
	term.untilShows(t, "1 destroyed")
	r.start("exec", "app@global:staging", "--", "state", "list").exits(0)
}

// Ctrl-C at a terminal reaches the whole foreground group: Terraform is not in
// it.
func TestControlCAtATerminal(t *testing.T) {
	t.Parallel()
	r := slow(t)
	term := r.onTerminal("deploy", "--env", "staging", "--all", "--binary", recorderName)
	r.untilFile("began")
	term.types(t, "\x03")
	term.untilShows(t, "running applies finish")
	r.write("go", "")
	term.exits(t, 130)
	if n := signalsIn(r.recorded()); n != 0 {
		t.Errorf("Terraform got %d signals", n)
	}
	if !strings.Contains(term.shown.String(), "1 applied, 1 not run") {
		t.Errorf("shown:\n%s", term.shown.String())
	}
	r.tidy()
}
