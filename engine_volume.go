package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/dagger"
)

// volume keeps rescued states in a cache volume of the engine: the function's
// own files, and what it returns next to an error, are lost.
type volume struct{ engine *engine }

const volumeDir = "/store"

func (v *volume) container() *dagger.Container {
	return dag.Container().From(v.engine.module.image("alpine")).
		WithMountedCache(volumeDir, dag.CacheVolume("strata-rescued"), dagger.ContainerWithMountedCacheOpts{Sharing: dagger.CacheSharingModeLocked}).
		WithEnvVariable("STRATA_NONCE", v.engine.next())
}

func (v *volume) Put(ctx context.Context, key string, data []byte) error {
	name := path.Join(volumeDir, key)
	_, err := v.container().WithMountedSecret("/state", dag.SetSecret(v.engine.next(), string(data))).
		WithExec([]string{"mkdir", "-p", path.Dir(name)}).
		WithExec([]string{"cp", "/state", name}).Sync(ctx)
	if err != nil {
		return fmt.Errorf("keep %s in the engine: %w", key, err)
	}
	return nil
}

func (v *volume) Get(ctx context.Context, key string) ([]byte, error) {
	local := filepath.Join(v.engine.scratch, v.engine.next())
	_, err := v.container().WithExec([]string{"cp", path.Join(volumeDir, key), "/state"}).File("/state").Export(ctx, local)
	if err != nil {
		return nil, fmt.Errorf("read %s from the engine: %w", key, err)
	}
	defer os.Remove(local)
	return os.ReadFile(local)
}

func (v *volume) Delete(ctx context.Context, key string) error {
	_, err := v.container().WithExec([]string{"rm", "-f", path.Join(volumeDir, key)}).Sync(ctx)
	return err
}

func (v *volume) List(ctx context.Context, prefix string) ([]string, error) {
	out, err := v.container().WithExec([]string{"find", volumeDir, "-type", "f"}).Stdout(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for rescued states in the engine: %w", err)
	}
	var keys []string
	for line := range strings.Lines(out) {
		key := strings.TrimPrefix(strings.TrimSpace(line), volumeDir+"/")
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}
