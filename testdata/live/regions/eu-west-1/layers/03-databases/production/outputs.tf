output "endpoint" {
  description = "Host name of the primary."
  value       = module.postgres.endpoint
}

output "reader_endpoints" {
  description = "Host names of the read replicas."
  value       = module.postgres.reader_endpoints
}

output "port" {
  description = "Port of the primary and the replicas."
  value       = module.postgres.port
}

output "master_password" {
  description = "Password of the administrator, to create databases with."
  value       = module.postgres.master_password
  sensitive   = true
}
