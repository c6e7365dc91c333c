environment = "production"
region      = "us-east-1"

kubernetes_version = "1.33"

node_groups = {
  general = { instance_type = "m6i.xlarge", min_size = 3, max_size = 12 }
  batch   = { instance_type = "c6i.2xlarge", min_size = 0, max_size = 6, spot = true }
}
