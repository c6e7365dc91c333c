package ciexamples

import "strings"

// How each vendor's dagger call gives credentials.
const (
	awsKeys  = "with-aws-credentials --access-key-id env:AWS_ACCESS_KEY_ID --secret-access-key env:AWS_SECRET_ACCESS_KEY --session-token env:AWS_SESSION_TOKEN --region eu-west-1"
	awsFixed = "with-aws-credentials --access-key-id env:AWS_ACCESS_KEY_ID --secret-access-key env:AWS_SECRET_ACCESS_KEY --region eu-west-1"
)

func awsRole(role string) string {
	return "with-variable --name AWS_REGION --value eu-west-1 with-variable --name AWS_ROLE_ARN --value " + role +
		" with-variable --name AWS_WEB_IDENTITY_TOKEN_FILE --value /run/aws-token with-secret-file --path /run/aws-token --content env:AWS_ID_TOKEN"
}

func daggerLine(credentials, verb string) string {
	return "dagger --progress logs call -m github.com/strata-tf/strata " + credentials + " with-secret --name db_password --value env:DB_PASSWORD " + verb
}

// applies says whether a deploy's output tells of an applied unit.
func applies(out string) bool { return strings.Contains(out, " applied") }
