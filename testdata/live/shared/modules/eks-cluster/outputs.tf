output "name" {
  description = "Name of the cluster."
  value       = terraform_data.cluster.output.name
}

output "endpoint" {
  description = "Address of the Kubernetes API."
  value       = "https://${substr(replace(terraform_data.cluster.id, "-", ""), 0, 16)}.eks.example.com"
}

output "oidc_provider_arn" {
  description = "Identity provider that service accounts are trusted through."
  value       = "arn:aws:iam::000000000000:oidc-provider/${trimprefix(terraform_data.oidc_provider.output.issuer, "https://")}"
}

output "node_security_group_id" {
  description = "Security group of the nodes."
  value       = "sg-${substr(replace(terraform_data.node_security_group.id, "-", ""), 0, 17)}"
}

output "max_nodes" {
  description = "Most nodes that all groups grow to."
  value       = sum([for group in values(module.node_group) : group.max_size])
}
