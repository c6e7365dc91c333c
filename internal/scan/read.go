package scan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Error says that a scanner did not do its work: nothing is known of what it
// would have found.
type Error struct {
	Tool    string
	Problem string
	Remedy  string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s %s; %s, or switch %s off under scan in strata.yaml", e.Tool, e.Problem, e.Remedy, e.Tool)
}

// Read makes a report of one run. A run of which anything is in doubt is an
// *Error, and never a report without findings.
func (s Scanner) Read(o Options, out Output) (Report, error) {
	if fault := s.failed(out); fault != nil {
		return Report{}, fault
	}
	report, err := s.Parse(o, out)
	if err != nil {
		var known *Error
		if errors.As(err, &known) {
			return Report{}, known
		}
		return Report{}, &Error{s.Name, err.Error(), "run it by hand to see what it prints"}
	}
	return report.finish(o), nil
}

// failed says whether the run ended in a way that no output makes good.
func (s Scanner) failed(out Output) *Error {
	code := out.ExitCode
	words := lastWords(out)
	switch {
	case code == 137:
		return &Error{s.Name, "was killed (exit code 137), most often for want of memory", "give it more, or skip folders that need no scan"}
	case code > 128 && code < 160:
		return &Error{s.Name, fmt.Sprintf("was ended by signal %d (exit code %d)", code-128, code), "run it again"}
	case code != 0 && !slices.Contains(s.OKCodes, code):
		return &Error{s.Name, fmt.Sprintf("failed with exit code %d%s", code, words), "mend what it says"}
	case bytes.Contains(out.Stderr, []byte("Traceback (most recent call last)")):
		return &Error{s.Name, fmt.Sprintf("crashed (exit code %d)%s", code, words), fmt.Sprintf("install version %s of it", s.Version)}
	}
	return nil
}

// logHead is what stands before the words in the log of a tool.
var logHead = regexp.MustCompile(`^\d{4}-\d\d-\d\d[T ][\d:,.]+Z? (\[MainThread ?\] )?`)

// faulty are lines in which a tool says what is wrong.
var faulty = regexp.MustCompile(`(?i)error|fatal|exception|panic`)

// lastWords is what a tool said last of what is wrong, or else at all, the way
// an error message ends.
func lastWords(out Output) string {
	var last string
	for _, text := range [][]byte{out.Stderr, out.Stdout} {
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		for _, l := range slices.Backward(lines) {
			if l = logHead.ReplaceAllString(line(l), ""); faulty.MatchString(l) {
				return ": " + l
			} else if last == "" && strings.Trim(l, "=-─ {}[]") != "" {
				last = ": " + l
			}
		}
	}
	return last
}

// decode reads one JSON document and nothing after it.
func decode(tool string, out Output, data []byte, v any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return &Error{tool, fmt.Sprintf("printed nothing (exit code %d)%s", out.ExitCode, lastWords(Output{Stderr: out.Stderr})), "run it by hand to see why"}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	err := dec.Decode(v)
	if err == nil {
		if _, more := dec.Token(); errors.Is(more, io.EOF) {
			return nil
		}
		return &Error{tool, "printed more than its JSON", "see that nothing else writes to its output"}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{tool, fmt.Sprintf("was cut off: its JSON ends in the middle, after %d bytes", len(data)), "run it again with more memory and time"}
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return &Error{tool, fmt.Sprintf("printed JSON that is not its report: %s is a %s", wrong.Field, wrong.Value), "install the version that is tested"}
	}
	return &Error{tool, "printed something that is not JSON: " + line(string(data[:min(len(data), 200)])), "run it by hand to see why"}
}
