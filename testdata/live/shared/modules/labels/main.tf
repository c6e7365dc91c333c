locals {
  short_region = replace(var.region, "/^([a-z]+)-([a-z])[a-z]+-([0-9])$/", "$1$2$3")
  short_env    = { production = "prod", staging = "stg", development = "dev" }[var.environment]
  prefix       = "${var.component}-${local.short_env}-${local.short_region}"

  tags = merge(var.extra, {
    component   = var.component
    environment = var.environment
    managed-by  = "terraform"
    region      = var.region
  })
}
