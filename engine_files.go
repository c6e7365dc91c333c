package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/dagger"
	"github.com/strata-tf/strata/internal/stack"
)

// readHere are the files whose content Strata itself reads in every case; of
// all others it only needs to know that they are there.
var readHere = []string{
	"strata.yaml", "**/*.tf", "**/*.tofu", "**/*.tf.json", "**/*.tofu.json", "**/*.hcl", "**/*.tfbackend", "**/*.tfvars", "**/*.tfvars.json",
	"**/.gitignore",
}

// fetch brings the files that Strata reads to the function's file system, as
// one archive: file by file, a large repository would take seconds.
func (e *engine) fetch(ctx context.Context, source *dagger.Directory, dir string) error {
	if err := e.archive(ctx, source.Filter(dagger.DirectoryFilterOpts{Include: readHere}), dir); err != nil {
		return fmt.Errorf("bring the repository's Terraform files here: %w", err)
	}
	if err := e.fetchLinks(ctx, source, dir); err != nil {
		return err
	}
	names, err := source.Glob(ctx, "**")
	if err != nil {
		return fmt.Errorf("list the repository's files: %w", err)
	}
	for _, name := range names {
		if err := touch(filepath.Join(dir, filepath.FromSlash(name)), strings.HasSuffix(name, "/")); err != nil {
			return err
		}
	}
	return nil
}

// fetchAll brings all files here, for their content to be compared.
func (e *engine) fetchAll(ctx context.Context, source *dagger.Directory, dir string) error {
	if err := e.archive(ctx, source, dir); err != nil {
		return fmt.Errorf("bring the repository's files here: %w", err)
	}
	return nil
}

// archive brings a folder here, as one archive.
func (e *engine) archive(ctx context.Context, source *dagger.Directory, dir string) error {
	if err := pull(ctx, "alpine", e.module.image("alpine")); err != nil {
		return err
	}
	packed := dag.Container().From(e.module.image("alpine")).
		WithMountedDirectory(sourceDir, source).
		WithExec([]string{"tar", "-C", sourceDir, "-cf", "/source.tar", "."})
	return e.bring(ctx, packed.File("/source.tar"), dir)
}

// fetchLinks brings the symbolic links here, whatever their names: modules and
// variable files may be links.
func (e *engine) fetchLinks(ctx context.Context, source *dagger.Directory, dir string) error {
	whole := dag.Container().From(e.module.image("alpine")).WithMountedDirectory(sourceDir, source).WithWorkdir(sourceDir)
	found, err := whole.WithExec([]string{"find", ".", "-type", "l"}).Stdout(ctx)
	if err != nil {
		return fmt.Errorf("look for the repository's symbolic links: %w", err)
	}
	links := strings.Split(strings.TrimSuffix(found, "\n"), "\n")
	if found == "" {
		return nil
	}
	packed := whole.WithExec(slices.Concat([]string{"tar", "-cf", "/links.tar"}, links))
	if err := e.bring(ctx, packed.File("/links.tar"), dir); err != nil {
		return fmt.Errorf("bring the repository's symbolic links here: %w", err)
	}
	return nil
}

// bring unpacks an archive of a container into a folder of the function's own
// file system.
func (e *engine) bring(ctx context.Context, archive *dagger.File, dir string) error {
	local := filepath.Join(e.scratch, e.next()+".tar")
	if _, err := archive.Export(ctx, local); err != nil {
		return err
	}
	defer os.Remove(local)
	return stack.Unpack(local, dir)
}

// touch makes an empty file, or a folder, where nothing is.
func touch(path string, folder bool) error {
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	if folder {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o600)
}

// makeBucket makes the demo's bucket, from a container beside the server.
func makeBucket(ctx context.Context, image string, server *dagger.Service) error {
	const script = "import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1], method='PUT'))"
	_, err := dag.Container().From(image).WithServiceBinding(demoHost, server).
		WithEnvVariable("STRATA_NONCE", nonce()).
		WithExec([]string{"python3", "-c", script, fmt.Sprintf("http://%s:%d/%s", demoHost, demoPort, demoBucket)}).
		Sync(ctx)
	return err
}
