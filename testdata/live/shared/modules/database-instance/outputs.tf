output "id" {
  description = "Id of the instance."
  value       = terraform_data.instance.id
}

output "endpoint" {
  description = "Host name of the primary."
  value       = "${var.name}.${substr(replace(terraform_data.instance.id, "-", ""), 0, 12)}.rds.example.com"
}

output "reader_endpoints" {
  description = "Host names of the read replicas."
  value       = [for replica in terraform_data.replica : "${replica.output.name}.rds.example.com"]
}

output "port" {
  description = "Port of the primary and the replicas."
  value       = local.port
}

output "master_username" {
  description = "Name of the administrator."
  value       = local.master_username
}

output "master_password" {
  description = "Password of the administrator."
  value       = local.master_password
  sensitive   = true
}
