//go:build aliases

package main

import (
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestEachUnitIsASpanWithItsStepsBelow(t *testing.T) {
	f := newFixture(t)
	spans := tracetest.NewSpanRecorder()
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	f.tf.unit(platform).applyError = "Error: quota exceeded"
	_, err := call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 1, "quota exceeded")

	ended := make(map[string]sdktrace.ReadOnlySpan)
	for _, span := range spans.Ended() {
		if ended[span.Name()] != nil {
			t.Errorf("two spans are called %s", span.Name())
		}
		ended[span.Name()] = span
	}
	for id, want := range map[string]struct {
		dir    string
		failed bool
	}{foundationID: {foundation, false}, platformID: {platform, true}} {
		span := ended[id]
		if span == nil {
			t.Errorf("%s has no span that has ended", id)
			continue
		}
		if failed := span.Status().Code == codes.Error; failed != want.failed {
			t.Errorf("the span of %s is failed: %t (%v)", id, failed, span.Status())
		}
		for _, command := range []string{"init", "plan", "show", "apply"} {
			if got := f.step(command, want.dir).Span.SpanID(); got != span.SpanContext().SpanID() {
				t.Errorf("%s of %s is below another span", command, id)
			}
		}
	}
	if ended[clientID] != nil {
		t.Error("a unit that was not run has a span")
	}
}
