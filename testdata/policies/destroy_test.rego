package terraform_test

test_destroy if {
	plan := changed("aws_s3_bucket", ["delete"], null)
	denied(plan, "production") == {"aws_s3_bucket.it would be destroyed in production"}
	denied(plan, "staging") == set()
	warned(plan, "staging") == {"aws_s3_bucket.it would be destroyed"}
	warned(plan, "production") == set()
}

test_replace if {
	count(denied(changed("aws_ebs_volume", ["delete", "create"], {"encrypted": true}), "production")) == 1
	denied(changed("aws_ebs_volume", ["delete", "create"], {"encrypted": true}), "staging") == set()
}

test_destroy_of_what_keeps_nothing if {
	plan := changed("aws_route", ["delete"], null)
	denied(plan, "production") == set()
	warned(plan, "production") == {"aws_route.it would be destroyed"}
}
