// Package store keeps what Strata must not lose between runs: records, and the
// states that a backend did not take. It is a folder or a part of an S3 bucket.
package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Store holds files by key: slash paths of letters, digits and . _ - + @. It is
// safe for concurrent use, also by several processes: a file is there as a
// whole or not at all.
type Store struct {
	url    string
	driver driver
	width  int // requests at once
}

// driver is one kind of store. What it returns for a file that is not there
// wraps fs.ErrNotExist.
type driver interface {
	// put writes a file as a whole. With exclusive set it fails with
	// fs.ErrExist where there is one.
	put(ctx context.Context, key string, data []byte, exclusive bool) error
	get(ctx context.Context, key string) ([]byte, error)
	remove(ctx context.Context, key string) error
	// list returns every key that begins with prefix, sorted.
	list(ctx context.Context, prefix string) ([]string, error)
	// advice says what to do about a failure, "" if that is not known.
	advice(err error) string
}

// Open returns the store at a URL:
//
//	file:///absolute/folder
//	s3://bucket/prefix?region=…&endpoint=…&use_path_style=true&profile=…
//	    &role_arn=…&external_id=…&session_name=…&encrypt=true&kms_key_id=…
//
// The folder is made when something is first put into it. Nothing is asked of
// S3 before it is used; what the URL does not say comes from where the AWS
// tools look for it (AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL_S3, …).
func Open(ctx context.Context, rawURL string) (*Store, error) {
	return OpenIn(ctx, rawURL, nil)
}

// OpenIn is Open with other surroundings than this process's own.
func OpenIn(ctx context.Context, rawURL string, around *Surroundings) (*Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("store %q is no URL: %w", rawURL, errors.Unwrap(err))
	}
	s := &Store{url: u.Redacted()}
	switch u.Scheme {
	case "file":
		s.width = 8
		s.driver, err = openFolder(u)
	case "s3":
		s.width = s3Width
		s.driver, err = openBucket(ctx, u, around)
	default:
		err = errors.New("a store is file:///absolute/folder or s3://bucket/prefix?region=REGION")
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", s.url, err)
	}
	return s, nil
}

// String is the store's URL.
func (s *Store) String() string { return s.url }

// Put writes a file as a whole.
func (s *Store) Put(ctx context.Context, key string, data []byte) error {
	return s.do("write", key, func() error { return s.driver.put(ctx, key, data, false) })
}

// PutNew writes a file that must not be there yet: of several writers one wins,
// the others get fs.ErrExist. (An S3 of another maker may not know conditional
// writes and let the last win: read again what must be agreed upon.)
func (s *Store) PutNew(ctx context.Context, key string, data []byte) error {
	return s.do("write", key, func() error { return s.driver.put(ctx, key, data, true) })
}

// Get reads a file. The error wraps fs.ErrNotExist if there is none.
func (s *Store) Get(ctx context.Context, key string) (data []byte, err error) {
	err = s.do("read", key, func() error { data, err = s.driver.get(ctx, key); return err })
	return data, err
}

// Delete removes a file. The error wraps fs.ErrNotExist if there is none.
func (s *Store) Delete(ctx context.Context, key string) error {
	return s.do("remove", key, func() error { return s.driver.remove(ctx, key) })
}

// List returns the keys that begin with prefix, sorted. A folder that was never
// written to has none; a bucket that does not exist is an error.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	keys, err := s.driver.list(ctx, prefix)
	if err != nil {
		return nil, s.failed("list", prefix, err)
	}
	return keys, nil
}

// GetMany reads all files whose keys begin with prefix, side by side. One that
// is removed meanwhile is left out.
func (s *Store) GetMany(ctx context.Context, prefix string) (map[string][]byte, error) {
	keys, err := s.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte, len(keys))
	var mu sync.Mutex
	group, inner := errgroup.WithContext(ctx)
	next := make(chan string)
	for range min(s.width, len(keys)) {
		group.Go(func() error {
			for key := range next {
				data, err := s.Get(inner, key)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					return err
				}
				mu.Lock()
				files[key] = data
				mu.Unlock()
			}
			return nil
		})
	}
	for _, key := range keys {
		select {
		case next <- key:
			continue
		case <-inner.Done():
		}
		break
	}
	close(next)
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return files, ctx.Err()
}

func (s *Store) do(verb, key string, what func() error) error {
	if !validKey(key) {
		return fmt.Errorf("store %s: %q is no key", s.url, key)
	}
	if err := what(); err != nil {
		return s.failed(verb, key, err)
	}
	return nil
}

func (s *Store) failed(verb, key string, err error) error {
	if advice := s.driver.advice(err); advice != "" {
		return fmt.Errorf("store %s: %s %s: %w: %s", s.url, verb, key, err, advice)
	}
	return fmt.Errorf("store %s: %s %s: %w", s.url, verb, key, err)
}

// validKey says whether a key means the same file in every store. Names begin
// with a letter or digit: no "..", and no file that a driver hides.
func validKey(key string) bool {
	for name := range strings.SplitSeq(key, "/") {
		if name == "" || len(name) > 255 {
			return false
		}
		for i, c := range []byte(name) {
			plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
			if !plain && (i == 0 || !strings.ContainsRune("._-+@", rune(c))) {
				return false
			}
		}
	}
	return true
}
