module "labels" {
  source = "../../../../../shared/modules/labels"

  component   = "platform"
  environment = var.environment
  region      = var.region
  extra       = var.foundation_tags
}

module "cluster" {
  source = "../../../../../shared/modules/eks-cluster"

  name               = module.labels.prefix
  kubernetes_version = var.kubernetes_version
  vpc_id             = var.foundation_vpc_id
  subnet_ids         = var.foundation_private_subnet_ids
  node_groups        = var.node_groups
  log_format         = var.foundation_flow_log_format
  tags               = module.labels.tags
}

check "high_availability" {
  assert {
    condition     = length(var.foundation_private_subnet_ids) >= 2
    error_message = "The cluster runs in a single zone."
  }
}
