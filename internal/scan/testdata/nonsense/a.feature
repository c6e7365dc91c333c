Feature: Nobody understands it

  Scenario: A step that is none
    Given I have a thing that no step knows
