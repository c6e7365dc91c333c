package terraform_test

encryption(bucket) := {
	"address": "aws_s3_bucket_server_side_encryption_configuration.it",
	"type": "aws_s3_bucket_server_side_encryption_configuration",
	"expressions": {"bucket": {"references": [sprintf("aws_s3_bucket.%s.id", [bucket]), sprintf("aws_s3_bucket.%s", [bucket])]}},
}

test_bucket if {
	plan := created("aws_s3_bucket", {})
	lacks := {"aws_s3_bucket.it has no aws_s3_bucket_server_side_encryption_configuration beside it"}
	denied(plan, "staging") == lacks
	denied(object.union(plan, {"configuration": {"root_module": {"resources": [encryption("other")]}}}), "staging") == lacks
	denied(object.union(plan, {"configuration": {"root_module": {"resources": [encryption("it")]}}}), "staging") == set()
}

called(resources) := {"configuration": {"root_module": {"module_calls": {"a": {"module": {"module_calls": {"b": {"module": {"resources": resources}}}}}}}}}

test_bucket_in_modules if {
	plan := {"resource_changes": [{
		"address": "module.a[\"x\"].module.b.aws_s3_bucket.it", "module_address": "module.a[\"x\"].module.b",
		"mode": "managed", "type": "aws_s3_bucket", "name": "it", "change": {"actions": ["create"], "after": {}},
	}]}

	denied(object.union(plan, called([encryption("it")])), "staging") == set()
	count(denied(object.union(plan, called([])), "staging")) == 1
	count(denied(object.union(plan, {"configuration": {"root_module": {"resources": [encryption("it")]}}}), "staging")) == 1
}

test_database if {
	denied(created("aws_db_instance", {"storage_encrypted": null}), "staging") == {"aws_db_instance.it keeps its data without encryption"}
	denied(created("aws_rds_cluster", {}), "staging") == {"aws_rds_cluster.it keeps its data without encryption"}
	denied(created("aws_rds_cluster", {"storage_encrypted": true}), "staging") == set()
}

test_volume if {
	denied(created("aws_ebs_volume", {"encrypted": null}), "staging") == {"aws_ebs_volume.it is a volume without encryption"}
	denied(created("aws_ebs_volume", {"encrypted": true}), "staging") == set()
	denied(unknown("aws_ebs_volume", {}, {"encrypted": true}), "staging") == set()
}

test_root_volume if {
	denied(created("aws_instance", {"root_block_device": [{"encrypted": false}]}), "staging") == {"aws_instance.it has a root volume without encryption"}
	denied(created("aws_instance", {"root_block_device": [{"encrypted": true}]}), "staging") == set()
	denied(unknown("aws_instance", {"root_block_device": [{}]}, {"root_block_device": [{"encrypted": true}]}), "staging") == set()
}
