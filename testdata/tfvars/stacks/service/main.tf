locals {
  environment = terraform.workspace
}

resource "terraform_data" "service" {
  input = {
    name     = "${local.environment}-service"
    image    = var.image
    vpc_id   = var.vpc_id
    replicas = { for zone in var.network_zones : zone => var.replicas }
  }

  lifecycle {
    precondition {
      condition     = local.environment != "default"
      error_message = "The service has a workspace for each environment: select one."
    }
  }
}
