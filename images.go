package main

// images are what the tools run in where neither strata.yaml nor with-image says
// another. Renew a tag together with its digest: `docker buildx imagetools
// inspect hashicorp/terraform:VERSION` (or `crane digest`) prints it.
var images = map[string]string{
	"terraform": "hashicorp/terraform:1.11.4",
	"tofu":      "ghcr.io/opentofu/opentofu:1.12.6-minimal",
}
