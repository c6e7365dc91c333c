locals {
  domain = "${var.region}.${var.environment}.example.com"

  # The log service fills in its own ${field}s; the quotes are part of a line.
  flow_log_format = "$${version} $${interface-id} $${srcaddr} $${dstaddr} \"$${action}\""
}

module "labels" {
  source = "../../../../../shared/modules/labels"

  component   = "foundation"
  environment = var.environment
  region      = var.region
}

module "foundation" {
  source = "../../../../../shared/modules/foundation-layer"

  name                    = module.labels.prefix
  vpc_cidr                = var.vpc_cidr
  availability_zones      = var.availability_zones
  domain                  = local.domain
  flow_log_format         = local.flow_log_format
  flow_log_retention_days = var.flow_log_retention_days
  tags                    = module.labels.tags
}
