// Command diskprovider is a Terraform provider whose reality is a folder: one
// JSON file per thing, which a test can change, break or take away behind
// Terraform's back, on any machine and without an account. `make tools` builds
// it into .tools/providers.
//
//	provider "disk" {
//	  folder = "/some/folder"
//	}
//	resource "disk_thing" "a" {
//	  name  = "a" # /some/folder/a.json
//	  value = "x"
//	}
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
)

func main() {
	err := providerserver.Serve(context.Background(), func() provider.Provider { return diskProvider{} },
		providerserver.ServeOpts{Address: "registry.terraform.io/strata-tf/disk"})
	if err != nil {
		fmt.Fprintln(os.Stderr, "disk:", err)
		os.Exit(1)
	}
}
