output "role_arn" {
  description = "ARN of the role."
  value       = "arn:aws:iam::000000000000:role/${terraform_data.role.output.name}"
}
