variable "client" {
  description = "Name of the client, as its folder is called."
  type        = string
}

variable "prefix" {
  description = "Start of the name of what is unique in the whole account."
  type        = string
}

variable "cluster_name" {
  description = "Cluster the client's workloads run in."
  type        = string
}

variable "oidc_provider_arn" {
  description = "The cluster's identity provider."
  type        = string
}

variable "database" {
  description = "The shared database server."
  type = object({
    host = string
    port = number
  })
}

variable "master_password" {
  description = "Password of the server's administrator, to create the client's database with."
  type        = string
  sensitive   = true
}

variable "db_password" {
  description = "Password of the client's own database user."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.db_password) >= 12
    error_message = "A client's database password has at least 12 characters."
  }
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

variable "tags" {
  description = "Tags of everything the client owns."
  type        = map(string)
}
