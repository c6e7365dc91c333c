Feature: Data at rest is encrypted

  @high
  Scenario: Databases encrypt their storage
    Given I have aws_db_instance defined
    Then it must have storage_encrypted
    And its value must be true
