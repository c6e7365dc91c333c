variable "environment" {
  description = "Environment of this unit."
  type        = string
}

variable "region" {
  description = "Region of this unit."
  type        = string
}

variable "vpc_cidr" {
  description = "Address range of the VPC; no two environments share one."
  type        = string
}

variable "availability_zones" {
  description = "Zones the network spans."
  type        = list(string)
}

variable "flow_log_retention_days" {
  description = "Days that flow logs are kept."
  type        = number
}
