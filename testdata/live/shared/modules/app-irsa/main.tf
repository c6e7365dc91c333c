locals {
  subject = "system:serviceaccount:${var.namespace}:${var.service_account}"
}

resource "terraform_data" "role" {
  input = {
    name = var.name
    trust = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRoleWithWebIdentity"
        Principal = { Federated = var.oidc_provider_arn }
        Condition = { StringEquals = { "oidc:sub" = local.subject } }
      }]
    })
  }
}

resource "terraform_data" "policy" {
  for_each = var.policies

  input = {
    role   = terraform_data.role.id
    name   = "${var.name}-${each.key}"
    policy = jsonencode(jsondecode(file("${path.module}/policies/${each.key}.json")))
  }
}
