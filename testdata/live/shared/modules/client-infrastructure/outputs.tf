output "namespace" {
  description = "Kubernetes namespace of the client."
  value       = terraform_data.namespace.output.name
}

output "role_arn" {
  description = "Role that the client's workloads take."
  value       = module.irsa.role_arn
}

output "urls" {
  description = "Public addresses of the client."
  value       = [for ingress in values(terraform_data.ingress) : "https://${ingress.output.host}/"]
}

output "connection_string" {
  description = "How the client's workloads reach their database."
  value       = "postgres://${local.database_name}:${urlencode(var.db_password)}@${var.database.host}:${var.database.port}/${local.database_name}?sslmode=require"
  sensitive   = true
}
