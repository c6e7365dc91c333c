package terraform

import (
	"fmt"
	"slices"
	"strings"
)

// Env returns what is added to every Terraform process, given the environment
// it inherits ("NAME=value"). What is set there stays.
//
// GOGC=400 takes about 30 % of the CPU off Terraform and its providers, all of
// them Go programs; CHECKPOINT_DISABLE saves a request to the network per
// command.
func Env(inherited []string) map[string]string {
	env := map[string]string{
		"TF_IN_AUTOMATION":   "1",
		"CHECKPOINT_DISABLE": "1",
		"GOGC":               "400",
	}
	for _, pair := range inherited {
		name, _, _ := strings.Cut(pair, "=")
		delete(env, name)
	}
	return env
}

// CheckEnv refuses the variables that would change what every command does
// behind Strata's back.
func CheckEnv(inherited []string) error {
	var found []string
	for _, pair := range inherited {
		name, value, _ := strings.Cut(pair, "=")
		if value != "" && (name == "TF_CLI_ARGS" || strings.HasPrefix(name, "TF_CLI_ARGS_") || name == "TF_WORKSPACE" || name == "TF_DATA_DIR") {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return nil
	}
	slices.Sort(found)
	return fmt.Errorf("the environment sets %s, which would change every Terraform command: unset it (a workspace is said in strata.yaml, a data folder is Strata's own, and a flag is given to `strata exec`)", strings.Join(found, ", "))
}
