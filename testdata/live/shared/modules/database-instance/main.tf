locals {
  port            = 5432
  master_username = "postgres_admin"
  master_password = sensitive(substr(sha256(terraform_data.master_password.id), 0, 32))
}

# Its id is random and stays, so it stands in for a random password.
resource "terraform_data" "master_password" {
  triggers_replace = [var.name]
}

resource "terraform_data" "parameter_group" {
  input = {
    family = "postgres${split(".", var.engine_version)[0]}"
    parameters = {
      log_min_duration_statement = var.environment == "production" ? 1000 : 250
      "rds.force_ssl"            = 1
    }
  }
}

resource "terraform_data" "instance" {
  input = {
    name            = var.name
    engine_version  = var.engine_version
    instance_class  = var.instance_class
    storage_gb      = var.storage_gb
    multi_az        = var.multi_az
    parameter_group = terraform_data.parameter_group.id
    subnet_ids      = var.subnet_ids
    security_groups = var.allowed_security_group_ids
    master_username = local.master_username
    master_password = local.master_password
    tags            = var.tags
  }

  lifecycle {
    precondition {
      condition     = var.environment != "production" || var.multi_az
      error_message = "A production database runs in more than one zone: set multi_az."
    }
  }
}

resource "terraform_data" "replica" {
  count = var.replicas

  input = {
    name           = "${var.name}-replica-${count.index}"
    source         = terraform_data.instance.id
    instance_class = var.instance_class
  }
}
