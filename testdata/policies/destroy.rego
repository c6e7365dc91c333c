package terraform

# METADATA
# title: no destroy
deny contains msg if {
	protected
	some rc in input.resource_changes
	rc.type in stateful_types
	"delete" in rc.change.actions
	msg := sprintf("%s would be destroyed in %s", [rc.address, environment])
}

# METADATA
# title: destroy
warn contains msg if {
	some rc in input.resource_changes
	rc.mode == "managed"
	rc.change.actions == ["delete"]
	not stateful_in_protected(rc)
	msg := sprintf("%s would be destroyed", [rc.address])
}

stateful_in_protected(rc) if {
	protected
	rc.type in stateful_types
}
