output "name" {
  description = "Name of the service."
  value       = terraform_data.service.input.name
}
