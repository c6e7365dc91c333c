resource "terraform_data" "deployment" {
  input = {
    cluster = var.cluster_name
    manifest = templatefile("${path.module}/templates/deployment.yaml.tftpl", {
      name      = var.name
      namespace = var.namespace
      image     = var.image
      replicas  = var.replicas
      role_arn  = var.role_arn
      env       = var.environment_variables
    })
  }
}
