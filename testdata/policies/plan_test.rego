package terraform_test

import data.terraform

# A plan of one resource that would be created.
created(type, after) := changed(type, ["create"], after)

changed(type, actions, after) := {"resource_changes": [{
	"address": sprintf("%s.it", [type]),
	"mode": "managed",
	"type": type,
	"name": "it",
	"change": {"actions": actions, "before": null, "after": after},
}]}

# The same, with attributes that are known only after the apply.
unknown(type, after, mask) := {"resource_changes": [object.union(rc, {"change": {"after_unknown": mask}}) |
	some rc in created(type, after).resource_changes
]}

denied(plan, environment) := messages if {
	messages := terraform.deny with input as plan with data.strata as {"environment": environment}
}

warned(plan, environment) := messages if {
	messages := terraform.warn with input as plan with data.strata as {"environment": environment}
}

test_nothing if {
	denied({}, "production") == set()
	warned({}, "production") == set()
}

test_environment_not_said if {
	terraform.protected with data.strata as {}
	not terraform.protected with data.strata as {"environment": "staging"}
}

test_what_is_destroyed_is_not_judged_as_if_it_stayed if {
	denied(changed("aws_ebs_volume", ["delete"], null), "staging") == set()
}

test_data_sources_are_not_judged if {
	plan := {"resource_changes": [{
		"address": "data.aws_ebs_volume.it", "mode": "data", "type": "aws_ebs_volume", "name": "it",
		"change": {"actions": ["read"], "after": {"encrypted": false}},
	}]}
	denied(plan, "production") == set()
}
