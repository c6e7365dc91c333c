//go:build aliases

package main

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/strata-tf/strata/internal/dagger"
)

// What Dagger generates beside the module, for the build without an engine:
// tests put a scripted client into dag.

var dag *dagger.Client

func Tracer() trace.Tracer { return otel.Tracer("dagger.io/sdk.go") }

func main() {}
