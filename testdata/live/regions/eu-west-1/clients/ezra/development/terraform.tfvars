environment = "development"
region      = "eu-west-1"

quota     = { cpu = 2, memory_gb = 8 }
hostnames = ["ezra.eu-west-1.development.example.com"]
