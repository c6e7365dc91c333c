resource "aws_s3_bucket" "cut" {
  bucket =
