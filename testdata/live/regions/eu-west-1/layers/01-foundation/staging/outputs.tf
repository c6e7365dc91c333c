output "vpc_id" {
  description = "Id of the VPC."
  value       = module.foundation.vpc_id
}

output "private_subnet_ids" {
  description = "Ids of the private subnets."
  value       = module.foundation.private_subnet_ids
}

output "public_subnet_ids" {
  description = "Ids of the public subnets."
  value       = module.foundation.public_subnet_ids
}

output "domain" {
  description = "DNS zone of the environment in this region."
  value       = module.foundation.domain
}

output "encryption_key_id" {
  description = "Key that encrypts data at rest."
  value       = module.foundation.encryption_key_id
}

output "flow_log_format" {
  description = "Fields of a flow log line, for whoever parses them."
  value       = module.foundation.flow_log_format
}

output "tags" {
  description = "Tags that the layers above add to their own."
  value       = { network = module.labels.prefix }
}
