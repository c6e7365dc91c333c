package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/strata-tf/strata/internal/report"
	"github.com/strata-tf/strata/internal/runner"
	"github.com/strata-tf/strata/internal/stack"
)

// hooks runs the configured commands around a step of this unit.
func (r *unitRun) hooks(ctx context.Context, when string, hooks []stack.Hook) error {
	for _, hook := range hooks {
		if len(hook.Layers) > 0 && !slices.Contains(hook.Layers, r.unit.Layer) {
			continue
		}
		if err := r.hook(ctx, when, hook); err != nil {
			if when == "after-apply" && ctx.Err() == nil {
				r.result.Reason = fmt.Sprintf("applied, but the hook after-apply %s failed: it is not run again by itself", hook.Run[0])
			}
			return fmt.Errorf("hook %s %s: %w", when, hook.Run[0], err)
		}
	}
	return nil
}

func (r *unitRun) hook(ctx context.Context, when string, hook stack.Hook) error {
	env := maps.Clone(r.env)
	maps.Copy(env, map[string]string{
		"STRATA_HOOK": when, "STRATA_UNIT": r.unit.ID(), "STRATA_LAYER": r.unit.Layer, "STRATA_INSTANCE": r.unit.Instance,
		"STRATA_REGION": r.unit.Region, "STRATA_ENVIRONMENT": r.unit.Environment, "STRATA_PATH": r.unit.Path,
	})
	dir := hook.Dir
	if dir == "" {
		dir = r.unit.Path
	}
	r.begin(when + " " + hook.Run[0])
	result, err := r.ws.Run(ctx, runner.Step{
		Tool: r.hookTool(hook),
		Args: hook.Run[1:], Dir: dir, Env: env,
		Lines: func(line []byte) { r.log.printf("%s", r.scrub.Text(string(line))) },
	})
	for line := range strings.Lines(string(result.Stderr)) {
		r.log.printf("%s", r.scrub.Text(strings.TrimRight(line, "\r\n")))
	}
	var exit *runner.ExitError
	switch {
	case errors.As(err, &exit):
		r.diagnoseStderr("hook "+when, result.Stderr)
	case err != nil && ctx.Err() == nil:
		r.diagnose(report.Diagnostic{Severity: "error", Summary: "hook " + when + " could not run", Detail: err.Error()})
	}
	return err
}

// hookTool is a hook's program: by its own name, or where `tools` says.
func (r *unitRun) hookTool(hook stack.Hook) runner.Tool {
	tool := runner.Tool{Name: hook.Run[0], Binary: hook.Run[0], Image: hook.Image}
	if said, ok := r.config.Tools[tool.Name]; ok {
		if said.Binary != "" {
			tool.Binary = said.Binary
		}
		if tool.Image == "" {
			tool.Image = said.Image
		}
	}
	return tool
}
