package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// thing is what a file holds. What is not there is not set.
type thing struct {
	Name    string            `json:"name"`
	Value   string            `json:"value"`
	Secret  *string           `json:"secret,omitzero"`
	Tags    map[string]string `json:"tags,omitzero"`
	Ports   []json.Number     `json:"ports,omitzero"`
	Owner   string            `json:"owner"`
	Version int64             `json:"version"` // counts the writes, whoever writes

	etag string // of the file as it is
}

// storage is the folder where things are kept.
type storage string

func (s storage) file(name string) (string, error) {
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, `/\`) {
		return "", fmt.Errorf("%q cannot name a thing", name)
	}
	return filepath.Join(string(s), name+".json"), nil
}

// read fails with fs.ErrNotExist where there is no such thing.
func (s storage) read(name string) (thing, error) {
	file, err := s.file(name)
	if err != nil {
		return thing{}, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return thing{}, err
	}
	var t thing
	if err := json.Unmarshal(data, &t); err != nil {
		return thing{}, fmt.Errorf("%s is broken: %w", file, err)
	}
	t.etag = etag(data)
	return t, nil
}

func (s storage) create(t thing) (thing, error) {
	file, err := s.file(t.Name)
	if err != nil {
		return thing{}, err
	}
	if _, err := os.Stat(file); err == nil {
		return thing{}, fmt.Errorf("%s: %w", file, fs.ErrExist)
	}
	if err := os.MkdirAll(string(s), 0o755); err != nil {
		return thing{}, err
	}
	return s.write(t)
}

func (s storage) update(t thing) (thing, error) {
	was, err := s.read(t.Name)
	if err != nil {
		return thing{}, err
	}
	t.Version = was.Version
	return s.write(t)
}

// write replaces a file as a whole: whoever reads meanwhile sees the one or the other.
func (s storage) write(t thing) (thing, error) {
	file, err := s.file(t.Name)
	if err != nil {
		return thing{}, err
	}
	t.Version++
	if t.Owner == "" {
		t.Owner = "nobody"
	}
	data, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return thing{}, err
	}
	data = append(data, '\n')
	if err := os.WriteFile(file+".new", data, 0o600); err != nil {
		return thing{}, err
	}
	t.etag = etag(data)
	return t, os.Rename(file+".new", file)
}

func (s storage) remove(name string) error {
	file, err := s.file(name)
	if err != nil {
		return err
	}
	return os.Remove(file)
}

func etag(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}
