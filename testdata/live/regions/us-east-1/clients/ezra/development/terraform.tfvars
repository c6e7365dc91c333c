environment = "development"
region      = "us-east-1"

quota     = { cpu = 2, memory_gb = 8 }
hostnames = ["ezra.us-east-1.development.example.com"]
