environment = "production"
region      = "us-east-1"

vpc_cidr                = "10.10.0.0/16"
availability_zones      = ["us-east-1a", "us-east-1b", "us-east-1c"]
flow_log_retention_days = 365
