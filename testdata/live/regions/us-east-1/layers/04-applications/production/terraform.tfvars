environment = "production"
region      = "us-east-1"

replicas = 3
