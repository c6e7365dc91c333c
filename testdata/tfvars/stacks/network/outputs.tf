output "vpc_id" {
  description = "Id of the network."
  value       = terraform_data.vpc.id
}

output "zones" {
  description = "Zones that have a subnet."
  value       = keys(terraform_data.subnet)
}
