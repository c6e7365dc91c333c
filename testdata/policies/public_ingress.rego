package terraform

# METADATA
# title: no public ingress
deny contains msg if {
	some rc in resources_of("aws_security_group")
	some rule in rc.change.after.ingress
	some blocks in ["cidr_blocks", "ipv6_cidr_blocks"]
	some cidr in rule[blocks]
	public_cidr(cidr)
	not public_range(rule.protocol, rule.from_port, rule.to_port)
	msg := sprintf("%s lets %s in to %s", [rc.address, cidr, ports(rule.protocol, rule.from_port, rule.to_port)])
}

# METADATA
# title: no public ingress rule
deny contains msg if {
	some rc in resources_of("aws_security_group_rule")
	rule := rc.change.after
	rule.type == "ingress"
	some blocks in ["cidr_blocks", "ipv6_cidr_blocks"]
	some cidr in rule[blocks]
	public_cidr(cidr)
	not public_range(rule.protocol, rule.from_port, rule.to_port)
	msg := sprintf("%s adds a rule that lets %s in to %s", [rc.address, cidr, ports(rule.protocol, rule.from_port, rule.to_port)])
}

# METADATA
# title: no public VPC ingress rule
deny contains msg if {
	some rc in resources_of("aws_vpc_security_group_ingress_rule")
	rule := rc.change.after
	some field in ["cidr_ipv4", "cidr_ipv6"]
	cidr := rule[field]
	public_cidr(cidr)
	not public_range(rule.ip_protocol, rule.from_port, rule.to_port)
	msg := sprintf("%s opens %s to %s", [rc.address, ports(rule.ip_protocol, rule.from_port, rule.to_port), cidr])
}

# METADATA
# title: no public database
deny contains msg if {
	some type in ["aws_db_instance", "aws_rds_cluster_instance"]
	some rc in resources_of(type)
	rc.change.after.publicly_accessible == true
	msg := sprintf("%s is a database that can be reached from the internet", [rc.address])
}

# METADATA
# title: no public bucket
deny contains msg if {
	some rc in resources_of("aws_s3_bucket_acl")
	startswith(rc.change.after.acl, "public-")
	msg := sprintf("%s makes a bucket public", [rc.address])
}

# METADATA
# title: bucket keeps the public out
deny contains msg if {
	some rc in resources_of("aws_s3_bucket_public_access_block")
	some field in ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"]
	off(rc, field)
	msg := sprintf("%s does not say %s", [rc.address, field])
}

public_range(protocol, from, to) if {
	protocol == "tcp"
	from == to
	from in public_ports
}

ports("-1", _, _) := "all ports"

ports(protocol, from, to) := sprintf("%s port %v", [protocol, from]) if {
	protocol != "-1"
	from == to
}

ports(protocol, from, to) := sprintf("%s ports %v to %v", [protocol, from, to]) if {
	protocol != "-1"
	from != to
}
