package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// signals turns the process's signals into the two ways a run stops: softly,
// so that running applies finish, and hard, so that they are asked to stop.
type signals struct {
	mu    sync.Mutex
	grace time.Duration
	note  func(string)
}

func (s *signals) setGrace(d time.Duration) { s.mu.Lock(); defer s.mu.Unlock(); s.grace = d }

func (s *signals) graceTime() time.Duration { s.mu.Lock(); defer s.mu.Unlock(); return s.grace }

// catchSignals makes the app's two contexts. A first signal stops softly, a
// second one hard, and so does the end of the grace that follows a SIGTERM.
func (a *app) catchSignals() (stop func()) {
	soft, cancelSoft := context.WithCancel(context.Background())
	hard, cancelHard := context.WithCancel(context.Background())
	a.soft, a.hard, a.signals = soft, hard, &signals{}
	received := make(chan os.Signal, 4)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for n := 1; ; n++ {
			sig, ok := <-received
			if !ok {
				return
			}
			a.signalled(n, sig, cancelSoft, cancelHard)
		}
	}()
	return func() { signal.Stop(received); close(received); cancelSoft(); cancelHard() }
}

func (a *app) signalled(n int, sig os.Signal, cancelSoft, cancelHard func()) {
	switch n {
	case 1:
		words := "stopping: no unit starts any more, running applies finish; a second signal asks Terraform to stop"
		if sig == syscall.SIGTERM || sig == syscall.SIGHUP {
			grace := a.signals.graceTime()
			words = fmt.Sprintf("stopping: no unit starts any more, running applies have %s to finish (--grace) until Terraform is asked to stop", grace)
			time.AfterFunc(grace, cancelHard)
		}
		a.note(words)
		cancelSoft()
	case 2:
		a.note("asking Terraform to stop: it saves its state first")
		cancelHard()
	default:
		a.note("Terraform was asked to stop and is saving its state: killing it now would lose what it has made")
	}
}

// note tells a person something, without breaking a live display.
func (a *app) note(words string) {
	a.signals.mu.Lock()
	note := a.signals.note
	a.signals.mu.Unlock()
	if note != nil {
		note(words)
		return
	}
	fmt.Fprintf(a.stderr, "strata: %s\n", words)
}

func (s *signals) setNote(note func(string)) { s.mu.Lock(); defer s.mu.Unlock(); s.note = note }
