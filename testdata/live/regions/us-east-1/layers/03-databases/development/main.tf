module "labels" {
  source = "../../../../../shared/modules/labels"

  component   = "databases"
  environment = var.environment
  region      = var.region
  extra       = { backup = var.environment == "development" ? "none" : "daily" }
}

module "postgres" {
  source = "../../../../../shared/modules/database-instance"

  name                       = "${module.labels.prefix}-postgres"
  environment                = var.environment
  engine_version             = var.engine_version
  instance_class             = var.instance_class
  storage_gb                 = var.storage_gb
  multi_az                   = var.multi_az
  replicas                   = var.replicas
  subnet_ids                 = var.platform_network.subnet_ids
  allowed_security_group_ids = [var.platform_network.node_security_group_id]
  tags                       = module.labels.tags
}
