resource "terraform_data" "node_group" {
  input = {
    cluster       = var.cluster_name
    name          = var.name
    instance_type = var.instance_type
    capacity      = var.spot ? "SPOT" : "ON_DEMAND"
    scaling       = { min = var.min_size, max = var.max_size }
    subnet_ids    = var.subnet_ids
  }

  lifecycle {
    precondition {
      condition     = var.min_size <= var.max_size
      error_message = "Node group ${var.name}: min_size is greater than max_size."
    }
  }
}
