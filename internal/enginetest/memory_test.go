//go:build engine

package enginetest

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// memoryServer is as much of S3 as Terraform's backend uses, for where there is
// no moto_server: objects, conditional writes and lists.
type memoryServer struct {
	mu      sync.Mutex
	objects map[string][]byte // by bucket/key; a bucket is one with the key ""
}

func (m *memoryServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := payload(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	name := bucket + "/" + key
	data, there := m.objects[name]
	_, known := m.objects[bucket+"/"]
	switch {
	case r.Method == http.MethodPut && key == "":
		m.objects[name] = nil
	case !known:
		s3Error(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist: "+bucket)
	case r.Method == http.MethodPut && there && r.Header.Get("If-None-Match") == "*":
		s3Error(w, http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	case r.Method == http.MethodPut:
		m.objects[name] = body
	case r.Method == http.MethodDelete:
		delete(m.objects, name)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet && key == "":
		m.list(w, bucket, r.URL.Query().Get("prefix"))
	case !there:
		s3Error(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		_, _ = w.Write(data)
	default:
		s3Error(w, http.StatusNotImplemented, "NotImplemented", r.Method)
	}
}

func (m *memoryServer) list(w http.ResponseWriter, bucket, prefix string) {
	type content struct {
		Key          string
		Size         int
		LastModified string
	}
	answer := struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		Name     string
		Prefix   string
		KeyCount int
		Contents []content
	}{Name: bucket, Prefix: prefix}
	for name, data := range m.objects {
		if key, ok := strings.CutPrefix(name, bucket+"/"); ok && key != "" && strings.HasPrefix(key, prefix) {
			answer.Contents = append(answer.Contents, content{key, len(data), time.Now().UTC().Format(time.RFC3339)})
		}
	}
	slices.SortFunc(answer.Contents, func(a, b content) int { return strings.Compare(a.Key, b.Key) })
	answer.KeyCount = len(answer.Contents)
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(answer)
}

func s3Error(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message)
}

// payload reads a request's body, which AWS's clients may send in chunks of
// their own: a size in hex (and a signature), the bytes, and so on.
func payload(r *http.Request) ([]byte, error) {
	if !strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") && !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return io.ReadAll(r.Body)
	}
	var out []byte
	for in := bufio.NewReader(r.Body); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("read a chunk: %w", err)
		}
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, err := strconv.ParseInt(size, 16, 32)
		if err != nil {
			return nil, errors.New("a chunk without a size")
		}
		if n == 0 {
			_, err = io.Copy(io.Discard, in)
			return out, err
		}
		chunk := make([]byte, n+2)
		if _, err := io.ReadFull(in, chunk); err != nil {
			return nil, fmt.Errorf("read a chunk: %w", err)
		}
		out = append(out, chunk[:n]...)
	}
}
