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

// play deploys, changes something, deploys again and destroys. Which units a
// deploy runs is what their records say.
func (s *Strata) play(ctx context.Context, live *dagger.Directory) (string, error) {
	var out strings.Builder
	show := func(title, text string) { fmt.Fprintf(&out, "== %s\n\n%s\n", title, text) }
	step := func(title string, v verb, a runArgs) error {
		a.env, a.region = demoEnv, []string{demoRegion}
		text, err := finish(s.run(ctx, v, a, false))
		show(title, text)
		return err
	}
	s.Source, s.Caller, s.Given = live, nil, nil
	drawn, err := s.Graph(ctx, demoEnv, nil, []string{demoRegion}, "text")
	if err != nil {
		return "", err
	}
	show("graph --env staging: what needs what", drawn)
	if err := step("deploy --env staging: no unit has a record", deploy, runArgs{}); err != nil {
		return "", err
	}
	records, err := s.Records(ctx, "", demoEnv, false, "table")
	if err != nil {
		return "", err
	}
	show("records --env staging: what is remembered, beside the states", records)
	if err := step("deploy --env staging, again: all are as their records say", deploy, runArgs{}); err != nil {
		return "", err
	}
	s.Source = live.WithNewFile(demoUnit+"/demo.auto.tfvars", "flow_log_retention_days = 7\n")
	if err := step("deploy --env staging, after a change to the foundation: what needs it is planned only where it gets other values", deploy, runArgs{}); err != nil {
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
