variable "name" {
  type = string
}

# No encryption, no versioning, no access block: two root folders use it.
resource "aws_s3_bucket" "this" {
  bucket = var.name
}

resource "aws_s3_bucket_acl" "this" {
  bucket = aws_s3_bucket.this.id
  acl    = "public-read"
}

output "arn" {
  value = aws_s3_bucket.this.arn
}
