package pipeline

import (
	"fmt"

	"github.com/strata-tf/strata/internal/finding"
	"github.com/strata-tf/strata/internal/stack"
	"github.com/strata-tf/strata/internal/terraform"
)

// toolStrata is the tool of what Strata itself finds.
const toolStrata = "strata"

// overLimits lists what a unit's plan does more of than the environment allows.
func overLimits(limits *stack.Limits, unit string, plan *terraform.Plan) []finding.Finding {
	if limits == nil || plan == nil {
		return nil
	}
	var list []finding.Finding
	over := func(limit *int, n int, name, title string) {
		if limit == nil || n <= *limit {
			return
		}
		list = append(list, finding.Finding{
			Tool: toolStrata, Rule: "limits/" + name, Severity: finding.High, Unit: unit, Title: title,
			Help: "split the change, or raise environments.*.limits in strata.yaml on the branch that it is deployed from",
		})
	}
	destroy, replace := plan.Counts.Destroy, plan.Counts.Replace
	over(limits.Destroy, destroy, "destroy", fmt.Sprintf("the plan destroys %s, and the limit is %s", plural(destroy, "resource", "resources"), of(limits.Destroy)))
	over(limits.Replace, replace, "replace", fmt.Sprintf("the plan replaces %s, and the limit is %s", plural(replace, "resource", "resources"), of(limits.Replace)))
	if lost := destroy + replace + plan.Counts.Forget; plan.Existing > 0 {
		// Rounded up: a share that is a little over the limit is over it.
		percent := (100*lost + plan.Existing - 1) / plan.Existing
		over(limits.Percent, percent, "percent", fmt.Sprintf("the plan destroys, replaces or forgets %d of %s (%d %%), and the limit is %s %%", lost, plural(plan.Existing, "resource", "resources"), percent, of(limits.Percent)))
	}
	return list
}

func of(limit *int) string {
	if limit == nil {
		return "none"
	}
	return fmt.Sprint(*limit)
}
