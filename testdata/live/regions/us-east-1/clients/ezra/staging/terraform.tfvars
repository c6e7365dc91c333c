environment = "staging"
region      = "us-east-1"

quota     = { cpu = 8, memory_gb = 16, pods = 30 }
hostnames = ["ezra.us-east-1.staging.example.com"]
