image    = "registry.example.com/service:2.4.0"
replicas = 1
