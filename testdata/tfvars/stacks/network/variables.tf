variable "environment" {
  description = "Environment whose network this is."
  type        = string
}

variable "cidr" {
  description = "Address range of the network."
  type        = string
}

variable "zones" {
  description = "Zones that get a subnet each."
  type        = list(string)
}
