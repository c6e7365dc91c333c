package main

import (
	"cmp"

	"github.com/strata-tf/strata/internal/dagger"
)

// images are what the tools run in where neither strata.yaml nor with-image says
// another. To renew one, write the new tag and, behind it, the digest that
// `docker buildx imagetools inspect IMAGE:TAG` (or `crane digest`) prints.
var images = map[string]string{
	"terraform": "hashicorp/terraform:1.11.4",
	"tofu":      "ghcr.io/opentofu/opentofu:1.12.6-minimal",
	"alpine":    "alpine:3.22.1",
	"moto":      "motoserver/moto:5.1.0", // the demo's AWS
}

// toolImage is a container with a tool. OpenTofu's own image may not be built
// upon: its binary is put onto another one.
func (s *Strata) toolImage(tool, image string) *dagger.Container {
	if tool == "tofu" && image == images["tofu"] {
		return dag.Container().From(s.image("alpine")).
			WithFile("/usr/local/bin/tofu", dag.Container().From(image).File("/usr/local/bin/tofu"))
	}
	return dag.Container().From(image)
}

// image is what one of the module's own tools runs in.
func (s *Strata) image(tool string) string { return cmp.Or(s.chosen(tool), images[tool]) }

// chosen is the image that with-image says for a tool, "" where it says none.
func (s *Strata) chosen(tool string) string {
	var image string
	for i := 0; i+1 < len(s.Images); i += 2 {
		if s.Images[i] == tool {
			image = s.Images[i+1]
		}
	}
	return image
}
