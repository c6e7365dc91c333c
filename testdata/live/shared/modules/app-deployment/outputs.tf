output "id" {
  description = "Id of the deployment."
  value       = terraform_data.deployment.id
}
