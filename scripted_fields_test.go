//go:build aliases

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// field is a call that the scripted engine knows: the type of its result (""
// for a plain value), its arguments, and how it is made of the object it is
// called on.
type field struct {
	typ   string
	args  string
	value func(ctx context.Context, e *scripted, n *node, of any) (any, error)
}

var fields map[string]field

func init() {
	fields = map[string]field{
		"Query.container":        {"Container", "", func(context.Context, *scripted, *node, any) (any, error) { return newBox(""), nil }},
		"Query.directory":        {"Directory", "", func(context.Context, *scripted, *node, any) (any, error) { return files{}, nil }},
		"Query.host":             {"Host", "", nothing},
		"Query.currentModule":    {"CurrentModule", "", nothing},
		"Query.currentWorkspace": {"Workspace", "", nothing},
		"Query.cacheVolume": {"CacheVolume", "key", func(_ context.Context, _ *scripted, n *node, _ any) (any, error) {
			return cache{key: n.text("key")}, nil
		}},
		"Query.secret": {"Secret", "uri", secretOf},
		"Query.setSecret": {"Secret", "name plaintext", func(_ context.Context, _ *scripted, n *node, _ any) (any, error) {
			return &secret{name: n.text("name"), plaintext: n.text("plaintext")}, nil
		}},

		"Host.directory": {"Directory", "path", func(_ context.Context, e *scripted, n *node, _ any) (any, error) {
			found, ok := e.host[n.text("path")]
			if !ok {
				return nil, fmt.Errorf("%s: no such file or directory", n.text("path"))
			}
			return found, nil
		}},
		"Workspace.findUp":    {"", "name", findUp},
		"Workspace.directory": {"Directory", "path include exclude gitignore", workspaceDirectory},
		"CurrentModule.source": {"Directory", "", func(_ context.Context, e *scripted, _ *node, _ any) (any, error) {
			return e.module, nil
		}},
		"CurrentModule.workdir": {"Directory", "path", func(_ context.Context, _ *scripted, n *node, _ any) (any, error) {
			return diskFiles(n.text("path"))
		}},
		"Secret.plaintext": {"", "", func(_ context.Context, _ *scripted, _ *node, of any) (any, error) { return of.(*secret).plaintext, nil }},
		"Service.start": {"", "", func(ctx context.Context, e *scripted, n *node, of any) (any, error) {
			return nil, e.start(ctx, n, of.(*service))
		}},
		"Service.hostname": {"", "", func(_ context.Context, _ *scripted, _ *node, of any) (any, error) {
			return of.(*service).box.image + ".internal", nil
		}},
		"Service.endpoint": {"", "", func(_ context.Context, e *scripted, _ *node, of any) (any, error) {
			e.mu.Lock()
			defer e.mu.Unlock()
			return e.running[of.(*service).id], nil
		}},
		"Service.stop": {"", "kill", func(_ context.Context, e *scripted, n *node, of any) (any, error) {
			e.mu.Lock()
			defer e.mu.Unlock()
			if _, runs := e.running[of.(*service).id]; runs && n.args["kill"] == true {
				e.killed++
			}
			delete(e.running, of.(*service).id)
			return nil, nil
		}},

		"Directory.filter":    {"Directory", "include exclude", directory(func(f files, n *node) files { return f.filter(n.list("include"), n.list("exclude")) })},
		"Directory.directory": {"Directory", "path", directory(func(f files, n *node) files { return f.below(n.text("path")) })},
		"Directory.withDirectory": {"Directory", "path source", func(ctx context.Context, e *scripted, n *node, of any) (any, error) {
			source, _, err := object[files](ctx, e, n, "source")
			return of.(files).with(n.text("path"), source, false), err
		}},
		"Directory.withNewFile": {"Directory", "path contents", directory(func(f files, n *node) files { return f.with(".", newFile(n), false) })},
		"Directory.file": {"File", "path", func(_ context.Context, _ *scripted, n *node, of any) (any, error) {
			found, ok := of.(files)[clean(n.text("path"))]
			if !ok {
				return nil, fmt.Errorf("%s: no such file or directory", n.text("path"))
			}
			return found, nil
		}},
		"Directory.sync": {"", "", nothing},
		"Directory.glob": {"", "pattern", func(_ context.Context, _ *scripted, n *node, of any) (any, error) {
			return of.(files).glob(n.text("pattern")), nil
		}},
		"Directory.export": {"", "path", func(_ context.Context, _ *scripted, n *node, of any) (any, error) {
			return n.text("path"), of.(files).export(n.text("path"))
		}},
		"File.contents": {"", "", func(_ context.Context, _ *scripted, _ *node, of any) (any, error) { return of.(file).data, nil }},
		"File.export": {"", "path", func(_ context.Context, _ *scripted, n *node, of any) (any, error) {
			return n.text("path"), exportFile(n.text("path"), of.(file))
		}},

		"Container.from": {"Container", "address", func(_ context.Context, e *scripted, n *node, _ any) (any, error) {
			image := n.text("address")
			if slices.Contains(e.noImages, image) {
				return nil, fmt.Errorf("failed to resolve source metadata for %s: not found", image)
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			e.pulled[image] = true
			b := newBox(image)
			if !slices.Contains(e.noShell, image) {
				maps.Copy(b.files, tree(map[string]string{"bin/sh": image, "bin/busybox": image, "lib/ld-musl-x86_64.so.1": image, "lib/libz.so": image}))
			}
			maps.Copy(b.files, e.images[image])
			return b, nil
		}},
		"Container.withEnvVariable": {"Container", "name value", container(func(_ context.Context, _ *scripted, n *node, b *box) error {
			b.env[n.text("name")] = n.text("value")
			delete(b.hidden, n.text("name"))
			return nil
		})},
		"Container.withSecretVariable": {"Container", "name secret", container(func(ctx context.Context, e *scripted, n *node, b *box) error {
			s, _, err := object[*secret](ctx, e, n, "secret")
			b.hidden[n.text("name")] = s
			delete(b.env, n.text("name"))
			return err
		})},
		"Container.withMountedSecret": {"Container", "path source", container(func(ctx context.Context, e *scripted, n *node, b *box) error {
			s, _, err := object[*secret](ctx, e, n, "source")
			b.secrets[path.Clean(n.text("path"))] = s
			return err
		})},
		"Container.withServiceBinding": {"Container", "alias service", container(func(ctx context.Context, e *scripted, n *node, b *box) error {
			s, _, err := object[*service](ctx, e, n, "service")
			b.services[n.text("alias")] = s
			return err
		})},
		"Container.withMountedCache": {"Container", "path cache sharing", container(func(ctx context.Context, e *scripted, n *node, b *box) error {
			c, _, err := object[cache](ctx, e, n, "cache")
			c.sharing = n.text("sharing")
			b.caches[path.Clean(n.text("path"))] = c
			return err
		})},
		"Container.withMountedDirectory": {"Container", "path source", container(func(ctx context.Context, e *scripted, n *node, b *box) error {
			source, id, err := object[files](ctx, e, n, "source")
			b.mounts[path.Clean(n.text("path"))] = id
			b.files = b.files.with(n.text("path"), source, true)
			return err
		})},
		"Container.withFile": {"Container", "path source", container(func(ctx context.Context, e *scripted, n *node, b *box) error {
			source, _, err := object[file](ctx, e, n, "source")
			b.files = b.files.with("/", files{clean(n.text("path")): source}, false)
			return err
		})},
		"Container.withDirectory": {"Container", "path source include", container(func(ctx context.Context, e *scripted, n *node, b *box) error {
			source, _, err := object[files](ctx, e, n, "source")
			b.files = b.files.with(n.text("path"), source.filter(n.list("include"), nil), false)
			return err
		})},
		"Container.withUser": {"Container", "name", container(func(_ context.Context, _ *scripted, n *node, b *box) error {
			b.user = n.text("name")
			return nil
		})},
		"Container.withNewFile": {"Container", "path contents permissions", container(func(_ context.Context, _ *scripted, n *node, b *box) error {
			b.files = b.files.with("/", newFile(n), false)
			return nil
		})},
		"Container.withoutFile": {"Container", "path", container(func(_ context.Context, _ *scripted, n *node, b *box) error {
			b.files = maps.Clone(b.files)
			delete(b.files, clean(n.text("path")))
			return nil
		})},
		"Container.withWorkdir": {"Container", "path", container(func(_ context.Context, _ *scripted, n *node, b *box) error {
			b.workdir = path.Clean(n.text("path"))
			return nil
		})},
		"Container.withExposedPort": {"Container", "port", container(func(_ context.Context, _ *scripted, n *node, b *box) error {
			b.ports = append(b.ports, int(n.args["port"].(int64)))
			return nil
		})},
		"Container.withExec": {"Container", "args expect redirectStdout redirectStderr", func(ctx context.Context, e *scripted, n *node, of any) (any, error) {
			return e.exec(ctx, n, of.(*box))
		}},
		"Container.asService": {"Service", "args useEntrypoint", func(_ context.Context, _ *scripted, n *node, of any) (any, error) {
			entrypoint, _ := n.args["useEntrypoint"].(bool)
			return &service{id: n.id, box: of.(*box), args: n.list("args"), entrypoint: entrypoint}, nil
		}},
		"Container.directory": {"Directory", "path", func(_ context.Context, _ *scripted, n *node, of any) (any, error) {
			if b := of.(*box); b.files.has(n.path(b)) || b.mounts[n.path(b)] != "" {
				return b.files.below(n.path(b)), nil
			}
			return nil, fmt.Errorf("%s: no such file or directory", n.text("path"))
		}},
		"Container.file": {"File", "path", func(_ context.Context, _ *scripted, n *node, of any) (any, error) {
			b := of.(*box)
			if b.secrets[n.path(b)] != nil {
				return nil, fmt.Errorf("%s is a mounted secret", n.text("path"))
			}
			found, ok := b.files[clean(n.path(b))]
			if !ok {
				return nil, fmt.Errorf("%s: no such file or directory", n.text("path"))
			}
			return found, nil
		}},
		"Container.exists": {"", "path", func(_ context.Context, _ *scripted, n *node, of any) (any, error) {
			b := of.(*box)
			return b.files.has(n.path(b)) || b.mounts[n.path(b)] != "", nil
		}},
		"Container.sync": {"", "", nothing},
		"Container.exitCode": {"", "", func(_ context.Context, _ *scripted, _ *node, of any) (any, error) {
			if last := of.(*box).last; last != nil {
				return last.Code, nil
			}
			return nil, errors.New("no command has been executed")
		}},
		"Container.stdout": {"", "", func(_ context.Context, _ *scripted, _ *node, of any) (any, error) {
			if last := of.(*box).last; last != nil {
				return last.Stdout, nil
			}
			return nil, errors.New("no command has been executed")
		}},
	}
}

func nothing(context.Context, *scripted, *node, any) (any, error) { return nil, nil }

func newBox(image string) *box {
	return &box{
		image: image, env: map[string]string{}, hidden: map[string]*secret{}, secrets: map[string]*secret{}, caches: map[string]cache{},
		services: map[string]*service{}, mounts: map[string]string{}, files: files{},
	}
}

// container makes a field of what changes a copy of a container.
func container(change func(context.Context, *scripted, *node, *box) error) func(context.Context, *scripted, *node, any) (any, error) {
	return func(ctx context.Context, e *scripted, n *node, of any) (any, error) {
		b := of.(*box).clone()
		return b, change(ctx, e, n, b)
	}
}

func directory(change func(files, *node) files) func(context.Context, *scripted, *node, any) (any, error) {
	return func(_ context.Context, _ *scripted, n *node, of any) (any, error) { return change(of.(files), n), nil }
}

func newFile(n *node) files {
	mode, ok := n.args["permissions"].(int64)
	if !ok {
		mode = 0o644
	}
	return files{clean(n.text("path")): {data: n.text("contents"), mode: mode}}
}

// path is the argument of that name, in the container.
func (n *node) path(b *box) string {
	if name := n.text("path"); path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", b.workdir, n.text("path"))
}

func secretOf(_ context.Context, e *scripted, n *node, _ any) (any, error) {
	uri := n.text("uri")
	value, ok := e.secrets[uri]
	if !ok {
		return nil, fmt.Errorf("secret env var not found: %q", strings.TrimPrefix(uri, "env://"))
	}
	return &secret{name: uri, plaintext: value}, nil
}

// findUp looks for a file in the caller's folder and those above it.
func findUp(_ context.Context, e *scripted, n *node, _ any) (any, error) {
	for dir := e.cwd; ; dir = path.Dir(dir) {
		if name := path.Join(dir, n.text("name")); e.workspace.has(name) {
			return "/" + name, nil
		}
		if dir == "." {
			return "", nil
		}
	}
}

func workspaceDirectory(_ context.Context, e *scripted, n *node, _ any) (any, error) {
	dir := n.text("path")
	if !path.IsAbs(dir) {
		dir = path.Join(e.cwd, dir)
	}
	found := e.workspace.below(dir)
	if ignore, _ := n.args["gitignore"].(bool); ignore {
		found = found.unignored()
	}
	return found.filter(n.list("include"), n.list("exclude")), nil
}
