locals {
  namespace     = "client-${var.client}"
  database_name = replace(var.client, "-", "_")
}

resource "terraform_data" "namespace" {
  input = {
    cluster = var.cluster_name
    name    = local.namespace
    quota   = var.quota
    labels  = var.tags
  }
}

module "irsa" {
  source = "../app-irsa"

  name              = "${var.prefix}-workload"
  namespace         = local.namespace
  service_account   = "default"
  oidc_provider_arn = var.oidc_provider_arn
  policies          = ["assets-read"]
}

resource "terraform_data" "database" {
  input = {
    server   = var.database.host
    name     = local.database_name
    owner    = terraform_data.database_user.id
    password = var.master_password
  }
}

resource "terraform_data" "database_user" {
  input = {
    server   = var.database.host
    name     = local.database_name
    password = var.db_password
  }
}

resource "terraform_data" "ingress" {
  for_each = toset(var.hostnames)

  input = {
    namespace = terraform_data.namespace.output.name
    host      = each.value
    tls       = true
  }
}
