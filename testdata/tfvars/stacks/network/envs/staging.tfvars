environment = "staging"
cidr        = "10.40.0.0/16"
zones       = ["a", "b"]
