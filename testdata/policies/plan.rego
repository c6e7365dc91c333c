package terraform

# What the other files share. An attribute that is not set is often null, which
# Rego does not take for false: what must be on is compared with true.

default environment := "production"

environment := data.strata.environment

protected if environment in protected_environments

# Managed resources that will be there after the apply.
resources contains rc if {
	some rc in input.resource_changes
	rc.mode == "managed"
	some action in rc.change.actions
	action in {"create", "update", "no-op"}
}

# The same, those of one type.
resources_of(type) := {rc | some rc in resources; rc.type == type}

# An attribute is not on, and that is known: one that is known only after the
# apply is judged then.
off(rc, attribute) if {
	not rc.change.after[attribute] == true
	not rc.change.after_unknown[attribute] == true
}

public_cidr(cidr) if cidr in {"0.0.0.0/0", "::/0"}
