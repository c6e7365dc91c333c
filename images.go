package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/strata-tf/strata/internal/dagger"
)

// images are what the tools run in where neither strata.yaml nor with-image says
// another: the tag for people, the digest for the engine, which takes the image
// by it alone.
//
// To renew one, look up what its registry has under the new tag, with one of
//
//	crane digest IMAGE:TAG
//	docker buildx imagetools inspect IMAGE:TAG --format '{{.Manifest.Digest}}'
//
// and write both here. It must be the digest of the whole index, so that every
// platform finds its image below it, and not that of one platform's manifest.
// Motoserver's is in moto's changelog too.
var images = map[string]string{
	"terraform": "hashicorp/terraform:1.11.4@sha256:5820b87995595425074f881500a037b0ccd41158d0d9b44d78f5f120612f2d3d",
	"tofu":      "ghcr.io/opentofu/opentofu:1.12.6-minimal@sha256:316699e0f58b1e01fb9d99252ab5dbeeac15687497ab155ceabcba8974828dd3",
	"alpine":    "alpine:3.22.1@sha256:4bcff63911fcb4448bd4fdacec207030997caf25e9bea4045fa6c8c44de311d1",
	// The demo's AWS.
	"moto": "motoserver/moto:5.2.2@sha256:d8ae5edc2bf080e7e4c13f9bd4b29b53ac3b4427e92956318db3dbe23ec43eb7",
}

// toolImage is a container with a tool. OpenTofu's own image may not be built
// upon, and has no shell: its binary is put onto another one.
func (s *Strata) toolImage(tool, image string) *dagger.Container {
	if tool == "tofu" && minimal(image) {
		return dag.Container().From(s.image("alpine")).
			WithFile("/usr/local/bin/tofu", dag.Container().From(image).File("/usr/local/bin/tofu"))
	}
	return dag.Container().From(image)
}

// pull fails where the engine cannot have an image, and says what to do then.
func pull(ctx context.Context, tool, image string) error {
	if _, err := dag.Container().From(image).Sync(ctx); err != nil {
		return fmt.Errorf("%s: its image %s cannot be had: %w. Where the engine does not reach that registry, say another image: with-image --tool %s --image …", tool, image, err, tool)
	}
	return nil
}

// minimal says whether an image is the one that OpenTofu's makers give away for
// its binary, or a mirror's copy of it.
func minimal(image string) bool {
	name, _, _ := strings.Cut(image, "@")
	return strings.HasSuffix(name, "-minimal")
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
