module "vpc" {
  source = "../vpc"

  name               = "${var.name}-vpc"
  cidr               = var.vpc_cidr
  availability_zones = var.availability_zones
  tags               = var.tags
}

resource "terraform_data" "dns_zone" {
  input = {
    domain = var.domain
    vpc_id = module.vpc.id
  }
}

resource "terraform_data" "encryption_key" {
  input = {
    alias    = "alias/${var.name}"
    rotation = true
    tags     = var.tags
  }
}

resource "terraform_data" "flow_logs" {
  input = {
    vpc_id         = module.vpc.id
    format         = var.flow_log_format
    key            = terraform_data.encryption_key.id
    retention_days = var.flow_log_retention_days
  }
}
