// Package store keeps what Strata must not lose between runs: today the states
// that a backend did not take.
package store

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
)

// Store is a bucket of named files. It is made when something is first put
// into it.
type Store struct{ dir string }

// Open returns the store in a folder of this machine.
func Open(dir string) *Store { return &Store{dir: dir} }

func (s *Store) bucket() (*blob.Bucket, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	return fileblob.OpenBucket(s.dir, &fileblob.Options{NoTempDir: true, Metadata: fileblob.MetadataDontWrite, DirFileMode: 0o700})
}

// Put writes a file as a whole, mode 0600.
func (s *Store) Put(ctx context.Context, key string, data []byte) error {
	b, err := s.bucket()
	if err != nil {
		return fmt.Errorf("store %s: %w", s.dir, err)
	}
	defer b.Close()
	if err := b.WriteAll(ctx, key, data, nil); err != nil {
		return fmt.Errorf("store %s: write %s: %w", s.dir, key, err)
	}
	return nil
}

// Get reads a file.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	b, err := s.bucket()
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", s.dir, err)
	}
	defer b.Close()
	data, err := b.ReadAll(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("store %s: read %s: %w", s.dir, key, err)
	}
	return data, nil
}

// Delete removes a file.
func (s *Store) Delete(ctx context.Context, key string) error {
	b, err := s.bucket()
	if err != nil {
		return fmt.Errorf("store %s: %w", s.dir, err)
	}
	defer b.Close()
	if err := b.Delete(ctx, key); err != nil {
		return fmt.Errorf("store %s: remove %s: %w", s.dir, key, err)
	}
	return nil
}

// List returns the names of the files that begin with prefix, sorted. A store
// that was never written to has none.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	if _, err := os.Stat(s.dir); os.IsNotExist(err) {
		return nil, nil
	}
	b, err := s.bucket()
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", s.dir, err)
	}
	defer b.Close()
	var keys []string
	for page := b.List(&blob.ListOptions{Prefix: prefix}); ; {
		object, err := page.Next(ctx)
		if err == io.EOF {
			slices.Sort(keys)
			return keys, nil
		}
		if err != nil {
			return nil, fmt.Errorf("store %s: list %s: %w", s.dir, prefix, err)
		}
		keys = append(keys, object.Key)
	}
}
