variable "environment" {
  description = "Environment of this unit."
  type        = string
}

variable "region" {
  description = "Region of this unit."
  type        = string
}

variable "quota" {
  description = "What the client's workloads may use."
  type = object({
    cpu       = number
    memory_gb = number
    pods      = optional(number, 20)
  })
}

variable "hostnames" {
  description = "Public host names of the client."
  type        = list(string)
}

# Given as a secret, never written into a file of the repository.

variable "db_password" {
  description = "Password of the client's database user."
  type        = string
  sensitive   = true
}

# Filled in from the platform's outputs.

variable "platform_cluster_name" {
  description = "Cluster the client's workloads run in."
  type        = string
}

variable "platform_oidc_provider_arn" {
  description = "The cluster's identity provider."
  type        = string
}

variable "platform_max_nodes" {
  description = "Most nodes the cluster grows to."
  type        = number
}

# Filled in from the databases' outputs.

variable "databases_endpoint" {
  description = "Host name of the database server."
  type        = string
}

variable "databases_port" {
  description = "Port of the database server."
  type        = number
}

variable "databases_master_password" {
  description = "Password of the database administrator."
  type        = string
  sensitive   = true
}
