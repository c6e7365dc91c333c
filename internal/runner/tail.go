package runner

import (
	"bytes"
	"errors"
	"io"
	"os"
	"time"
)

// tailEvery is how often a running step's output is looked at.
const tailEvery = 50 * time.Millisecond

// tail calls lines for every line written to the file at path, until the
// returned function is called: it reads what is left, a last line without an
// end included, and waits.
func tail(path string, lines func([]byte)) (stop func() error) {
	if lines == nil {
		return func() error { return nil }
	}
	ended := make(chan struct{})
	result := make(chan error, 1)
	go func() { result <- follow(path, lines, ended) }()
	return func() error {
		close(ended)
		return <-result
	}
}

func follow(path string, lines func([]byte), ended <-chan struct{}) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	ticker := time.NewTicker(tailEvery)
	defer ticker.Stop()
	var rest []byte
	buf := make([]byte, 32<<10)
	for last := false; ; {
		for {
			n, err := f.Read(buf)
			rest = splitLines(append(rest, buf[:n]...), lines)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
		}
		if last {
			if len(rest) > 0 {
				lines(rest)
			}
			return nil
		}
		select {
		case <-ended:
			last = true
		case <-ticker.C:
		}
	}
}

// splitLines hands on each complete line and returns what follows the last.
func splitLines(data []byte, lines func([]byte)) []byte {
	for {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			return bytes.Clone(data)
		}
		lines(bytes.TrimSuffix(data[:i], []byte("\r")))
		data = data[i+1:]
	}
}
