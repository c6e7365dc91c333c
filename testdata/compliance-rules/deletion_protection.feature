@high
Feature: What keeps data is protected from being deleted
  The rules do not know the environment: for production alone, give this file to
  production alone.

  Scenario Outline: Databases and load balancers are protected
    Given I have <kind> defined
    Then it must have <attribute>
    And its value must be true

    Examples:
      | kind               | attribute                   |
      | aws_db_instance    | deletion_protection         |
      | aws_rds_cluster    | deletion_protection         |
      | aws_dynamodb_table | deletion_protection_enabled |
      | aws_lb             | enable_deletion_protection  |
