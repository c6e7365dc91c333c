package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/strata-tf/strata/internal/pipeline"
	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/store"
)

// Records shows what Strata remembers of units, by which deploy selects, or forgets it.
// +cache="never"
func (s *Strata) Records(
	ctx context.Context,
	// The unit (default: all of the environment)
	// +optional
	unit string,
	// The environment, where no unit is named (default: the one the module was made for)
	// +optional
	env string,
	// Remove the unit's record: the next deploy plans the unit
	// +optional
	forget bool,
	// What is returned: table or json
	// +optional
	format string,
) (string, error) {
	if forget && unit == "" {
		return "", errors.New("--forget: say which unit, with --unit")
	}
	o, err := s.options(ctx, want{environment: env})
	if err != nil {
		return "", coded(err)
	}
	if unit != "" && env == "" {
		o.Select.Environment = "" // it is the unit's
	}
	if forget {
		return "forgotten\n", coded(pipeline.ForgetRecord(ctx, o, unit))
	}
	records, err := pipeline.Records(ctx, o, unit)
	if err != nil && len(records) == 0 {
		return "", coded(err)
	}
	var b strings.Builder
	if unwritten := report.Records(&b, records, format); unwritten != nil {
		return "", unwritten
	}
	if err != nil { // of some: a value next to an error is lost
		return "", fmt.Errorf("%s%s", b.String(), err)
	}
	return b.String(), nil
}

// openRecords opens the store of records. Tests put another in its place.
var openRecords = func(ctx context.Context, url string, around *store.Surroundings) (pipeline.Memory, error) {
	return store.OpenIn(ctx, url, around)
}

// surroundings are what steps are given of credentials, files and services, for
// the store: it is opened in the module's own process.
func (g *given) surroundings(ctx context.Context, s *Strata) *store.Surroundings {
	var mu sync.Mutex
	names := make(map[string]string)
	return &store.Surroundings{
		Getenv: func(name string) string { return g.variables[name] },
		ReadFile: func(name string) ([]byte, error) {
			text, ok := g.files[path.Clean(name)]
			if !ok {
				return nil, fmt.Errorf("%s is given by no with-secret-file: %w", name, fs.ErrNotExist)
			}
			return []byte(text), nil
		},
		Host: func(_ context.Context, host string) (string, bool, error) {
			mu.Lock()
			defer mu.Unlock()
			if name := names[host]; name != "" {
				return name, true, nil
			}
			name, err := s.serviceName(ctx, host)
			names[host] = name
			return name, name != "", err
		},
		Advice: "chain with-aws-credentials before the verb, or with-secret-file for the files that hold profiles or tokens",
	}
}

// serviceName starts the service that steps reach under a name, and returns the
// name that the engine knows it by; "" where there is none.
func (s *Strata) serviceName(ctx context.Context, host string) (string, error) {
	for i := len(s.Mounts) - 1; i >= 0; i-- {
		m := s.Mounts[i]
		if m.Kind != "service" || m.Name != host {
			continue
		}
		started, err := m.Service.Start(ctx)
		if err != nil {
			return "", fmt.Errorf("start the service %s: %w", host, err)
		}
		return started.Hostname(ctx)
	}
	return "", nil
}
