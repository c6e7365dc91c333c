environment = "production"
region      = "us-east-1"

engine_version = "16.4"
instance_class = "db.r6g.xlarge"
storage_gb     = 500
multi_az       = true
replicas       = 2
