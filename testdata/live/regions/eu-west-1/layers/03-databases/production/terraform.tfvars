environment = "production"
region      = "eu-west-1"

engine_version = "16.4"
instance_class = "db.r6g.xlarge"
storage_gb     = 500
multi_az       = true
replicas       = 2
