@critical
Feature: What keeps data is not replaced
  What is only destroyed is not in the plan as these rules see it: that, and the
  environment, is for policies.

  Scenario Outline: Nothing of these types is replaced
    Given I have <kind> defined
    When its actions contains delete
    Then it must fail

    Examples:
      | kind                |
      | aws_db_instance     |
      | aws_dynamodb_table  |
      | aws_ebs_volume      |
      | aws_efs_file_system |
      | aws_kms_key         |
      | aws_rds_cluster     |
      | aws_s3_bucket       |
