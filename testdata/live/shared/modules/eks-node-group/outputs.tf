output "id" {
  description = "Id of the group."
  value       = terraform_data.node_group.id
}

output "max_size" {
  description = "Most nodes the group grows to."
  value       = var.max_size
}
