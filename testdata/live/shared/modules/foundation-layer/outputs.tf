output "vpc_id" {
  description = "Id of the VPC."
  value       = module.vpc.id
}

output "private_subnet_ids" {
  description = "Ids of the private subnets."
  value       = module.vpc.private_subnet_ids
}

output "public_subnet_ids" {
  description = "Ids of the public subnets."
  value       = module.vpc.public_subnet_ids
}

output "domain" {
  description = "DNS zone of the environment in this region."
  value       = terraform_data.dns_zone.output.domain
}

output "encryption_key_id" {
  description = "Key that encrypts data at rest."
  value       = terraform_data.encryption_key.id
}

output "flow_log_format" {
  description = "Fields of a flow log line, for whoever writes or parses them."
  value       = terraform_data.flow_logs.output.format
}
