package stack

import "time"

// defaultBackendConfig is left out silently for an environment that has no
// such file: a repository with local state needs none.
const defaultBackendConfig = "shared/backend-configs/{env}.hcl"

// Default is the configuration that holds where strata.yaml does not say
// otherwise.
func Default() *Config {
	return &Config{
		Version: 1,
		Layers: []Layer{
			{Name: "foundation", Path: "regions/{region}/layers/01-foundation/{env}"},
			{Name: "platform", Path: "regions/{region}/layers/02-platform/{env}", Needs: []string{"foundation"}},
			{Name: "databases", Path: "regions/{region}/layers/03-databases/{env}", Needs: []string{"platform"}},
			{Name: "applications", Path: "regions/{region}/layers/04-applications/{env}", Needs: []string{"databases"}},
			{Name: "clients", Path: "regions/{region}/clients/{instance}/{env}", Needs: []string{"platform", "databases"}},
		},
		Environments: map[string]Environment{
			"production":  {Branch: "main"},
			"staging":     {Branch: "staging"},
			"development": {Branch: "*"},
		},
		Backend:   Backend{Config: defaultBackendConfig},
		Terraform: Terraform{Binary: "terraform", LockTimeout: Duration(5 * time.Minute)},
		Policy: Policy{
			Path: "policies", Query: "data.terraform.deny", Warn: "data.terraform.warn",
			Rego: "v1", Timeout: Duration(30 * time.Second),
		},
		Scan: Scan{Compliance: ComplianceTool{Path: "compliance-rules"}},
	}
}
