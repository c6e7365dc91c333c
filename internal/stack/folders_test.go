package stack

import "testing"

// Which files Terraform reads by itself, as Terraform 1.11 was seen to.
func TestIsTerraformFile(t *testing.T) {
	for name, want := range map[string]bool{
		"main.tf": true, "main.tf.json": true, "main.tofu": true, "main.tofu.json": true, "#main.tf": true, "a b.tf": true,
		".main.tf": false, "main.tf~": false, "#main.tf#": false, "main.tf.bak": false, "tf": false, "main.json": false, "a.tfvars": false,
	} {
		if IsTerraformFile(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
