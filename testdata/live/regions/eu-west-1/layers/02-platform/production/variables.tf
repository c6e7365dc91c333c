variable "environment" {
  description = "Environment of this unit."
  type        = string
}

variable "region" {
  description = "Region of this unit."
  type        = string
}

variable "kubernetes_version" {
  description = "Kubernetes version of the control plane."
  type        = string
}

variable "node_groups" {
  description = "Node groups by name."
  type = map(object({
    instance_type = string
    min_size      = number
    max_size      = number
    spot          = optional(bool, false)
  }))
}

# Filled in from the foundation's outputs.

variable "foundation_vpc_id" {
  description = "VPC the cluster lives in."
  type        = string
}

variable "foundation_private_subnet_ids" {
  description = "Subnets of the control plane and the nodes."
  type        = list(string)
}

variable "foundation_flow_log_format" {
  description = "Fields of a flow log line."
  type        = string
}

variable "foundation_tags" {
  description = "Tags that say which network this is."
  type        = map(string)
}
