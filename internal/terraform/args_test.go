package terraform

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestArguments(t *testing.T) {
	for name, test := range map[string]struct{ got, want []string }{
		"init": {InitArgs(InitOptions{}), []string{"init", "-input=false", "-no-color"}},
		"init, all": {
			InitArgs(InitOptions{
				BackendConfig: "/src/shared/backend-configs/staging.hcl", LockReadOnly: true,
				BackendValues: map[string]string{"region": "us-east-1", "key": "platform/a=b c.tfstate"},
			}),
			[]string{
				"init", "-input=false", "-no-color", "-lockfile=readonly",
				"-backend-config=/src/shared/backend-configs/staging.hcl", "-backend-config=key=platform/a=b c.tfstate", "-backend-config=region=us-east-1",
			},
		},
		"plan": {
			PlanArgs(PlanOptions{Out: "/private/plan.tfplan"}),
			[]string{"plan", "-json", "-input=false", "-detailed-exitcode", "-lock-timeout=0s", "-out=/private/plan.tfplan"},
		},
		"plan, all": {
			PlanArgs(PlanOptions{
				Out: "/private/plan.tfplan", Destroy: true, LockTimeout: 5 * time.Minute,
				VarFiles: []string{"b.tfvars", "a.tfvars"}, Targets: []string{`aws_x.y["a b"]`, "module.z"}, Replace: []string{"aws_x.r"},
			}),
			[]string{
				"plan", "-json", "-input=false", "-detailed-exitcode", "-lock-timeout=5m0s", "-destroy", "-out=/private/plan.tfplan",
				"-var-file=b.tfvars", "-var-file=a.tfvars", `-target=aws_x.y["a b"]`, "-target=module.z", "-replace=aws_x.r",
			},
		},
		"plan, no lock": {
			PlanArgs(PlanOptions{Out: "p", NoLock: true, LockTimeout: 5 * time.Minute}),
			[]string{"plan", "-json", "-input=false", "-detailed-exitcode", "-lock=false", "-out=p"},
		},
		"ephemeral": {ApplyArgs("p", time.Second, "a", "b"), []string{"apply", "-json", "-input=false", "-lock-timeout=1s", "-var-file=a", "-var-file=b", "p"}},
		"apply":     {ApplyArgs("p", 90*time.Second), []string{"apply", "-json", "-input=false", "-lock-timeout=1m30s", "p"}},
		"show":      {ShowArgs("p"), []string{"show", "-json", "-no-color", "p"}},
		"show text": {ShowTextArgs("p"), []string{"show", "-no-color", "p"}},
		"output":    {OutputArgs(), []string{"output", "-json", "-no-color"}},
		"workspace": {WorkspaceArgs("staging"), []string{"workspace", "select", "-no-color", "-or-create=true", "staging"}},
		"push":      {PushArgs("f", time.Minute), []string{"state", "push", "-no-color", "-lock-timeout=1m0s", "f"}},
		"list":      {StateListArgs(), []string{"state", "list", "-no-color"}},
		"version":   {VersionArgs(), []string{"version", "-json", "-no-color"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestEnv(t *testing.T) {
	all := map[string]string{"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "GOGC": "400"}
	if diff := cmp.Diff(all, Env(nil)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	got := Env([]string{"GOGC=off", "CHECKPOINT_DISABLE=", "OTHER=x"})
	if diff := cmp.Diff(map[string]string{"TF_IN_AUTOMATION": "1"}, got); diff != "" {
		t.Errorf("what the user set does not stay: -want +got:\n%s", diff)
	}
}

func TestCheckEnv(t *testing.T) {
	if err := CheckEnv([]string{"TF_LOG=debug", "TF_VAR_x=y", "TF_CLI_CONFIG_FILE=x", "TF_WORKSPACE=", "TF_CLI_ARGSX=1", "NONE"}); err != nil {
		t.Errorf("refused: %v", err)
	}
	for _, name := range []string{"TF_CLI_ARGS", "TF_CLI_ARGS_plan", "TF_WORKSPACE", "TF_DATA_DIR"} {
		if err := CheckEnv([]string{"A=b", name + "=x"}); err == nil {
			t.Errorf("%s is not refused", name)
		}
	}
	err := CheckEnv([]string{"TF_WORKSPACE=a", "TF_CLI_ARGS_plan=-lock=false", "TF_DATA_DIR=/tmp"})
	want := "the environment sets TF_CLI_ARGS_plan, TF_DATA_DIR, TF_WORKSPACE, which would change every Terraform command: " +
		"unset it (a workspace is said in strata.yaml, a data folder is Strata's own, and a flag is given to `strata exec`)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
