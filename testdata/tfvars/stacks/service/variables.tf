variable "image" {
  description = "Container image with its tag."
  type        = string
}

variable "replicas" {
  description = "Number of pods in each zone."
  type        = number
}

variable "vpc_id" {
  description = "Network the service runs in."
  type        = string
}

variable "network_zones" {
  description = "Zones the service runs in."
  type        = list(string)
}
