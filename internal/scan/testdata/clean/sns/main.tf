resource "aws_sns_topic" "events" {
  name              = "events"
  kms_master_key_id = "arn:aws:kms:us-east-1:111122223333:key/1"
}
