environment = "development"
region      = "eu-west-1"

engine_version = "16.4"
instance_class = "db.t4g.small"
storage_gb     = 20
multi_az       = false
replicas       = 0
