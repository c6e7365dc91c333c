package store

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/strata-tf/strata/internal/stack"
)

const layout = `version: 1
layers:
  - {name: base, path: "base/{instance}/{env}"}
  - {name: app, path: "app/{instance}/{env}"}
environments:
  staging: {branch: staging}
`

// defaultOf finds the default store of staging in a repository.
func defaultOf(t testing.TB, files map[string]string) (string, error) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	if fsys["strata.yaml"] == nil {
		fsys["strata.yaml"] = &fstest.MapFile{Data: []byte(layout)}
	}
	config, err := stack.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := stack.Discover(fsys, config)
	if err != nil {
		t.Fatal(err)
	}
	units := tree.Environment("staging")
	if err := tree.Load(stack.NewReader(fsys), units); err != nil {
		t.Fatal(err)
	}
	return Default(units, func(name string) ([]byte, error) { return fs.ReadFile(fsys, name) }, "/repo/my root")
}

func s3Block(settings string) string {
	return "terraform {\n  backend \"s3\" {\n" + settings + "\n  }\n}\n"
}

func TestDefault(t *testing.T) {
	const config = "backend: {config: \"backend/{env}.hcl\"}\n"
	const plain = `bucket = "b"
key = "a"
region = "eu-west-1"`
	for name, test := range map[string]struct {
		files map[string]string
		want  string // a URL, or what the error says
	}{
		"no backend": {
			map[string]string{"base/a/staging/main.tf": ""},
			"file:///repo/my%20root/.strata/store",
		},
		"local": {
			map[string]string{"base/a/staging/main.tf": `terraform {
  backend "local" {
    path = "x"
  }
}`},
			"file:///repo/my%20root/.strata/store",
		},
		"block": {
			map[string]string{"base/a/staging/main.tf": s3Block(plain)},
			"s3://b/strata?region=eu-west-1",
		},
		"block, configuration file and values": {
			map[string]string{
				"strata.yaml":            strings.Replace(layout, "version: 1\n", "version: 1\nbackend: {config: \"backend/{env}.hcl\", values: {profile: \"deploy-{env}\"}}\n", 1),
				"backend/staging.hcl":    "region = \"us-east-1\"\nencrypt = true\nprofile = \"other\"\nendpoints = { s3 = \"http://localhost:4566\" }\nuse_path_style = true\n",
				"base/a/staging/main.tf": s3Block(plain),
			},
			"s3://b/strata?encrypt=true&endpoint=http%3A%2F%2Flocalhost%3A4566&profile=deploy-staging&region=us-east-1&use_path_style=true",
		},
		"objects in the block": {
			map[string]string{"base/a/staging/main.tf": s3Block(plain + `
    endpoints = { s3 = "https://s3.example.com", dynamodb = "https://x" }
    assume_role = {
      role_arn    = "arn:aws:iam::123456789012:role/state"
      external_id = "x"
    }`)},
			"s3://b/strata?endpoint=https%3A%2F%2Fs3.example.com&external_id=x&region=eu-west-1&role_arn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fstate",
		},
		"an object in the file replaces the block's": {
			map[string]string{
				"strata.yaml":            strings.Replace(layout, "version: 1\n", "version: 1\n"+config, 1),
				"backend/staging.hcl":    `endpoints = { sts = "https://sts" }`,
				"base/a/staging/main.tf": s3Block(plain + "\nendpoints = { s3 = \"https://s3.example.com\" }"),
			},
			"s3://b/strata?region=eu-west-1",
		},
		"JSON": {
			map[string]string{"base/a/staging/main.tf.json": `{"terraform": {"backend": {"s3": {"bucket": "b", "key": "k", "endpoints": {"s3": "https://s3.example.com"}}}}}`},
			"s3://b/strata?endpoint=https%3A%2F%2Fs3.example.com",
		},
		"old names": {
			map[string]string{"base/a/staging/main.tf": s3Block(plain + "\nendpoint = \"https://old\"\nforce_path_style = true\nrole_arn = \"r\"\nkms_key_id = \"unused\"")},
			"s3://b/strata?endpoint=https%3A%2F%2Fold&region=eu-west-1&role_arn=r&use_path_style=true",
		},
		"KMS": {
			map[string]string{"base/a/staging/main.tf": s3Block(plain + "\nencrypt = true\nkms_key_id = \"k\"")},
			"s3://b/strata?encrypt=true&kms_key_id=k&region=eu-west-1",
		},
		"secret keys stay where they are": {
			map[string]string{"base/a/staging/main.tf": s3Block(plain + "\naccess_key = \"a\"\nsecret_key = \"s\"")},
			"s3://b/strata?region=eu-west-1",
		},
		"local and other states beside S3": {
			map[string]string{
				"base/bootstrap/staging/main.tf": "",
				"base/other/staging/main.tf":     "terraform {\n  backend \"http\" {\n    address = \"https://x\"\n  }\n}",
				"app/a/staging/main.tf":          s3Block(plain),
			},
			"s3://b/strata?region=eu-west-1",
		},
		"units say different parts": {
			map[string]string{
				"base/a/staging/main.tf": s3Block("bucket = \"b\"\nkey = \"x\"\nencrypt = true"),
				"app/a/staging/main.tf":  s3Block(plain),
			},
			"s3://b/strata?encrypt=true&region=eu-west-1",
		},
		"units say different things of one bucket": {
			map[string]string{
				"base/a/staging/main.tf": s3Block("bucket = \"b\"\nkey = \"x\"\nprofile = \"one\""),
				"app/a/staging/main.tf":  s3Block("bucket = \"b\"\nkey = \"y\"\nprofile = \"two\""),
			},
			`app/a@global:staging says profile "two" and base/a@global:staging "one"`,
		},
		"several buckets": {
			map[string]string{
				"base/a/staging/main.tf": s3Block("bucket = \"one\"\nkey = \"x\""),
				"app/a/staging/main.tf":  s3Block("bucket = \"two\"\nkey = \"y\""),
				"app/b/staging/main.tf":  s3Block("bucket = \"two\"\nkey = \"z\""),
			},
			"in 2 buckets (two: 2 units, such as app/a@global:staging; one: 1 units, such as base/a@global:staging)",
		},
		"another backend": {
			map[string]string{"base/a/staging/main.tf": "terraform {\n  backend \"gcs\" {\n    bucket = \"b\"\n  }\n}"},
			`base/a@global:staging has its state in the backend "gcs"`,
		},
		"no constant": {
			map[string]string{"base/a/staging/main.tf": s3Block("bucket = var.bucket\nkey = \"x\"")},
			`"bucket" in the backend of base/a@global:staging is no constant`,
		},
		"no bucket": {
			map[string]string{"base/a/staging/main.tf": s3Block("key = \"x\"")},
			"names no bucket",
		},
		"web identity": {
			map[string]string{"base/a/staging/main.tf": s3Block(plain + "\nassume_role_with_web_identity = { role_arn = \"r\" }")},
			"assume_role_with_web_identity",
		},
	} {
		got, err := defaultOf(t, test.files)
		if strings.Contains(test.want, "://") {
			if err != nil || got != test.want {
				t.Errorf("%s: got %s, %v\nwant %s", name, got, err, test.want)
			}
			continue
		}
		var none *NoDefaultError
		if !errors.As(err, &none) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "store: {url: …}") {
			t.Errorf("%s: got %s, %v\nwant %s", name, got, err, test.want)
		}
	}
}

