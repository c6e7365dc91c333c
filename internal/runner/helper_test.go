package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tests run this very binary as the tools and as other Strata processes:
// with this variable its arguments are one of the programs below.
const helperVar = "STRATA_TEST_HELPER"

// noNap keeps the race detector from waiting a second at each program's end.
const noNap = "atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	if os.Getenv(helperVar) != "" {
		os.Exit(helper(os.Args[1], os.Args[2:]))
	}
	os.Exit(m.Run())
}

// helper is what the tests' tools do.
func helper(name string, args []string) int {
	switch name {
	case "exit":
		fmt.Print("out")
		fmt.Fprint(os.Stderr, "\nwhy\n\n")
		code, _ := strconv.Atoi(args[0])
		return code
	case "print":
		for _, text := range args {
			fmt.Print(text)
		}
	case "repeat": // TEXT N [CODE], on both streams
		n, _ := strconv.Atoi(args[1])
		fmt.Print(strings.Repeat(args[0], n))
		fmt.Fprint(os.Stderr, strings.Repeat(args[0], n))
		if len(args) > 2 {
			code, _ := strconv.Atoi(args[2])
			return code
		}
	case "copy":
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			return 1
		}
	case "env":
		for _, name := range args {
			fmt.Printf("%s=%s\n", name, os.Getenv(name))
		}
	case "cwd":
		dir, _ := os.Getwd()
		fmt.Print(dir)
	case "die":
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		time.Sleep(time.Minute)
	case "lines": // prints one, and the next when the test has seen it
		fmt.Print("first\nsec")
		awaitFile(args[0])
		fmt.Print("ond\nlast")
	case "signals":
		return countSignals(args[0], len(args) > 1)
	case "serve":
		return serve(args)
	case "child": // starts one that no interrupt ends
		return withChild(args[0], args[1])
	case "serving-parent": // a small Strata with a server
		return servingParent(args[0], args[1])
	case "outlive":
		return outlive(args[0], args[1])
	case "parent", "bare-parent": // a small Strata that runs outlive
		h, err := NewHost(HostOptions{Root: args[0], Environ: os.Environ()})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		w, err := h.Open(context.Background(), Spec{ID: "u"})
		if err == nil {
			step := selfStep("outlive", args[1:]...)
			step.Lines, step.Bare = func([]byte) {}, name == "bare-parent"
			_, err = w.Run(context.Background(), step)
		}
		fmt.Fprintln(os.Stderr, err)
	case "hold-temporary": // fills a temporary folder, and says where it is in a file
		dir, _, err := TempFolder()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "main.tf"), []byte("secret"), 0o400)
		}
		if err = errors.Join(err, os.WriteFile(args[0], []byte(dir), 0o600)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return heldUntilTold()
	case "hold-folder":
		h, err := NewHost(HostOptions{Root: args[0], Environ: os.Environ()})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if _, err := h.Open(context.Background(), Spec{ID: "u", DataDir: "data"}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return heldUntilTold()
	case "hold-cache":
		use := UsePlugins
		if args[1] == "install" {
			use = InstallPlugins
		}
		if _, _, err := newPluginCache(args[0]).take(context.Background(), use); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return heldUntilTold()
	}
	return 0
}

// heldUntilTold says that something is held, until standard input ends.
func heldUntilTold() int {
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// countSignals says that it is ready, waits for a first interrupt, gives others
// time to arrive, and says how many came. With stay it does not end.
func countSignals(ready string, stay bool) int {
	received := make(chan os.Signal, 8)
	signal.Notify(received, os.Interrupt)
	_ = os.WriteFile(ready, nil, 0o600)
	if stay {
		time.Sleep(time.Minute)
	}
	<-received
	n := 1
	for {
		select {
		case <-received:
			n++
		case <-time.After(200 * time.Millisecond):
			fmt.Println("interrupts:", n)
			return 0
		}
	}
}

// serve is a helper that answers with its process number on the socket of an
// address.
func serve(args []string) int {
	l, err := net.Listen("unix", strings.TrimPrefix(args[0], "unix://"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getpid()) }))
	return 1
}

