resource "terraform_data" "cluster" {
  input = {
    name       = var.name
    version    = var.kubernetes_version
    vpc_id     = var.vpc_id
    subnet_ids = var.subnet_ids
    tags       = var.tags
  }
}

resource "terraform_data" "node_security_group" {
  input = {
    name   = "${var.name}-nodes"
    vpc_id = var.vpc_id
  }
}

resource "terraform_data" "oidc_provider" {
  input = {
    issuer = "https://oidc.eks.example.com/id/${terraform_data.cluster.id}"
  }
}

resource "terraform_data" "log_shipper" {
  input = {
    cluster = terraform_data.cluster.id
    values = templatefile("${path.module}/templates/log-shipper.yaml.tftpl", {
      cluster = var.name
      format  = var.log_format
    })
  }
}

module "node_group" {
  source   = "../eks-node-group"
  for_each = var.node_groups

  cluster_name  = var.name
  name          = each.key
  instance_type = each.value.instance_type
  min_size      = each.value.min_size
  max_size      = each.value.max_size
  spot          = each.value.spot
  subnet_ids    = var.subnet_ids
}
