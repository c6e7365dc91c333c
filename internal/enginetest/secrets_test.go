//go:build engine

package enginetest

import (
	"encoding/base64"
	"encoding/json"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A secret has quotes, markup, a backslash and lines. Each is unlike any other,
// so that what is found says where it came from.
var (
	layerSecret    = "lay3r-" + random() + ` "q" \ <&>` + "\nse(ond-l1ne-" + random()
	variableSecret = "var1able-" + random() + "-'$&"
	fileSecret     = "f1le-" + random() + random() + "\nf1le-se(ond-" + random()
	outputSecret   = "0utput-" + random() // in the code, marked sensitive there
)

// forms are how a secret may be found: as it is, by line, as JSON writes it, and
// in base64.
func forms(secret string) []string {
	var out []string
	for _, part := range append(strings.Split(secret, "\n"), secret) {
		escaped, _ := json.Marshal(part) // a string always can be
		out = append(out, part, strings.Trim(string(escaped), `"`),
			base64.StdEncoding.EncodeToString([]byte(part)), base64.URLEncoding.EncodeToString([]byte(part)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// clean looks for every planted secret in a text.
func clean(t *testing.T, where, text string) {
	t.Helper()
	for name, secret := range map[string]string{
		"secret of a layer": layerSecret, "secret variable": variableSecret, "secret file": fileSecret, "sensitive output": outputSecret,
		"key of the account": "engine-test-secret",
	} {
		for _, form := range forms(secret) {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("%s holds the %s as %q: …%s…", where, name, form, text[max(0, i-200):min(len(text), i+len(form)+50)])
				break
			}
		}
	}
}

const talkative = `variable "token" {
  type      = string
  sensitive = true
}

variable "careless" {
  type = string
}

variable "foundation_key" {
  type      = string
  sensitive = true
}

resource "terraform_data" "kept" {
  input = {
    token    = var.token
    key      = var.foundation_key
    encoded  = base64encode(var.careless)
    careless = var.careless
    document = jsonencode({ secret = var.careless })
  }
  provisioner "local-exec" {
    command = "echo \"the variable is $A_TOKEN\"; echo \"$A_TOKEN\" | base64; cat /run/strata-key"
  }
}

check "warns" {
  assert {
    condition     = length(var.careless) == 1
    error_message = "The check sees ${var.careless}."
  }
}

output "careless" {
  value = nonsensitive(var.foundation_key)
}
`

const talkativeFailure = `variable "careless" {
  type = string
}

resource "terraform_data" "this" {
  input = var.careless
  lifecycle {
    precondition {
      condition     = length(var.careless) == 1
      error_message = "The platform refuses ${var.careless}, ${base64encode(var.careless)} and ${jsonencode([var.careless])}."
    }
  }
}
`

const talkativeApply = `variable "careless" {
  type = string
}

resource "terraform_data" "this" {
  provisioner "local-exec" {
    command     = "printf '%s\n' \"$GIVEN\" \"$A_TOKEN\"; cat /run/strata-key >&2; exit 1"
    environment = { GIVEN = var.careless }
  }
}
`

// No planted secret is in what the client prints (with all its progress), in
// what functions return, in a bundle or in an error. Saved plans hold secrets:
// they say so.
func TestEngineSecretsStayOutOfEverythingThatIsShown(t *testing.T) {
	r := newRepo(t, tree(
		map[string]string{"strata.yaml": `version: 1
layers:
  - {name: foundation, path: "regions/{region}/layers/01-foundation/{env}"}
  - {name: platform, path: "regions/{region}/layers/02-platform/{env}", needs: [foundation], secrets: [token, careless]}
  - {name: databases, path: "regions/{region}/layers/03-databases/{env}", secrets: [careless]}
  - {name: applications, path: "regions/{region}/layers/04-applications/{env}", secrets: [careless]}
`},
		unit(foundation, `output "key" {
  value     = "`+outputSecret+`"
  sensitive = true
}
`),
		unit(platform, talkative), unit(databases, talkativeFailure), unit(applications, talkativeApply),
	))
	r.environ = append(r.environ, "A_LAYER_SECRET="+layerSecret, "A_VARIABLE_SECRET="+variableSecret, "A_FILE_SECRET="+fileSecret)
	r.chain = append(r.chain,
		"with-secret", "--name", "token", "--value", "env:A_LAYER_SECRET", "with-secret", "--name", "careless", "--value", "env:A_LAYER_SECRET",
		"with-secret-variable", "--name", "A_TOKEN", "--value", "env:A_VARIABLE_SECRET",
		"with-secret-file", "--path", "/run/strata-key", "--content", "env:A_FILE_SECRET",
	)
	good := []string{"--env", "staging", "--only", "foundation", "--only", "platform"}

	// The first deploy brings the foundation's output, which the plan reads.
	a := r.logged(t, append([]string{"deploy", "--format", "json"}, good...)...).ok(t, 0)
	clean(t, "deploy", a.all())
	if !strings.Contains(a.stderr, "platform@us-east-1:staging") {
		t.Errorf("the log does not name the unit: was anything looked at?\n%s", a.stderr)
	}
	r.write(t, platform+"/change.tf", `resource "terraform_data" "more" {
  input = { careless = var.careless, token = var.token, encoded = base64encode(var.token) }
}
`)
	for _, function := range []string{"summary", "markdown", "json"} {
		a := r.logged(t, append(append([]string{"plan"}, good...), function)...).ok(t, 0)
		clean(t, "plan "+function, a.all())
		if !strings.Contains(a.stdout, "terraform_data.more") {
			t.Errorf("plan %s does not name the change:\n%s", function, a.stdout)
		}
	}
	out := filepath.Join(t.TempDir(), "bundle")
	clean(t, "export of the bundle", r.logged(t, append(append([]string{"plan"}, good...), "bundle", "export", "--path", out)...).ok(t, 0).all())
	bundle := files(t, out)
	if len(bundle) < 5 {
		t.Errorf("the bundle has %d files", len(bundle))
	}
	for name, text := range bundle {
		if path.Base(name) != "plan.tfplan" {
			clean(t, name, text)
		}
	}
	clean(t, "plan as an error", r.logged(t, append(append([]string{"plan", "--detailed-exitcode"}, good...), "markdown")...).ok(t, 2).all())

	for _, format := range []string{"table", "json", "markdown"} {
		a := r.logged(t, "deploy", "--env", "staging", "--only", "databases", "--only", "applications", "--format", format).ok(t, 1)
		clean(t, "failed deploy as "+format, a.all())
		if strings.Count(a.stderr, "(secret)") < 4 {
			t.Errorf("failed deploy as %s: were the secrets ever printed?\n%s", format, a.stderr)
		}
	}
	clean(t, "destroy", r.logged(t, append([]string{"destroy", "--confirm", "staging", "--format", "markdown"}, good...)...).ok(t, 0).all())
}
