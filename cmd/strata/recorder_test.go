package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// recorderName is the command that runs the real Terraform (RECORDER_BINARY)
// and writes down, into the file RECORDER_LOG, its arguments and each signal
// it is given. The command that RECORDER_HOLD names hangs until it is
// interrupted.
const recorderName = "recorded-terraform"

func recorderMain() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	record := func(words string) {
		f, err := os.OpenFile(os.Getenv("RECORDER_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(f, words)
		_ = f.Close()
	}
	record("run " + strings.Join(os.Args[1:], " "))
	if hold := os.Getenv("RECORDER_HOLD"); hold != "" && len(os.Args) > 1 && os.Args[1] == hold {
		record("hangs " + hold)
		select {
		case sig := <-signals:
			record("signal " + sig.String())
		case <-time.After(time.Minute):
		}
		os.Exit(1)
	}
	cmd := exec.Command(os.Getenv("RECORDER_BINARY"), os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	detach(cmd)
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	record(fmt.Sprintf("process %d", cmd.Process.Pid))
	done := make(chan struct{})
	go func() {
		for sig := range signals {
			record("signal " + sig.String())
			_ = cmd.Process.Signal(sig)
		}
	}()
	go func() { _ = cmd.Wait(); close(done) }()
	<-done
	// A second signal would come at once after the first.
	time.Sleep(20 * time.Millisecond)
	os.Exit(cmd.ProcessState.ExitCode())
}
