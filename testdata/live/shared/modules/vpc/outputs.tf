output "id" {
  description = "Id of the VPC."
  value       = "vpc-${substr(replace(terraform_data.vpc.id, "-", ""), 0, 17)}"
}

output "private_subnet_ids" {
  description = "Ids of the private subnets, one per zone."
  value       = [for subnet in values(terraform_data.private_subnet) : "subnet-${substr(replace(subnet.id, "-", ""), 0, 17)}"]
}

output "public_subnet_ids" {
  description = "Ids of the public subnets, one per zone."
  value       = [for subnet in values(terraform_data.public_subnet) : "subnet-${substr(replace(subnet.id, "-", ""), 0, 17)}"]
}
