variable "name" {
  description = "Start of the name of everything in the layer."
  type        = string
}

variable "vpc_cidr" {
  description = "Address range of the VPC."
  type        = string
}

variable "availability_zones" {
  description = "Zones the network spans."
  type        = list(string)
}

variable "domain" {
  description = "DNS zone of the environment in this region."
  type        = string
}

variable "flow_log_format" {
  description = "Fields of a flow log line, in the log service's own $${field} notation."
  type        = string
}

variable "flow_log_retention_days" {
  description = "Days that flow logs are kept."
  type        = number
}

variable "tags" {
  description = "Tags of everything in the layer."
  type        = map(string)
}
