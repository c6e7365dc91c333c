environment = "staging"
region      = "us-east-1"

replicas = 2
