variable "environment" {
  description = "Environment of this unit."
  type        = string
}

variable "region" {
  description = "Region of this unit."
  type        = string
}

variable "replicas" {
  description = "Number of pods of a service that says nothing itself."
  type        = number
}

# Filled in from the platform's outputs.

variable "platform_cluster_name" {
  description = "Cluster the services run in."
  type        = string
}

variable "platform_oidc_provider_arn" {
  description = "The cluster's identity provider."
  type        = string
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

variable "databases_reader_endpoints" {
  description = "Host names of the read replicas, of which there may be none."
  type        = list(string)
}
