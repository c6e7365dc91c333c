environment = "development"
region      = "eu-west-1"

quota     = { cpu = 2, memory_gb = 8 }
hostnames = ["mtn-ghana.eu-west-1.development.example.com", "pay.mtn-ghana.eu-west-1.development.example.com"]
