module "labels" {
  source = "../../../../../shared/modules/labels"

  component   = "mtn-ghana"
  environment = var.environment
  region      = var.region
  extra       = { client = "mtn-ghana" }
}

module "client" {
  source = "../../../../../shared/modules/client-infrastructure"

  client            = "mtn-ghana"
  prefix            = module.labels.prefix
  cluster_name      = var.platform_cluster_name
  oidc_provider_arn = var.platform_oidc_provider_arn
  database          = { host = var.databases_endpoint, port = var.databases_port }
  master_password   = var.databases_master_password
  db_password       = var.db_password
  quota             = var.quota
  hostnames         = var.hostnames
  tags              = module.labels.tags
}

check "quota_fits" {
  assert {
    condition     = var.quota.pods <= var.platform_max_nodes * 30
    error_message = "The client may start more pods than the cluster can carry."
  }
}
