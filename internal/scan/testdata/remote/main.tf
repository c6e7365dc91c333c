module "vpc" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "5.0.0"
}

module "archive" {
  source = "https://example.com/module.zip"
}

resource "aws_sns_topic" "events" {
  name = "events"
}
