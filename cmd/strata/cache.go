package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"

	"github.com/strata-tf/strata/internal/store"
)

// userCache keeps what scanners told, in a folder of the user: not in the checkout,
// which a change can bring along. It is made when something is kept.
type userCache struct {
	open func() (*store.Store, error)
}

func newUserCache(root string) userCache {
	return userCache{sync.OnceValues(func() (*store.Store, error) {
		dir, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(root))
		dir = filepath.Join(dir, "strata", "scans", hex.EncodeToString(sum[:8]))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		url, err := store.FolderURL(dir)
		if err != nil {
			return nil, err
		}
		return store.Open(context.Background(), url)
	})}
}

func (c userCache) Get(ctx context.Context, key string) ([]byte, error) {
	s, err := c.open()
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, key)
}

func (c userCache) Put(ctx context.Context, key string, data []byte) error {
	s, err := c.open()
	if err != nil {
		return err
	}
	return s.Put(ctx, key, data)
}
