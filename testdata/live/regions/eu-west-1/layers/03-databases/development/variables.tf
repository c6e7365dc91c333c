variable "environment" {
  description = "Environment of this unit."
  type        = string
}

variable "region" {
  description = "Region of this unit."
  type        = string
}

variable "engine_version" {
  description = "PostgreSQL version."
  type        = string
}

variable "instance_class" {
  description = "Size of the database server."
  type        = string
}

variable "storage_gb" {
  description = "Allocated storage."
  type        = number
}

variable "multi_az" {
  description = "Whether a standby runs in another zone."
  type        = bool
}

variable "replicas" {
  description = "Number of read replicas."
  type        = number
}

# Filled in from the platform's outputs.

variable "platform_network" {
  description = "Network of the cluster, whose nodes may connect."
  type = object({
    vpc_id                 = string
    subnet_ids             = list(string)
    node_security_group_id = string
  })
}
