variable "cluster_name" {
  description = "Cluster the nodes join."
  type        = string
}

variable "name" {
  description = "Name of the group."
  type        = string
}

variable "instance_type" {
  description = "Size of a node."
  type        = string
}

variable "min_size" {
  description = "Fewest nodes."
  type        = number
}

variable "max_size" {
  description = "Most nodes."
  type        = number
}

variable "spot" {
  description = "Whether the nodes may be taken away at short notice."
  type        = bool
  default     = false
}

variable "subnet_ids" {
  description = "Subnets the nodes run in."
  type        = list(string)
}
