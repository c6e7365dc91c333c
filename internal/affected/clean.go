package affected

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
)

// hashBlob returns the id that git gives to a content.
func hashBlob(data []byte) (id plumbing.Hash) {
	h := sha1.New()
	h.Write(strconv.AppendInt([]byte("blob "), int64(len(data)), 10))
	h.Write([]byte{0})
	h.Write(data)
	h.Sum(id[:0])
	return id
}

var (
	lfsPointer = []byte("version https://git-lfs.github.com/spec/")
	idKeyword  = regexp.MustCompile(`\$Id(:[^$\n]*)?\$`)
)

// clean turns a file's content in the working tree into what git would store:
// line ends, large files kept by git-lfs, $Id$. attr are the file's attributes,
// auto says whether core.autocrlf is on, and stored returns what git has stored
// for the file so far, nil for nothing. Other filters are commands, which do
// not run: such a file counts as it is.
func clean(data []byte, attr map[string]string, auto bool, stored func() []byte) []byte {
	if attr["filter"] == "lfs" {
		if len(data) == 0 || bytes.HasPrefix(data, lfsPointer) && len(data) < 1024 {
			return data
		}
		sum := sha256.Sum256(data)
		return pointer(sum[:], int64(len(data)))
	}
	data = cleanLines(data, attr, auto, stored)
	if v, ok := attr["ident"]; ok && v != "-" {
		data = idKeyword.ReplaceAllLiteral(data, []byte("$Id$"))
	}
	return data
}

// pointer is what git-lfs stores in place of a content.
func pointer(sum []byte, size int64) []byte {
	return fmt.Appendf(nil, "version https://git-lfs.github.com/spec/v1\noid sha256:%x\nsize %d\n", sum, size)
}

// cleanLines makes CRLF to LF where git would.
func cleanLines(data []byte, attr map[string]string, auto bool, stored func() []byte) []byte {
	if !bytes.Contains(data, []byte("\r\n")) {
		return data
	}
	text, set := attr["text"]
	if old, ok := attr["crlf"]; ok && !set {
		// The attribute's old name.
		text, set = old, true
	}
	eol := attr["eol"]
	switch {
	case set && text == "-":
		return data
	case set && text == "auto", !set && eol != "lf" && eol != "crlf" && auto:
		// git looks at the content, and leaves what was stored with CRLF.
		if isBinary(data) {
			return data
		}
		if before := stored(); bytes.Contains(before, []byte("\r\n")) && !isBinary(before) {
			return data
		}
	case !set && eol != "lf" && eol != "crlf":
		return data
	}
	return bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
}

// isBinary says whether git takes a content for binary when it looks for line
// ends.
func isBinary(data []byte) bool {
	printable, other := 0, 0
	for i, c := range data {
		switch {
		case c == '\r':
			if i+1 == len(data) || data[i+1] != '\n' {
				return true
			}
		case c == '\n':
		case c == 0:
			return true
		case c == '\b', c == '\t', c == '\f', c == 0x1b:
			printable++
		case c < ' ', c == 0x7f:
			other++
		default:
			printable++
		}
	}
	if len(data) > 0 && data[len(data)-1] == 0x1a {
		other--
	}
	return printable>>7 < other
}
