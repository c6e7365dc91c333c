environment = "development"
region      = "eu-west-1"

kubernetes_version = "1.33"

node_groups = {
  general = { instance_type = "t3.large", min_size = 1, max_size = 3, spot = true }
}
