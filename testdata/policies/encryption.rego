package terraform

# METADATA
# title: encrypted bucket
deny contains msg if {
	some rc in resources_of("aws_s3_bucket")
	not encrypts(rc)
	msg := sprintf("%s has no aws_s3_bucket_server_side_encryption_configuration beside it", [rc.address])
}

# METADATA
# title: encrypted database
deny contains msg if {
	some type in ["aws_db_instance", "aws_rds_cluster"]
	some rc in resources_of(type)
	off(rc, "storage_encrypted")
	msg := sprintf("%s keeps its data without encryption", [rc.address])
}

# METADATA
# title: encrypted volume
deny contains msg if {
	some rc in resources_of("aws_ebs_volume")
	off(rc, "encrypted")
	msg := sprintf("%s is a volume without encryption", [rc.address])
}

# METADATA
# title: encrypted root volume
deny contains msg if {
	some rc in resources_of("aws_instance")
	some i, device in rc.change.after.root_block_device
	not device.encrypted == true
	not rc.change.after_unknown.root_block_device[i].encrypted == true
	msg := sprintf("%s has a root volume without encryption", [rc.address])
}

# Which bucket an encryption is of is known before the apply only from the code:
# the bucket's name may be unknown until then.
encrypts(bucket) if {
	some encryption in encryptions
	encryption.module == regex.replace(object.get(bucket, "module_address", ""), `\[[^\]]*\]`, "")
	sprintf("%s.%s", [bucket.type, bucket.name]) in encryption.buckets
}

encryptions contains {"module": module_of(path), "buckets": buckets} if {
	walk(input.configuration.root_module, [path, module])
	some resource in module.resources
	resource.type == "aws_s3_bucket_server_side_encryption_configuration"
	buckets := resource.expressions.bucket.references
}

# The address of a module in the code, from where it is in the configuration.
module_of(path) := concat(".", [concat(".", ["module", path[i + 1]]) |
	some i, name in path
	name == "module_calls"
	i % 3 == 0
])
