variable "name" {
  description = "Name of the cluster."
  type        = string
}

variable "kubernetes_version" {
  description = "Kubernetes version of the control plane."
  type        = string
}

variable "vpc_id" {
  description = "VPC the cluster lives in."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the control plane and the nodes."
  type        = list(string)
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

variable "log_format" {
  description = "Fields of a flow log line, which the cluster's log shipper parses."
  type        = string
}

variable "tags" {
  description = "Tags of the cluster."
  type        = map(string)
}
