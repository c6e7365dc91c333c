package runner

import (
	"bufio"
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
	reader := bufio.NewReaderSize(f, 32<<10)
	var line []byte
	for last := false; ; {
		part, err := reader.ReadBytes('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			lines(bytes.TrimRight(line, "\r\n"))
			line = nil
		case !errors.Is(err, io.EOF):
			return err
		case last:
			if len(line) > 0 {
				lines(bytes.TrimRight(line, "\r"))
			}
			return nil
		default:
			select {
			case <-ended:
				last = true
			case <-ticker.C:
			}
		}
	}
}
