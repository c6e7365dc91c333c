// A pipeline of your own that deploys with Strata. Copy this folder into your
// repository and install Strata as its dependency:
//
//	dagger install github.com/strata-tf/strata
//	dagger call release --access-key-id env:AWS_ACCESS_KEY_ID --secret-access-key env:AWS_SECRET_ACCESS_KEY
package main

import (
	"context"
	"fmt"

	"dagger/release/internal/dagger"
)

// Release is the pipeline.
type Release struct{}

// Release deploys staging, and returns what it did and what production would change.
// +cache="never"
func (r *Release) Release(
	ctx context.Context,
	// Your repository: the one this module is in
	// +defaultPath="/"
	source *dagger.Directory,
	// env:AWS_ACCESS_KEY_ID
	accessKeyId *dagger.Secret,
	// env:AWS_SECRET_ACCESS_KEY
	secretAccessKey *dagger.Secret,
	// The value of the units' secret variable db_password
	// +optional
	dbPassword *dagger.Secret,
	// An AWS API of your own instead of Amazon's, such as tcp://localhost:5000
	// +optional
	aws *dagger.Service,
	// The port of that API
	// +optional
	// +default=5000
	awsPort int,
	// Only units of these regions
	// +optional
	region []string,
) (string, error) {
	strata := dag.Strata(dagger.StrataOpts{Source: source}).
		WithAwsCredentials(accessKeyId, secretAccessKey, dagger.StrataWithAwsCredentialsOpts{Region: "us-east-1"})
	if dbPassword != nil {
		strata = strata.WithSecret("db_password", dbPassword)
	}
	if aws != nil {
		strata = strata.WithService("aws", aws).WithVariable("AWS_ENDPOINT_URL", fmt.Sprintf("http://aws:%d", awsPort))
	}
	deployed, err := strata.Deploy(ctx, dagger.StrataDeployOpts{Env: "staging", All: true, Region: region})
	if err != nil {
		return "", err
	}
	planned, err := strata.Plan(dagger.StrataPlanOpts{Env: "production", All: true, Region: region}).Summary(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("staging\n\n%s\nproduction would change\n\n%s", deployed, planned), nil
}
