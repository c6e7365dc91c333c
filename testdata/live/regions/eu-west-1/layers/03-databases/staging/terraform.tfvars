environment = "staging"
region      = "eu-west-1"

engine_version = "16.4"
instance_class = "db.t4g.large"
storage_gb     = 100
multi_az       = false
replicas       = 1
