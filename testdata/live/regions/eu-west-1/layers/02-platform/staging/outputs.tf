output "cluster_name" {
  description = "Name of the cluster."
  value       = module.cluster.name
}

output "cluster_endpoint" {
  description = "Address of the Kubernetes API."
  value       = module.cluster.endpoint
}

output "oidc_provider_arn" {
  description = "Identity provider that service accounts are trusted through."
  value       = module.cluster.oidc_provider_arn
}

output "max_nodes" {
  description = "Most nodes the cluster grows to."
  value       = module.cluster.max_nodes
}

output "network" {
  description = "What anything beside the cluster needs to know of its network."
  value = {
    vpc_id                 = var.foundation_vpc_id
    subnet_ids             = var.foundation_private_subnet_ids
    node_security_group_id = module.cluster.node_security_group_id
  }
}
