environment = "development"
region      = "us-east-1"

replicas = 1
