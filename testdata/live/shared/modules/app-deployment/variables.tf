variable "name" {
  description = "Name of the service."
  type        = string
}

variable "cluster_name" {
  description = "Cluster the service runs in."
  type        = string
}

variable "namespace" {
  description = "Kubernetes namespace of the service."
  type        = string
}

variable "image" {
  description = "Container image with its tag."
  type        = string

  validation {
    condition     = can(regex(":[^:/]+$", var.image)) && !endswith(var.image, ":latest")
    error_message = "An image is deployed by an exact tag, never by latest."
  }
}

variable "replicas" {
  description = "Number of pods."
  type        = number
}

variable "role_arn" {
  description = "Role that the service account takes."
  type        = string
}

variable "environment_variables" {
  description = "What the container finds in its environment."
  type        = map(string)
  default     = {}
}
