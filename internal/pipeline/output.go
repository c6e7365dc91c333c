package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/stack"
)

// logsKept is how many runs' logs are kept where no folder is said.
const logsKept = 20

// output is the folder of one run: run.json, and a folder per unit with its
// log and, with --out, its plan and the plan's redacted JSON.
//
// All is mode 0600: plans hold secrets.
type output struct{ dir string }

func newOutput(o Options, id string) (*output, error) {
	if o.Logs != "" {
		keepFromGit(filepath.Dir(o.Logs))
	}
	switch {
	case o.Out != "":
		return makeOutput(o.Out)
	case o.Logs != "":
		pruneLogs(o.Logs)
		return makeOutput(filepath.Join(o.Logs, id))
	}
	return &output{}, nil
}

func makeOutput(dir string) (*output, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for this run's files: %w", err)
	}
	return &output{dir: dir}, nil
}

// keepFromGit makes Strata's own folder, which git must not take: states can be
// in it. Where it cannot be made, what is written into it will say so.
func keepFromGit(dir string) {
	_ = os.MkdirAll(dir, 0o700)
	path := filepath.Join(dir, ".gitignore")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		_ = os.WriteFile(path, []byte("*\n"), 0o600)
	}
}

// pruneLogs removes the oldest runs' logs; names sort by time. What cannot be
// removed is left for the next run.
func pruneLogs(dir string) {
	entries, _ := os.ReadDir(dir)
	for len(entries) >= logsKept {
		_ = os.RemoveAll(filepath.Join(dir, entries[0].Name()))
		entries = slices.Delete(entries, 0, 1)
	}
}

func (o *output) unitDir(unit *stack.Unit) string { return filepath.Join(o.dir, unit.Slug()) }

// write writes one of the unit's files.
func (o *output) write(unit *stack.Unit, name string, data []byte) error {
	if err := os.MkdirAll(o.unitDir(unit), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.unitDir(unit), name), data, 0o600)
}

func (o *output) writeRun(run *report.Run) error {
	if o.dir == "" {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(o.dir, "run.json"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write run.json: %w", err)
	}
	return errors.Join(report.JSON(f, run), f.Close())
}

// unitLog is what people read of one unit: a line per event, in their words.
type unitLog struct {
	name string // relative to the run's folder, "" where no log is kept
	mu   sync.Mutex
	file *os.File
	err  error
}

func (o *output) unitLog(unit *stack.Unit) (*unitLog, error) {
	if o.dir == "" {
		return &unitLog{}, nil
	}
	if err := os.MkdirAll(o.unitDir(unit), 0o700); err != nil {
		return nil, fmt.Errorf("make the unit's log: %w", err)
	}
	// A folder that is used again must not show an older run's plan.
	for _, name := range []string{planFile, redactedFile} {
		if err := os.RemoveAll(filepath.Join(o.unitDir(unit), name)); err != nil {
			return nil, fmt.Errorf("remove an older run's plan: %w", err)
		}
	}
	file, err := os.OpenFile(filepath.Join(o.unitDir(unit), "log.txt"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the unit's log: %w", err)
	}
	return &unitLog{name: filepath.ToSlash(filepath.Join(unit.Slug(), "log.txt")), file: file}, nil
}

func (l *unitLog) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return
	}
	_, err := fmt.Fprintf(l.file, time.Now().UTC().Format("15:04:05.000 ")+format+"\n", args...)
	l.err = errors.Join(l.err, err)
}

func (l *unitLog) diagnostic(d report.Diagnostic) {
	place := ""
	if d.File != "" {
		place = fmt.Sprintf(" (%s:%d)", d.File, d.Line)
	}
	l.printf("%s: %s%s\n%s", d.Severity, d.Summary, place, d.Detail)
}

func (l *unitLog) close() error {
	if l.file == nil {
		return nil
	}
	return errors.Join(l.err, l.file.Close())
}