func TestDefaultFails(t *testing.T) {
	block := &stack.Module{Backend: &stack.BackendBlock{Type: "s3", Pos: stack.Position{File: "main.tf"}}}
	lost := &stack.Unit{Layer: "base", Region: "global", Environment: "staging", Module: block}
	none := func(string) ([]byte, error) { return nil, fs.ErrNotExist }
	if _, err := Default([]*stack.Unit{lost}, none, "/"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file is missing: %v", err)
	}
	unit := &stack.Unit{Layer: "base", Region: "global", Environment: "staging"}
	if _, err := Default([]*stack.Unit{unit}, nil, "/"); err == nil || !strings.Contains(err.Error(), "not loaded") {
		t.Errorf("not loaded: %v", err)
	}
	if url, err := Default(nil, nil, "/"); err == nil {
		t.Errorf("no units: %s", url)
	}
}

func TestURL(t *testing.T) {
	for named, want := range map[string]string{
		"s3://states-{env}/strata?region=x": "s3://states-staging/strata?region=x",
		".strata/store":                     "file:///repo/.strata/store",
		"/var/lib/strata/{env}":             "file:///var/lib/strata/staging",
		"file:///x y":                       "file:///x y",
	} {
		if got, err := URL(named, "staging", "/repo"); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", named, got, err, want)
		}
	}
}

func BenchmarkDefault5000(b *testing.B) {
	fsys := fstest.MapFS{"strata.yaml": {Data: []byte(layout)}}
	for i := range 5000 {
		fsys[fmt.Sprintf("app/c%d/staging/main.tf", i)] = &fstest.MapFile{Data: []byte(s3Block(fmt.Sprintf("bucket = \"b\"\nkey = \"%d\"\nregion = \"us-east-1\"\nendpoints = { s3 = \"http://x\" }", i)))}
	}
	config, err := stack.Load(fsys)
	if err != nil {
		b.Fatal(err)
	}
	tree, err := stack.Discover(fsys, config)
	if err != nil {
		b.Fatal(err)
	}
	if err := tree.Load(stack.NewReader(fsys), tree.Units); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Default(tree.Units, func(name string) ([]byte, error) { return fs.ReadFile(fsys, name) }, "/"); err != nil {
			b.Fatal(err)
		}
	}
}
