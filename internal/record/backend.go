package record

import "github.com/strata-tf/strata/internal/stack"

// backendOf says where a unit's state is, as far as its backend block and
// strata.yaml tell; a backend configuration file is named, and read at the
// record's commit. Nil where the unit is not loaded.
func backendOf(u *stack.Unit) *Backend {
	if u.Module == nil {
		return nil
	}
	b := &Backend{Type: "local", Workspace: u.Workspace}
	block := u.Module.Backend
	if block == nil {
		return b
	}
	b.Type, b.Config, b.Values = block.Type, u.Backend.Config, map[string]string{}
	for _, from := range []map[string]string{block.Settings, u.Backend.Values} {
		for name, value := range from {
			if plain[name] {
				b.Values[name] = value
			}
		}
	}
	return b
}

// plain are settings that say where a state is and never hold a secret: no
// addresses and connection strings, which may hold a password.
var plain = map[string]bool{
	"bucket": true, "key": true, "region": true, "workspace_key_prefix": true, // s3
	"storage_account_name": true, "container_name": true, "resource_group_name": true, // azurerm
	"prefix": true,                        // gcs
	"path":   true, "workspace_dir": true, // local
	"namespace": true, "secret_suffix": true, // kubernetes
	"schema_name": true, // pg
}
