variable "name" {
  description = "Name of the instance."
  type        = string
}

variable "environment" {
  description = "Environment the instance belongs to."
  type        = string
}

variable "engine_version" {
  description = "PostgreSQL version."
  type        = string
}

variable "instance_class" {
  description = "Size of the instance."
  type        = string
}

variable "storage_gb" {
  description = "Allocated storage."
  type        = number

  validation {
    condition     = var.storage_gb >= 20
    error_message = "The smallest instance has 20 GB."
  }
}

variable "multi_az" {
  description = "Whether a standby runs in another zone."
  type        = bool
}

variable "replicas" {
  description = "Number of read replicas."
  type        = number
  default     = 0
}

variable "subnet_ids" {
  description = "Subnets the instance may use."
  type        = list(string)
}

variable "allowed_security_group_ids" {
  description = "Security groups that may connect."
  type        = list(string)
}

variable "tags" {
  description = "Tags of the instance."
  type        = map(string)
}
