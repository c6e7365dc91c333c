environment = "staging"
region      = "eu-west-1"

quota     = { cpu = 8, memory_gb = 16, pods = 30 }
hostnames = ["mtn-ghana.eu-west-1.staging.example.com", "pay.mtn-ghana.eu-west-1.staging.example.com"]
