package terraform_test

group(rule) := created("aws_security_group", {"ingress": [rule]})

open := {
	"protocol": "tcp", "from_port": 22, "to_port": 22,
	"cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"], "ipv6_cidr_blocks": [],
}

test_open_port if {
	denied(group(open), "staging") == {"aws_security_group.it lets 0.0.0.0/0 in to tcp port 22"}
}

test_open_port_ipv6 if {
	rule := object.union(open, {"cidr_blocks": [], "ipv6_cidr_blocks": ["::/0"], "to_port": 30})
	denied(group(rule), "staging") == {"aws_security_group.it lets ::/0 in to tcp ports 22 to 30"}
}

test_all_ports if {
	rule := object.union(open, {"protocol": "-1", "from_port": 0, "to_port": 0})
	denied(group(rule), "staging") == {"aws_security_group.it lets 0.0.0.0/0 in to all ports"}
}

test_public_port if {
	denied(group(object.union(open, {"from_port": 443, "to_port": 443})), "staging") == set()
}

test_range_around_public_port if {
	count(denied(group(object.union(open, {"from_port": 80, "to_port": 443})), "staging")) == 1
}

test_private if {
	denied(group(object.union(open, {"cidr_blocks": ["10.0.0.0/8"]})), "staging") == set()
}

test_rule if {
	rule := object.union(open, {"type": "ingress"})
	denied(created("aws_security_group_rule", rule), "staging") == {"aws_security_group_rule.it adds a rule that lets 0.0.0.0/0 in to tcp port 22"}
	denied(created("aws_security_group_rule", object.union(rule, {"type": "egress"})), "staging") == set()
}

test_vpc_rule if {
	rule := {"ip_protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_ipv4": "0.0.0.0/0"}
	denied(created("aws_vpc_security_group_ingress_rule", rule), "staging") == {"aws_vpc_security_group_ingress_rule.it opens tcp port 22 to 0.0.0.0/0"}
	denied(created("aws_vpc_security_group_ingress_rule", object.union(rule, {"cidr_ipv4": "10.0.0.0/8"})), "staging") == set()
}

test_public_database if {
	instance := {"publicly_accessible": true, "storage_encrypted": true}
	denied(created("aws_db_instance", instance), "staging") == {"aws_db_instance.it is a database that can be reached from the internet"}
	denied(created("aws_db_instance", object.union(instance, {"publicly_accessible": false})), "staging") == set()
}

test_public_bucket if {
	denied(created("aws_s3_bucket_acl", {"acl": "public-read"}), "staging") == {"aws_s3_bucket_acl.it makes a bucket public"}
	denied(created("aws_s3_bucket_acl", {"acl": "private"}), "staging") == set()
}

test_public_access_block if {
	all := {
		"block_public_acls": true, "block_public_policy": true,
		"ignore_public_acls": true, "restrict_public_buckets": true,
	}
	denied(created("aws_s3_bucket_public_access_block", all), "staging") == set()
	denied(created("aws_s3_bucket_public_access_block", object.union(all, {"ignore_public_acls": false})), "staging") == {"aws_s3_bucket_public_access_block.it does not say ignore_public_acls"}
}
