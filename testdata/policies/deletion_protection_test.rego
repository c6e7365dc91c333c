package terraform_test

table(protected) := created("aws_dynamodb_table", {"deletion_protection_enabled": protected})

test_protection if {
	denied(table(false), "production") == {"aws_dynamodb_table.it can be deleted: set deletion_protection_enabled"}
	denied(table(true), "production") == set()
	denied(table(false), "staging") == set()
}

test_protection_elsewhere if {
	plan := created("aws_db_instance", {"deletion_protection": false, "storage_encrypted": true})
	warned(plan, "staging") == {"aws_db_instance.it can be deleted, which production will not let pass"}
	warned(plan, "production") == set()
}
