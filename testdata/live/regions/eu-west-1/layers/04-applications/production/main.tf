locals {
  namespace = "services"
  services  = yamldecode(file("${path.module}/services.yaml"))
  readers   = length(var.databases_reader_endpoints) > 0 ? var.databases_reader_endpoints : [var.databases_endpoint]
}

module "irsa" {
  source   = "../../../../../shared/modules/app-irsa"
  for_each = local.services

  name              = "${each.key}-${var.environment}-${var.region}"
  namespace         = local.namespace
  service_account   = each.key
  oidc_provider_arn = var.platform_oidc_provider_arn
  policies          = try(each.value.policies, [])
}

module "service" {
  source   = "../../../../../shared/modules/app-deployment"
  for_each = local.services

  name         = each.key
  cluster_name = var.platform_cluster_name
  namespace    = local.namespace
  image        = each.value.image
  replicas     = try(each.value.replicas, var.replicas)
  role_arn     = module.irsa[each.key].role_arn

  environment_variables = {
    DATABASE_HOST    = var.databases_endpoint
    DATABASE_PORT    = tostring(var.databases_port)
    DATABASE_READERS = join(",", local.readers)
  }
}
