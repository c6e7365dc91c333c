variable "name" {
  description = "Name of the VPC."
  type        = string
}

variable "cidr" {
  description = "Address range of the VPC."
  type        = string

  validation {
    condition     = can(cidrsubnet(var.cidr, 4, 15))
    error_message = "The VPC needs a range that can be cut into 16 subnets."
  }
}

variable "availability_zones" {
  description = "Zones that get a private and a public subnet each."
  type        = list(string)
}

variable "tags" {
  description = "Tags of the VPC and its subnets."
  type        = map(string)
}
