environment = "production"
region      = "eu-west-1"

quota     = { cpu = 16, memory_gb = 64, pods = 60 }
hostnames = ["ezra.eu-west-1.example.com"]
