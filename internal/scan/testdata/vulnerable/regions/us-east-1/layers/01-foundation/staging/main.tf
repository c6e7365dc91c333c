terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

resource "aws_security_group" "open" {
  name        = "open"
  description = "Open to the world"

  ingress {
    description = "ssh"
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

# Accepted in place, once for each tool.
#tfsec:ignore:aws-ec2-no-public-ingress-sgr
#trivy:ignore:AWS-0107
resource "aws_security_group_rule" "desktop" {
  #checkov:skip=CKV_AWS_25:The old desktop, until it is gone
  type              = "ingress"
  description       = "rdp"
  from_port         = 3389
  to_port           = 3389
  protocol          = "tcp"
  cidr_blocks       = ["0.0.0.0/0"]
  security_group_id = aws_security_group.open.id
}

module "logs" {
  source = "../../../../../shared/modules/bucket"
  name   = "strata-logs"
}
