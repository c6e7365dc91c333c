output "services" {
  description = "Names of the services."
  value       = keys(module.service)
}

output "role_arns" {
  description = "Role of each service."
  value       = { for name, irsa in module.irsa : name => irsa.role_arn }
}
