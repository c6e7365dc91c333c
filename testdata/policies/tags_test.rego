package terraform_test

test_tags if {
	denied(created("aws_vpc", {"tags_all": {"Owner": "a", "CostCenter": "1"}}), "staging") == set()
	denied(created("aws_vpc", {"tags_all": {"Owner": "a"}}), "staging") == {"aws_vpc.it lacks the tag CostCenter"}
	count(denied(created("aws_vpc", {"tags_all": null}), "staging")) == 2
	denied(created("aws_iam_policy_attachment", {}), "staging") == set()
}

test_unknown_tags if {
	denied(unknown("aws_vpc", {}, {"tags_all": true}), "staging") == set()
	denied(unknown("aws_vpc", {"tags_all": {"Owner": "a"}}, {"tags_all": {"CostCenter": true}}), "staging") == set()
}
