variable "environment" {
  description = "Environment the resources belong to."
  type        = string

  validation {
    condition     = contains(["production", "staging", "development"], var.environment)
    error_message = "The environment is production, staging or development."
  }
}

variable "region" {
  description = "Region the resources live in."
  type        = string
}

variable "component" {
  description = "Layer or client that owns the resources."
  type        = string
}

variable "extra" {
  description = "Tags that only this component has."
  type        = map(string)
  default     = {}
}
