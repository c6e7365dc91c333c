package stack

// Marshal writes the effective configuration as a strata.yaml that Load reads
// back to the same.
func (c *Config) Marshal() ([]byte, error) {
	shown := shownConfig{
		Version: c.Version, Layers: c.Layers, Environments: map[string]shownEnvironment{},
		Backend: c.Backend, Terraform: shownTerraform(c.Terraform), Hooks: c.Hooks, Store: c.Store,
		Unknown: c.Unknown, Tools: c.Tools, Drift: c.Drift, Notify: c.Notify,
	}
	// Their keys ask for gates: where there was none, none is written.
	if c.Policy.Given {
		shown.Policy = c.Policy
	}
	if c.Scan.Given {
		shown.Scan = c.Scan
		if !c.Scan.Compliance.Given {
			shown.Scan.Compliance = ComplianceTool{}
		}
	}
	for name, e := range c.Environments {
		shown.Environments[name] = shownEnvironment(e)
	}
	return writeYAML(shown)
}

// shownConfig is Config, in its order.
type shownConfig struct {
	Version      int                         `json:"version"`
	Layers       []Layer                     `json:"layers"`
	Environments map[string]shownEnvironment `json:"environments"`
	Backend      Backend                     `json:"backend"`
	Terraform    shownTerraform              `json:"terraform"`
	Hooks        Hooks                       `json:"hooks"`
	Store        Store                       `json:"store,omitzero"`
	Unknown      []Unknown                   `json:"unknown,omitempty"`
	Tools        map[string]Tool             `json:"tools,omitempty"`
	Policy       Policy                      `json:"policy,omitzero"`
	Scan         Scan                        `json:"scan,omitzero"`
	Drift        Drift                       `json:"drift,omitzero"`
	Notify       Notify                      `json:"notify,omitzero"`
}

// shownEnvironment is Environment with what has a default always written: left
// out, it would come back as the default.
type shownEnvironment struct {
	Branch      string  `json:"branch"`
	Parallelism int     `json:"parallelism,omitempty"`
	Gates       Gates   `json:"gates,omitzero"`
	Limits      *Limits `json:"limits,omitempty"`
}

// shownTerraform is Terraform, likewise.
type shownTerraform struct {
	Binary      string   `json:"binary"`
	Version     string   `json:"version,omitempty"`
	Image       string   `json:"image,omitempty"`
	LockTimeout Duration `json:"lock-timeout"`
}
