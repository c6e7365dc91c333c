environment = "production"
region      = "us-east-1"

quota     = { cpu = 16, memory_gb = 64, pods = 60 }
hostnames = ["ezra.us-east-1.example.com"]
