package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/strata-tf/strata/internal/dagger"
)

// Demo deploys the example monorepo, with its state in S3 on an AWS server that runs in the engine: nothing is checked out, and no account is needed.
// +cache="never"
func (s *Strata) Demo(ctx context.Context) (string, error) {
	if err := pull(ctx, "moto", s.image("moto")); err != nil {
		return "", coded(err)
	}
	server, err := dag.Container().From(s.image("moto")).WithExposedPort(demoPort).
		AsService(dagger.ContainerAsServiceOpts{UseEntrypoint: true}).Start(ctx)
	if err != nil {
		return "", coded(fmt.Errorf("start the demo's AWS: %w", err))
	}
	if err := makeBucket(ctx, s.image("moto"), server); err != nil {
		return "", coded(fmt.Errorf("make the demo's bucket: %w", err))
	}
	live, err := demoSource(ctx)
	if err != nil {
		return "", coded(err)
	}
	demo := s.WithService(demoHost, server).
		WithVariable("AWS_ENDPOINT_URL_S3", fmt.Sprintf("http://%s:%d", demoHost, demoPort)).
		WithVariable("AWS_ACCESS_KEY_ID", "demo").WithVariable("AWS_SECRET_ACCESS_KEY", "demo").
		WithSecret("db_password", dag.SetSecret("strata-demo-password", "demo-password"))
	return demo.play(ctx, live)
}

const (
	demoHost   = "aws"
	demoPort   = 5000
	demoBucket = "strata-demo"
	demoEnv    = "staging"
	demoRegion = "us-east-1"
)

// play deploys, changes something, deploys again and destroys.
func (s *Strata) play(ctx context.Context, live *dagger.Directory) (string, error) {
	var out strings.Builder
	step := func(title string, do verb, a runArgs) error {
		a.env, a.region = demoEnv, []string{demoRegion}
		text, err := finish(s.run(ctx, do, a, false))
		fmt.Fprintf(&out, "== %s\n\n%s\n", title, text)
		return err
	}
	s.Source, s.Git = live, dag.Directory()
	drawn, err := s.Graph(ctx, demoEnv, nil, []string{demoRegion}, "text")
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&out, "== graph --env staging: what needs what\n\n%s\n", drawn)
	if err := step("deploy --env staging --all", deploy, runArgs{all: true}); err != nil {
		return "", err
	}
	if err := step("deploy --env staging --all, again: nothing to do", deploy, runArgs{all: true}); err != nil {
		return "", err
	}
	s.Source = live.WithNewFile(demoUnit+"/demo.auto.tfvars", "flow_log_retention_days = 7\n")
	if err := step("deploy --env staging --all, after a change to the foundation", deploy, runArgs{all: true}); err != nil {
		return "", err
	}
	if err := step("destroy --env staging --all", destroy, runArgs{all: true, confirm: demoEnv}); err != nil {
		return "", err
	}
	return out.String(), nil
}

const demoUnit = "regions/us-east-1/layers/01-foundation/staging"

// demoSource is the example monorepo, its states put into S3.
func demoSource(ctx context.Context) (*dagger.Directory, error) {
	live := dag.CurrentModule().Source().Directory("testdata/live")
	files, err := live.Glob(ctx, "regions/**/versions.tf")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		dir := strings.TrimSuffix(file, "/versions.tf")
		live = live.WithNewFile(dir+"/backend_override.tf", fmt.Sprintf(`terraform {
  backend "s3" {
    bucket                      = %q
    key                         = "%s/terraform.tfstate"
    region                      = %q
    use_lockfile                = true
    use_path_style              = true
    skip_credentials_validation = true
    skip_requesting_account_id  = true
    skip_metadata_api_check     = true
  }
}
`, demoBucket, dir, demoRegion))
	}
	return live, nil
}
