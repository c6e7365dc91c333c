package terraform

# What to change for an organisation of one's own.

# Tags that every resource which can have tags must have.
required_tags := {"Owner", "CostCenter"}

# Ports that may be open to the internet.
public_ports := {80, 443}

# Environments in which nothing is destroyed, and what keeps data is protected
# from being deleted. Whatever does not say which environment it is of counts as
# one of them.
protected_environments := {"production"}

# Types of which nothing is destroyed there.
stateful_types := {
	"aws_db_instance",
	"aws_dynamodb_table",
	"aws_ebs_volume",
	"aws_efs_file_system",
	"aws_kms_key",
	"aws_rds_cluster",
	"aws_s3_bucket",
}
