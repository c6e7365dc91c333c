@critical
Feature: Nothing is open to the world

  Scenario: No ssh from everywhere
    Given I have aws_security_group defined
    When it has ingress
    Then it must have ingress
    Then it must not have tcp protocol and port 22 for 0.0.0.0/0

  @nofail
  Scenario: Databases are not public
    Given I have aws_db_instance defined
    Then it must have publicly_accessible
    And its value must be false