// withChild is a helper that says its child's number in a file. It ends with an
// interrupt, never, or at once.
func withChild(started, how string) int {
	received := make(chan os.Signal, 1)
	signal.Notify(received, os.Interrupt)
	child := exec.Command(os.Args[0], "signals", started+".child", "stay")
	child.Env = os.Environ()
	if err := child.Start(); err != nil || !awaitFile(started+".child") {
		return 1
	}
	// Whoever sees the file finds the number in it.
	if os.WriteFile(started+".new", []byte(strconv.Itoa(child.Process.Pid)), 0o600) != nil || os.Rename(started+".new", started) != nil {
		return 1
	}
	switch how {
	case "interrupt":
		<-received
	case "never":
		time.Sleep(time.Minute)
	}
	return 0
}

// servingParent is a helper that has a server, until it is killed.
func servingParent(root, marker string) int {
	h, err := NewHost(HostOptions{Root: root, Environ: os.Environ()})
	if err != nil {
		return 1
	}
	w, err := h.Open(context.Background(), Spec{ID: "u"})
	if err != nil {
		return 1
	}
	s, err := w.Serve(context.Background(), selfStep(""), serveArgs("serve"))
	if err != nil {
		return 1
	}
	if err := os.WriteFile(marker, []byte(s.Address()), 0o600); err != nil {
		return 1
	}
	return heldUntilTold()
}

// serveArgs are a helper's: its name, the address, and more.
func serveArgs(name string, more ...string) func(string) []string {
	return func(listen string) []string { return append([]string{name, listen}, more...) }
}

// outlive goes on printing after the test has killed its parent, and leaves a
// file when it has ended well. It does not listen when it is asked to end.
func outlive(killed, marker string) int {
	signal.Ignore(syscall.SIGTERM)
	fmt.Printf("pid %d\n", os.Getpid())
	if err := os.WriteFile(marker+".started", []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return 1
	}
	awaitFile(killed)
	for range 100 {
		if _, err := fmt.Println(strings.Repeat("x", 1000)); err != nil {
			return 1
		}
		fmt.Fprintln(os.Stderr, "y")
	}
	return btoi(os.WriteFile(marker, nil, 0o600) != nil)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// awaitFile waits until there is a file.
func awaitFile(path string) bool {
	for range 5000 {
		if _, err := os.Stat(path); err == nil {
			return true
		}
		time.Sleep(2 * time.Millisecond)
	}
	return false
}

// selfStep is a step that runs one of the programs above.
func selfStep(name string, args ...string) Step {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return Step{
		Tool: Tool{Name: "helper", Binary: self}, Args: append([]string{name}, args...),
		Env: map[string]string{helperVar: "1", "GORACE": noNap}, Keep: true,
	}
}

// process is one of the programs above, run beside the runner.
type process struct {
	*exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self, append([]string{name}, args...)...)}
	p.Env = append(os.Environ(), helperVar+"=1", "GORACE="+noNap)
	p.Stderr = os.Stderr
	if p.stdin, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdout = bufio.NewReader(out)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() })
	return p
}

// held waits until the process holds what it was started for.
func (p *process) held(t *testing.T) *process {
	t.Helper()
	if line, err := p.stdout.ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return p
}

// release lets a process that holds something end.
func (p *process) release(t *testing.T) {
	t.Helper()
	if err := p.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
}

// kill ends it as kill -9 does.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
}

// newTestHost returns a runner with folders of its own.
func newTestHost(t *testing.T, environ ...string) (h *Host, root string) {
	t.Helper()
	private(t)
	root = t.TempDir()
	h, err := NewHost(HostOptions{Root: root, Environ: append(os.Environ(), environ...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h, root
}

// private gives the test its own home, cache and temporary folder.
func private(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	for _, dir := range []string{"tmp", "cache"} {
		if err := os.Mkdir(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"HOME": home, "TMPDIR": filepath.Join(home, "tmp"), "XDG_CACHE_HOME": filepath.Join(home, "cache"),
		"TF_PLUGIN_CACHE_DIR": "", "TF_CLI_CONFIG_FILE": "",
	} {
		t.Setenv(name, value)
	}
}

func newTestWorkspace(t *testing.T, environ ...string) (w Workspace, root string) {
	t.Helper()
	h, root := newTestHost(t, environ...)
	w, err := h.Open(t.Context(), Spec{ID: "u"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, root
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
