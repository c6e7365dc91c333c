package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func openTemp(t testing.TB) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a folder", "store")
	return open(t, folderURL(t, dir)), dir
}

func folderURL(t testing.TB, dir string) string {
	t.Helper()
	u, err := FolderURL(dir)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func open(t testing.TB, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testStore is what holds for every kind of store.
func testStore(t *testing.T, s *Store) {
	ctx := t.Context()
	keys, err := s.List(ctx, "records/")
	if err != nil || len(keys) != 0 {
		t.Fatalf("an empty store lists %q, %v", keys, err)
	}
	if _, err := s.Get(ctx, "records/staging/a.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Get of nothing: %v", err)
	}
	if err := s.Delete(ctx, "records/staging/a.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Delete of nothing: %v", err)
	}
	want := map[string][]byte{
		"records/staging/a.json":                                   []byte("one"),
		"records/staging/clients+acme@us-east-1@staging.json":      []byte("two"),
		"records/staging/clients+acme.com_2@us-east-1@staging.txt": []byte(""),
	}
	for key, data := range want {
		if err := s.Put(ctx, key, []byte("before")); err != nil {
			t.Fatal(err)
		}
		if err := s.Put(ctx, key, data); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"records/staging-2/b.json", "records/staging.json", "rescued/x/1.tfstate"} {
		if err := s.Put(ctx, key, []byte("other")); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.GetMany(ctx, "records/staging/")
	if err != nil {
		t.Fatal(err)
	}
	for key, data := range want {
		if string(got[key]) != string(data) {
			t.Errorf("%s is %q", key, got[key])
		}
	}
	if len(got) != len(want) {
		t.Errorf("GetMany gave %q", slices.Sorted(maps.Keys(got)))
	}
	keys, err = s.List(ctx, "records/staging")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append([]string{"records/staging-2/b.json", "records/staging.json"}, slices.Sorted(maps.Keys(want))...), keys); diff != "" {
		t.Error(diff)
	}
	if err := s.Delete(ctx, "records/staging/a.json"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(ctx, "records/staging/a.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Get of what was removed: %v", err)
	}
	testPutNew(t, s)
	testCancelled(t, s)
}

func testPutNew(t *testing.T, s *Store) {
	var won, lost atomic.Int32
	var winner atomic.Value
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			text := fmt.Sprint("writer ", i)
			switch err := s.PutNew(t.Context(), "keys/one", []byte(text)); {
			case err == nil:
				won.Add(1)
				winner.Store(text)
			case errors.Is(err, fs.ErrExist):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || lost.Load() != 15 {
		t.Fatalf("%d won, %d lost", won.Load(), lost.Load())
	}
	got, err := s.Get(t.Context(), "keys/one")
	if err != nil || string(got) != winner.Load() {
		t.Errorf("got %q, %v; %q won", got, err, winner.Load())
	}
}

func testCancelled(t *testing.T, s *Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Get(ctx, "keys/one")
	_, errMany := s.GetMany(ctx, "keys/")
	for _, err := range []error{err, errMany, s.Put(ctx, "keys/two", nil), s.Delete(ctx, "keys/one")} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	}
}

func TestFolder(t *testing.T) {
	s, dir := openTemp(t)
	testStore(t, s)
	filepath.WalkDir(dir, func(name string, entry fs.DirEntry, _ error) error {
		if strings.HasPrefix(entry.Name(), ".") {
			t.Errorf("%s was left", name)
		}
		return nil
	})
}

func TestFolderIsMadeLazily(t *testing.T) {
	s, dir := openTemp(t)
	if keys, err := s.List(t.Context(), ""); err != nil || len(keys) != 0 {
		t.Errorf("%q, %v", keys, err)
	}
	_, _ = s.Get(t.Context(), "a/b")
	_ = s.Delete(t.Context(), "a/b")
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading made the folder: %v", err)
	}
}

