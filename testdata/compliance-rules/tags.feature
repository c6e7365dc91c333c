@medium
Feature: Everything has the tags that say whose it is and who pays

  Scenario Outline: What can have tags has them
    Given I have resource that supports tags_all defined
    Then it must have tags_all
    And it must have <tag>

    Examples:
      | tag        |
      | Owner      |
      | CostCenter |
