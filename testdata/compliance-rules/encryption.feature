@high
Feature: Data at rest is encrypted

  Scenario Outline: Databases and volumes are encrypted
    Given I have <kind> defined
    Then it must have <attribute>
    And its value must be true

    Examples:
      | kind            | attribute         |
      | aws_db_instance | storage_encrypted |
      | aws_rds_cluster | storage_encrypted |
      | aws_ebs_volume  | encrypted         |

  Scenario: Instances encrypt their root volume
    Given I have aws_instance defined
    When it has root_block_device
    Then it must have root_block_device
    Then it must have encrypted
    And its value must be true

  Scenario: Buckets have their encryption beside them
    Given I have aws_s3_bucket defined
    Then it must have aws_s3_bucket_server_side_encryption_configuration
