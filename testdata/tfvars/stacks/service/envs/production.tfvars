image    = "registry.example.com/service:2.3.1"
replicas = 2
