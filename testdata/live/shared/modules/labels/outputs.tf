output "prefix" {
  description = "Start of the name of everything the component owns."
  value       = local.prefix
}

output "tags" {
  description = "Tags of everything the component owns."
  value       = local.tags
}
