environment = "production"
cidr        = "10.50.0.0/16"
zones       = ["a", "b", "c"]
