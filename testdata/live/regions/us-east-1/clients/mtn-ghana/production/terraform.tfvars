environment = "production"
region      = "us-east-1"

quota     = { cpu = 32, memory_gb = 128, pods = 120 }
hostnames = ["mtn-ghana.us-east-1.example.com", "pay.mtn-ghana.us-east-1.example.com"]
