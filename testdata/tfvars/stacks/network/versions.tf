terraform {
  required_version = ">= 1.6"

  backend "local" {} # its path is given to init
}
