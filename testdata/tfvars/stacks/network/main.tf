resource "terraform_data" "vpc" {
  input = {
    name = "${var.environment}-network"
    cidr = var.cidr
  }
}

resource "terraform_data" "subnet" {
  for_each = { for index, zone in var.zones : zone => index }

  input = {
    vpc_id = terraform_data.vpc.id
    zone   = each.key
    cidr   = cidrsubnet(var.cidr, 4, each.value)
  }
}
