#!/bin/sh
# The demo: all of staging in one region, on a copy of the example monorepo.
# Needs strata and Terraform on PATH: run it with `make demo`.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
demo=$root/.demo # git-ignored, and left for a look at the logs
rm -rf "$demo"
mkdir "$demo"

show() {
	printf '\n$ %s\n' "$*"
	"$@"
}

cp -R "$root/testdata/live/." "$demo"
cd "$demo"

printf '%s\n' \
	"The example monorepo, copied to $demo." \
	"The clients' database password is a made-up one: STRATA_SECRET_DB_PASSWORD."
STRATA_SECRET_DB_PASSWORD='demo-only-password'
export STRATA_SECRET_DB_PASSWORD

show strata deploy --env staging --region us-east-1 --all
show strata graph --env staging
printf '\n# Once more: nothing is other than it was deployed.\n'
show strata deploy --env staging --region us-east-1

printf '\n# A module changes: what uses it runs, and what needs that where a value is another.\n'
printf '# A comment.\n' >>shared/modules/eks-cluster/main.tf
show strata deploy --env staging --region us-east-1
