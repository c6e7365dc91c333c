Feature: Everything is tagged

  Scenario Outline: There is a name tag
    Given I have <kind> defined
    Then it must contain tags
    And it must contain Name

    Examples:
      | kind               |
      | aws_s3_bucket      |
      | aws_security_group |
      | aws_db_instance    |
