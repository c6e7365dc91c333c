environment = "staging"
region      = "eu-west-1"

kubernetes_version = "1.33"

node_groups = {
  general = { instance_type = "m6i.large", min_size = 2, max_size = 4 }
  batch   = { instance_type = "c6i.large", min_size = 0, max_size = 2, spot = true }
}
