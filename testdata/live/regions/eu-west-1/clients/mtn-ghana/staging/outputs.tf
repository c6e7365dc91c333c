output "namespace" {
  description = "Kubernetes namespace of the client."
  value       = module.client.namespace
}

output "role_arn" {
  description = "Role that the client's workloads take."
  value       = module.client.role_arn
}

output "urls" {
  description = "Public addresses of the client."
  value       = module.client.urls
}

output "connection_string" {
  description = "How the client's workloads reach their database."
  value       = module.client.connection_string
  sensitive   = true
}
