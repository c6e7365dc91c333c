locals {
  zones = { for index, zone in var.availability_zones : zone => index }
}

resource "terraform_data" "vpc" {
  input = {
    name = var.name
    cidr = var.cidr
    tags = var.tags
  }
}

resource "terraform_data" "private_subnet" {
  for_each = local.zones

  input = {
    vpc  = terraform_data.vpc.id
    zone = each.key
    cidr = cidrsubnet(var.cidr, 4, each.value)
    tags = merge(var.tags, { tier = "private" })
  }
}

resource "terraform_data" "public_subnet" {
  for_each = local.zones

  input = {
    vpc  = terraform_data.vpc.id
    zone = each.key
    cidr = cidrsubnet(var.cidr, 4, each.value + 8)
    tags = merge(var.tags, { tier = "public" })
  }
}
