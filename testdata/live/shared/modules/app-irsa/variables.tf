variable "name" {
  description = "Name of the role."
  type        = string
}

variable "namespace" {
  description = "Kubernetes namespace of the service account."
  type        = string
}

variable "service_account" {
  description = "Service account that takes the role."
  type        = string
}

variable "oidc_provider_arn" {
  description = "The cluster's identity provider."
  type        = string
}

variable "policies" {
  description = "Policies of the role: names of files in this module's policies folder."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for policy in var.policies : can(regex("^[a-z0-9-]+$", policy))])
    error_message = "A policy is the name of a file in the policies folder, without its ending."
  }
}
