package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestStorage(t *testing.T) {
	s := storage(filepath.Join(t.TempDir(), "things"))
	if _, err := s.read("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before it is made: %v", err)
	}
	secret := "s3cret"
	made, err := s.create(thing{Name: "a", Value: "x", Secret: &secret, Ports: []json.Number{"80", "9007199254740993"}})
	if err != nil {
		t.Fatal(err)
	}
	want := thing{Name: "a", Value: "x", Secret: &secret, Ports: []json.Number{"80", "9007199254740993"}, Owner: "nobody", Version: 1}
	got, err := s.read("a")
	if err != nil || got.etag == "" {
		t.Fatalf("got %+v, %v", got, err)
	}
	want.etag = got.etag
	for name, got := range map[string]thing{"made": made, "read": got} {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
	if _, err := s.create(thing{Name: "a"}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made twice: %v", err)
	}

	// Nothing set and set to nothing are two.
	changed, err := s.update(thing{Name: "a", Owner: "me", Tags: map[string]string{}, Ports: []json.Number{}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err = s.read("a"); err != nil || !reflect.DeepEqual(got, changed) {
		t.Errorf("\n got %+v, %v\nwant %+v", got, err, changed)
	}
	if got.Version != 2 || got.etag == want.etag || got.Secret != nil || got.Tags == nil || got.Ports == nil {
		t.Errorf("got %+v", got)
	}

	if err := s.remove("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.update(thing{Name: "a"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("changed when it was gone: %v", err)
	}
	left, err := os.ReadDir(string(s))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestStorageRefuses(t *testing.T) {
	s := storage(t.TempDir())
	for _, name := range []string{"", ".", "..", ".a", "a/b", `a\b`} {
		if _, err := s.create(thing{Name: name}); err == nil {
			t.Errorf("the name %q is taken", name)
		}
	}
	for name, text := range map[string]string{"cut off": "{", "something after it": "{}}", "another type": `{"value": 1}`} {
		if err := os.WriteFile(filepath.Join(string(s), "a.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.read("a"); err == nil || !strings.Contains(err.Error(), "a.json is broken: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
