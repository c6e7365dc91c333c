package terraform

# By type, the attribute that protects from being deleted.
protections := {
	"aws_db_instance": "deletion_protection",
	"aws_dynamodb_table": "deletion_protection_enabled",
	"aws_lb": "enable_deletion_protection",
	"aws_rds_cluster": "deletion_protection",
}

# METADATA
# title: deletion protection
deny contains msg if {
	protected
	some type, attribute in protections
	some rc in resources_of(type)
	off(rc, attribute)
	msg := sprintf("%s can be deleted: set %s", [rc.address, attribute])
}

# METADATA
# title: deletion protection elsewhere
warn contains msg if {
	not protected
	some type in ["aws_db_instance", "aws_rds_cluster"]
	some rc in resources_of(type)
	off(rc, "deletion_protection")
	msg := sprintf("%s can be deleted, which %s will not let pass", [rc.address, concat(" and ", protected_environments)])
}