func TestFolderListsNoFilesOfOthers(t *testing.T) {
	s, dir := openTemp(t)
	if err := s.Put(t.Context(), "records/a.json", nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".DS_Store", ".tmp-123", "with space"} {
		if err := os.WriteFile(filepath.Join(dir, "records", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := s.List(t.Context(), "rec")
	if diff := cmp.Diff([]string{"records/a.json"}, keys); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// A file in a folder's place is no empty store.
func TestFolderIsAFile(t *testing.T) {
	s, dir := openTemp(t)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rescued"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "rescued/unit/state", nil); err == nil {
		t.Error("Put succeeds")
	}
	if keys, err := s.List(t.Context(), "rescued/unit/"); err == nil {
		t.Errorf("List succeeds: %q", keys)
	}
}

// A folder that cannot be read is no empty store.
func TestFolderUnreadable(t *testing.T) {
	s, dir := openTemp(t)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		t.Skip("a folder without permissions: root may read everything")
	}
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	_, err := s.List(t.Context(), "records/")
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "another user") {
		t.Errorf("got %v", err)
	}
}

// Readers beside a writer see one text or the other, never a part.
func TestFolderIsAtomic(t *testing.T) {
	s, dir := openTemp(t)
	other := open(t, folderURL(t, dir))
	texts := []string{strings.Repeat("a", 100_000), strings.Repeat("b", 200_000)}
	if err := s.Put(t.Context(), "k/x", []byte(texts[0])); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := s.Put(t.Context(), "k/x", []byte(texts[i])); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 200 {
		got, err := other.GetMany(t.Context(), "k/")
		if text := string(got["k/x"]); err != nil || len(got) != 1 || text != texts[0] && text != texts[1] {
			t.Errorf("%d files, %d bytes, %v", len(got), len(text), err)
			break
		}
	}
	close(stop)
	wg.Wait()
}

func TestGetManyBesideDelete(t *testing.T) {
	s, _ := openTemp(t)
	for i := range 200 {
		if err := s.Put(t.Context(), fmt.Sprintf("k/%d", i), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 200 {
			if err := s.Delete(t.Context(), fmt.Sprintf("k/%d", i)); err != nil {
				t.Error(err)
			}
		}
	})
	for range 20 {
		if _, err := s.GetMany(t.Context(), "k/"); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

func TestKeys(t *testing.T) {
	s, _ := openTemp(t)
	for _, key := range []string{"", "/", "/a", "a/", "a//b", "../a", "a/../b", "./a", ".hidden", "a/.tmp-1", `a\b`, "a:b", "a b", "ü", "a\x00b", strings.Repeat("a", 256)} {
		_, err := s.Get(t.Context(), key)
		for _, err := range []error{err, s.Put(t.Context(), key, nil), s.PutNew(t.Context(), key, nil), s.Delete(t.Context(), key)} {
			if err == nil || !strings.Contains(err.Error(), "is no key") {
				t.Errorf("%q: %v", key, err)
			}
		}
	}
	if _, err := s.List(t.Context(), "../"); err == nil {
		t.Error("List looks outside")
	}
}

func TestOpen(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	for _, test := range []struct{ url, want string }{
		{"file:///tmp/x", ""},
		{"file://host/tmp/x", "three slashes"},
		{"file:relative", "three slashes"},
		{"file:///tmp/x?create_dir=1", "three slashes"},
		{"/tmp/x", "a store is file:///"},
		{"gs://bucket", "a store is file:///"},
		{"s3://bucket/strata?region=us-east-1&encrypt=true&kms_key_id=a&use_path_style=true", ""},
		{"s3://bucket?region=us-east-1", ""},
		{"s3://bucket/strata", "add ?region=REGION"},
		{"s3:///strata?region=us-east-1", "write s3://bucket"},
		{"s3://key:secret@bucket/strata?region=us-east-1", "credentials are never part"},
		{"s3://bucket/a b?region=us-east-1", "the prefix"},
		{"s3://bucket/a?reigon=us-east-1", `unknown parameter "reigon"`},
		{"s3://bucket/a?region=us-east-1&region=x", "region twice"},
		{"s3://bucket/a?region=us-east-1&use_path_style=ja", "true or false"},
		{"s3://bucket/a?region=us-east-1&endpoint=localhost:5000", "endpoint is a URL"},
		{"s3://bucket/a?region=us-east-1&profile=nowhere", "nowhere"},
		{"s3://bu cket", "is no URL"},
	} {
		s, err := Open(t.Context(), test.url)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.url, err)
		case test.want == "" && s.String() != test.url:
			t.Errorf("%s: shown as %s", test.url, s)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, not %q", test.url, err, test.want)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: tells the secret: %v", test.url, err)
		}
	}
}

// fill puts n files of a record's size into a store.
func fill(t testing.TB, s *Store, n int) {
	t.Helper()
	data := []byte(strings.Repeat("x", 1500))
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < n; i += 8 {
				if err := s.Put(t.Context(), fmt.Sprintf("records/staging/clients+c%05d@us-east-1@staging.json", i), data); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkGetManyFolder5000(b *testing.B) {
	s, _ := openTemp(b)
	start := time.Now()
	fill(b, s, 5000)
	b.Logf("written in %v", time.Since(start))
	for b.Loop() {
		if files, err := s.GetMany(b.Context(), "records/staging/"); err != nil || len(files) != 5000 {
			b.Fatal(len(files), err)
		}
	}
}
