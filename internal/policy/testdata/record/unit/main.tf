# A unit that the policies of testdata/policies let pass, with many ways to
# write what they look at.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "name" {
  type = string
}

variable "size" {
  type = number
}

variable "open" {
  type    = list(string)
  default = ["10.0.0.0/8"]
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "made"
  secret_key                  = "up"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true

  default_tags {
    tags = {
      Owner      = "platform"
      CostCenter = "1234"
    }
  }
}

resource "aws_vpc" "main" {
  cidr_block = "10.${var.size}.0.0/16"
  tags       = { Name = var.name }
}

resource "aws_subnet" "private" {
  count      = var.size
  vpc_id     = aws_vpc.main.id
  cidr_block = cidrsubnet(aws_vpc.main.cidr_block, 8, count.index)
  tags       = { Name = "${var.name}-${count.index}" }
}

resource "aws_security_group" "web" {
  name        = "${var.name}-web"
  description = "Web servers"
  vpc_id      = aws_vpc.main.id

  ingress {
    description = "https"
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = var.open
  }
}

resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "Databases"
  vpc_id      = aws_vpc.main.id

  ingress {
    description     = "from web servers"
    from_port       = 5432
    to_port         = 5432
    protocol        = "tcp"
    security_groups = [aws_security_group.web.id]
  }
}

resource "aws_security_group_rule" "office" {
  type              = "ingress"
  description       = "ssh from the office"
  from_port         = 22
  to_port           = 22
  protocol          = "tcp"
  cidr_blocks       = ["10.99.0.0/16"]
  security_group_id = aws_security_group.web.id
}

resource "aws_vpc_security_group_ingress_rule" "office" {
  security_group_id = aws_security_group.web.id
  description       = "monitoring"
  cidr_ipv4         = "10.98.0.0/16"
  from_port         = 9100
  to_port           = 9100
  ip_protocol       = "tcp"
}

module "bucket" {
  source   = "./modules/bucket"
  for_each = toset(["assets", "logs"])
  name     = "${var.name}-${each.key}"
}

resource "aws_ebs_volume" "data" {
  availability_zone = "us-east-1a"
  size              = 20
  encrypted         = true
}

resource "aws_instance" "web" {
  count                  = var.size
  ami                    = "ami-12345678"
  instance_type          = "t3.small"
  subnet_id              = aws_subnet.private[count.index].id
  vpc_security_group_ids = [aws_security_group.web.id]

  root_block_device {
    encrypted = true
  }
}

resource "aws_db_subnet_group" "main" {
  name       = var.name
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_db_instance" "main" {
  identifier                  = var.name
  engine                      = "postgres"
  instance_class              = "db.t3.micro"
  allocated_storage           = 20
  username                    = "strata"
  manage_master_user_password = true
  storage_encrypted           = true
  deletion_protection         = true
  skip_final_snapshot         = true
  db_subnet_group_name        = aws_db_subnet_group.main.name
  vpc_security_group_ids      = [aws_security_group.database.id]
}

resource "aws_dynamodb_table" "locks" {
  name                        = "${var.name}-locks"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "id"
  deletion_protection_enabled = true

  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_lb" "web" {
  name                       = var.name
  internal                   = true
  subnets                    = aws_subnet.private[*].id
  security_groups            = [aws_security_group.web.id]
  enable_deletion_protection = true
}

resource "aws_iam_role" "web" {
  name = var.name

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

output "bucket" {
  value = module.bucket["assets"].arn
}
