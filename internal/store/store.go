// Package store keeps what Strata must not lose between runs: today the states
// that a backend did not take.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"
)

// Store is a bucket of named files. It is made when something is first put
// into it.
type Store struct{ dir string }

// Open returns the store in a folder of this machine.
func Open(dir string) *Store { return &Store{dir: dir} }

// in calls do with the bucket. Of one that does not exist it is an
// fs.ErrNotExist.
func (s *Store) in(what, key string, do func(*blob.Bucket) error) error {
	b, err := fileblob.OpenBucket(s.dir, &fileblob.Options{NoTempDir: true, Metadata: fileblob.MetadataDontWrite, DirFileMode: 0o700})
	if _, statErr := os.Stat(s.dir); err != nil && errors.Is(statErr, fs.ErrNotExist) {
		err = fs.ErrNotExist
	}
	if err == nil {
		err = errors.Join(do(b), b.Close())
	}
	switch {
	case err == nil:
		return nil
	case gcerrors.Code(err) == gcerrors.NotFound:
		err = fs.ErrNotExist
	}
	return fmt.Errorf("store %s: %s %s: %w", s.dir, what, key, err)
}

// Put writes a file as a whole, mode 0600.
func (s *Store) Put(ctx context.Context, key string, data []byte) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("store %s: %w", s.dir, err)
	}
	return s.in("write", key, func(b *blob.Bucket) error {
		err := b.WriteAll(ctx, key, data, &blob.WriterOptions{BeforeWrite: private})
		if err != nil {
			_ = b.Delete(context.WithoutCancel(ctx), key) // what is not whole must not be taken for it
		}
		return err
	})
}

// private narrows the mode of a file before anything is in it.
func private(as func(any) bool) error {
	var f *os.File
	if !as(&f) {
		return errors.New("not a file")
	}
	return f.Chmod(0o600)
}

// Get reads a file; fs.ErrNotExist if there is none.
func (s *Store) Get(ctx context.Context, key string) (data []byte, err error) {
	err = s.in("read", key, func(b *blob.Bucket) error {
		data, err = b.ReadAll(ctx, key)
		return err
	})
	return data, err
}

// Delete removes a file; fs.ErrNotExist if there is none.
func (s *Store) Delete(ctx context.Context, key string) error {
	return s.in("remove", key, func(b *blob.Bucket) error { return b.Delete(ctx, key) })
}

// List returns the names of the files that begin with prefix, sorted. A store
// that was never written to has none.
func (s *Store) List(ctx context.Context, prefix string) (keys []string, err error) {
	err = s.in("list", prefix, func(b *blob.Bucket) error {
		for page := b.List(&blob.ListOptions{Prefix: prefix}); ; {
			object, err := page.Next(ctx)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			keys = append(keys, object.Key)
		}
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	slices.Sort(keys)
	return keys, err
}
