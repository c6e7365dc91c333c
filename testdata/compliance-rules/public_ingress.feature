@critical
Feature: Nothing is open to the internet
  Ports 80 and 443 may be. Which ports a block of a security group opens to IPv6
  cannot be asked here: that is for policies.

  Scenario Outline: Security groups let nobody in by any other port
    Given I have AWS Security Group defined
    When it has ingress
    Then it must have ingress
    Then it must not have <protocol> protocol and port <ports> for 0.0.0.0/0

    Examples:
      | protocol | ports     |
      | tcp      | 1-79      |
      | tcp      | 81-442    |
      | tcp      | 444-65535 |
      | udp      | 1-65535   |

  Scenario Outline: Rules of security groups let nobody in
    Given I have <kind> defined
    When its type is ingress
    When its from_port is not 80
    When its from_port is not 443
    When it has <blocks>
    Then it must have <blocks>
    And its value must not contain <everybody>

    Examples:
      | kind                    | blocks           | everybody |
      | aws_security_group_rule | cidr_blocks      | 0.0.0.0/0 |
      | aws_security_group_rule | ipv6_cidr_blocks | ::/0      |

  Scenario Outline: Newer rules let nobody in
    Given I have aws_vpc_security_group_ingress_rule defined
    When its from_port is not 80
    When its from_port is not 443
    When it has <cidr>
    Then it must have <cidr>
    And its value must not be <everybody>

    Examples:
      | cidr      | everybody |
      | cidr_ipv4 | 0.0.0.0/0 |
      | cidr_ipv6 | ::/0      |

  Scenario: Databases cannot be reached from the internet
    Given I have aws_db_instance defined
    When it has publicly_accessible
    Then it must have publicly_accessible
    And its value must be false

  Scenario Outline: Buckets keep the public out
    Given I have aws_s3_bucket_public_access_block defined
    Then it must have <attribute>
    And its value must be true

    Examples:
      | attribute               |
      | block_public_acls       |
      | block_public_policy     |
      | ignore_public_acls      |
      | restrict_public_buckets |
