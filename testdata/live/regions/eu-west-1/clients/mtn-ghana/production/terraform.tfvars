environment = "production"
region      = "eu-west-1"

quota     = { cpu = 32, memory_gb = 128, pods = 120 }
hostnames = ["mtn-ghana.eu-west-1.example.com", "pay.mtn-ghana.eu-west-1.example.com"]
