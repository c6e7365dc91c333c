package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// limit is how long making one tool may take: it ends what hangs.
const limit = 40 * time.Minute

// settleAll sees to it that tools are there, all at once. One that cannot be
// had is told and is no error: the tests that need it are skipped.
func settleAll(ctx context.Context, s shelf, pins []pin, again bool) error {
	errs := make([]error, len(pins))
	var group sync.WaitGroup
	for i, p := range pins {
		group.Go(func() { errs[i] = settle(ctx, s, p, again) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// settle takes a tool from the shelf or from PATH, or else makes it. What could
// not be made once is tried a second time only if again says so.
func settle(ctx context.Context, s shelf, p pin, again bool) error {
	path := s.find(p)
	if path == "" {
		path = onPath(ctx, s, p)
	}
	if path != "" {
		fmt.Printf("tools: %s %s, %s\n", p.name, p.version, path)
		return nil
	}
	if reason := s.remembered(p); reason != "" && !again {
		fmt.Println(missing(p, reason, "make tools tries again"))
		return nil
	}
	fmt.Printf("tools: installing %s %s, which takes some minutes the first time\n", p.name, p.version)
	start := time.Now()
	err := bring(ctx, s, p)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		fmt.Println(missing(p, err.Error(), "more in "+s.log(p)))
		return s.remember(p, err.Error())
	}
	fmt.Printf("tools: %s %s, %s, installed in %s\n", p.name, p.version, s.find(p), time.Since(start).Round(time.Second))
	return s.forget(p)
}

func missing(p pin, reason, hint string) string {
	return fmt.Sprintf("tools: %s %s is missing, tests that need it are skipped: %s (%s)", p.name, p.version, reason, hint)
}

// bring makes a tool in a folder of its own and puts it on the shelf when it has
// run: what is half made never gets there.
func bring(ctx context.Context, s shelf, p pin) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	temp, err := os.MkdirTemp(s.dir, p.name+".new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	err = build(limited, p, temp)
	switch {
	case err == nil:
		return s.put(p, temp)
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		err = fmt.Errorf("installing it took more than %s", limit)
	}
	if errLog := s.keepLog(p, temp); errLog != nil {
		return errLog
	}
	return err
}

// build makes a tool in a folder, and asks it whether it is the pinned one.
func build(ctx context.Context, p pin, dir string) error {
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	err = p.install(ctx, dir, log)
	if errClose := log.Close(); err == nil {
		err = errClose
	}
	if err != nil {
		return err
	}
	version, err := ask(ctx, p, filepath.Join(dir, "bin", exe(p.name)))
	if err == nil && version != p.version {
		err = fmt.Errorf("what was installed says that it is version %q", version)
	}
	return err
}
