//go:build aliases

package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/runner"
)

func (f *fixture) imagesPulled() []string { return slices.Sorted(maps.Keys(f.pulled)) }

var pinned = regexp.MustCompile(`^[a-z0-9./-]+:[0-9]+\.[0-9]+\.[0-9]+(-minimal)?@sha256:[0-9a-f]{64}$`)

func TestImagesAreThePinnedOnes(t *testing.T) {
	f := newFixture(t)
	f.deploy(f.module())
	want := []string{images["alpine"], images["terraform"]}
	slices.Sort(want)
	if diff := cmp.Diff(want, f.imagesPulled()); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	for tool, image := range images {
		if !pinned.MatchString(image) {
			t.Errorf("the image of %s is not pinned by its exact tag and digest: %s", tool, image)
		}
	}
}

func TestWithImageRunsAToolInAnotherImage(t *testing.T) {
	f := newFixture(t)
	f.deploy(f.module().WithImage("terraform", "registry.example/terraform:1.12").WithImage("terraform", "registry.example/terraform:1.13"))
	for _, x := range f.ran("terraform") {
		if x.Image != "registry.example/terraform:1.13" {
			t.Errorf("%q ran in %s", x.Command, x.Image)
		}
	}
}

func TestWithImageHoldsBeforeTheRepositorysOwn(t *testing.T) {
	f := newFixture(t)
	f.repo["strata.yaml"] += "terraform: {image: \"registry.example/theirs:1\"}\n"
	f.deploy(f.module())
	if x := f.step("init", foundation); x.Image != "registry.example/theirs:1" {
		t.Errorf("strata.yaml's image is not used, but %s", x.Image)
	}
	f.execs = nil
	f.deploy(f.module().WithImage("terraform", "registry.example/mine:1"))
	if x := f.step("init", foundation); x.Image != "registry.example/mine:1" {
		t.Errorf("with-image's image is not used, but %s", x.Image)
	}
}

func TestWithImageHoldsForTheModulesOwnCommands(t *testing.T) {
	f := newFixture(t)
	f.deploy(f.module().WithImage("alpine", "registry.example/alpine:1").WithImage("terraform", "registry.example/terraform:1"))
	want := []string{"registry.example/alpine:1", "registry.example/terraform:1"}
	if diff := cmp.Diff(want, f.imagesPulled()); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}

// OpenTofu's own image is no base for others, be it pulled from its registry or
// from a mirror.
func TestOpenTofuRunsOnABaseImage(t *testing.T) {
	for image, on := range map[string]string{
		images["tofu"]: images["alpine"],
		"registry.example:5000/opentofu/opentofu:1.13.0-minimal":                     images["alpine"],
		"registry.example/opentofu:1.12.6-minimal@sha256:" + strings.Repeat("0", 64): images["alpine"],
		"registry.example/theirs-minimal/opentofu:1.12.6":                            "registry.example/theirs-minimal/opentofu:1.12.6",
	} {
		f := newFixture(t)
		f.images = map[string]files{image: tree(map[string]string{"usr/local/bin/tofu": "program"})}
		s := f.module()
		if image != images["tofu"] {
			s = s.WithImage("tofu", image)
		}
		f.deploy(s, "Binary", "tofu")
		for _, x := range f.ran("tofu") {
			if x.Image != on {
				t.Errorf("%s: %q ran in %s", image, x.Command, x.Image)
			}
			if program, _ := x.Read("/usr/local/bin/tofu"); program != "program" {
				t.Errorf("%s: the program is not in the container of %q", image, x.Command)
			}
		}
		if n := len(f.ran("terraform")); n > 0 || len(f.terraformSteps()) != 13 {
			t.Errorf("%s: %d steps of terraform, %d in all", image, n, len(f.terraformSteps()))
		}
	}
}

func TestWhatIsGivenForEveryStepReachesEveryStep(t *testing.T) {
	f := newFixture(t)
	f.secrets["env://TOKEN"], f.secrets["env://KEY"], f.secrets["env://SECRET"], f.secrets["env://SESSION"] = "token", "key-id", "secret-key", "session"
	f.secrets["file://kubeconfig"] = "kubeconfig-content"
	f.repo["strata.yaml"] += "hooks: {before-apply: [{run: [check], image: \"checker:1\"}]}\n"
	f.commands["check"] = func(*execution) outcome { return outcome{} }
	api := dag.Container().From("api:1").WithExposedPort(80).AsService()
	f.deploy(f.module().
		WithVariable("LOG", "debug").
		WithSecretVariable("TOKEN", dag.Secret("env://TOKEN")).
		WithSecretFile("/root/.kube/config", dag.Secret("file://kubeconfig")).
		WithAwsCredentials(dag.Secret("env://KEY"), dag.Secret("env://SECRET"), dag.Secret("env://SESSION"), "eu-west-1").
		WithService("api", api))
	n := 0
	for _, x := range f.ran("") {
		if x.Name() != "terraform" && x.Name() != "check" {
			continue
		}
		n++
		if x.Env["LOG"] != "debug" || x.Env["AWS_REGION"] != "eu-west-1" {
			t.Errorf("%q: variables %v", x.Command, x.Env)
		}
		want := map[string]string{"TOKEN": "token", "AWS_ACCESS_KEY_ID": "key-id", "AWS_SECRET_ACCESS_KEY": "secret-key", "AWS_SESSION_TOKEN": "session"}
		if diff := cmp.Diff(want, x.SecretEnv); diff != "" {
			t.Errorf("%q: secret variables (-want +got):\n%s", x.Command, diff)
		}
		if x.Secrets["/root/.kube/config"] != "kubeconfig-content" {
			t.Errorf("%q: secret files %v", x.Command, slices.Collect(maps.Keys(x.Secrets)))
		}
		if s := x.Services["api"]; s == nil || s.box.image != "api:1" {
			t.Errorf("%q: services %v", x.Command, x.Services)
		}
	}
	if n != 1+1+13+3 { // version, the providers, the units' steps, the hooks
		t.Errorf("%d steps", n)
	}
	wantNoText(t, "a query", f.sent(), "secret-key", "kubeconfig-content")
}

func TestAwsCredentialsWithoutASessionNameNone(t *testing.T) {
	f := newFixture(t)
	f.secrets["env://KEY"], f.secrets["env://SECRET"] = "key-id", "secret-key"
	f.deploy(f.module().WithAwsCredentials(dag.Secret("env://KEY"), dag.Secret("env://SECRET"), nil, ""))
	x := f.step("apply", client)
	if _, region := x.Env["AWS_REGION"]; region || len(x.SecretEnv) != 2 {
		t.Errorf("region %t, secret variables %v", region, x.SecretEnv)
	}
}

func TestAVariableThatIsGivenHoldsBeforeStratasOwn(t *testing.T) {
	f := newFixture(t)
	f.deploy(f.module().WithVariable("GOGC", "100"))
	if got := f.step("plan", foundation).Env["GOGC"]; got != "100" {
		t.Errorf("GOGC=%s", got)
	}
}

func TestVariablesThatChangeEveryCommandAreRefused(t *testing.T) {
	for _, name := range []string{"TF_CLI_ARGS", "TF_CLI_ARGS_plan", "TF_WORKSPACE", "TF_DATA_DIR"} {
		f := newFixture(t)
		_, err := call(t.Context(), f.module().WithVariable(name, "x").Deploy, "All", true)
		wantError(t, err, 1, name)
		if n := len(f.ran("terraform")); n > 0 {
			t.Errorf("%s: %d steps ran", name, n)
		}
	}
}

func TestProvidersComeFromTheMirrorThatIsGiven(t *testing.T) {
	f := newFixture(t)
	f.host["mirror"] = tree(map[string]string{"registry.terraform.io/hashicorp/aws/5.0.0/linux_amd64/provider": "program"})
	f.deploy(f.module().WithProviderMirror(dag.Host().Directory("mirror")))
	for _, dir := range []string{foundation, platform, client} {
		x := f.step("init", dir)
		if got := x.Below(pluginsDir); len(got) != 1 {
			t.Errorf("%s: the mirror is %v", dir, got)
		}
		config, _ := x.Read(x.Env["TF_CLI_CONFIG_FILE"])
		if want := string(runner.MirrorConfig(nil, pluginsDir)); config != want {
			t.Errorf("%s: the CLI configuration is %q", dir, config)
		}
		wantText(t, config, "filesystem_mirror", pluginsDir)
		wantNoText(t, "the CLI configuration", config, "direct")
	}
	for _, x := range f.ran("terraform") {
		if x.Workdir == "/providers" {
			t.Errorf("providers were installed besides: %q", x.Command)
		}
	}
}

func TestProvidersOfALockFileAreInstalledOnce(t *testing.T) {
	f := newFixture(t)
	f.deploy(f.module())
	f.deploy(f.module())
	var installs []*execution
	for _, x := range f.ran("terraform") {
		if x.Workdir == "/providers" {
			installs = append(installs, x)
		}
	}
	if len(installs) != 1 {
		t.Fatalf("%d installs for two units with one lock file, in two runs", len(installs))
	}
	if nonce := installs[0].Env["STRATA_NONCE"]; nonce != "" {
		t.Errorf("the install has the nonce %s: it is made anew each time", nonce)
	}
	config, _ := installs[0].Read("providers.tf")
	wantText(t, config, `"registry.terraform.io/hashicorp/aws"`, `"5.0.0"`)

	var inits []*execution
	for _, x := range f.terraformSteps()[:13] {
		if x.Command[1] == "init" {
			inits = append(inits, x)
		}
	}
	for i, x := range inits {
		dir := strings.TrimPrefix(x.Workdir, sourceDir+"/")
		lock, locked := x.Read(lockFile)
		switch dir {
		case client:
			if locked || x.Env["TF_CLI_CONFIG_FILE"] != "" || len(x.Below(pluginsDir)) > 0 {
				t.Errorf("a unit without a lock file is given providers: %v", x.Mounts)
			}
		default:
			if len(x.Below(pluginsDir)) != 1 || x.Mounts[pluginsDir] != inits[0].Mounts[pluginsDir] {
				t.Errorf("init %d: providers at %q", i, x.Mounts)
			}
			wantText(t, lock, awsLock, "unpacked provider")
		}
	}
}

func TestProvidersOfAnotherLockFileAreOthers(t *testing.T) {
	f := newFixture(t)
	f.repo[platform+"/"+lockFile] = strings.ReplaceAll(awsLock, "5.0.0", "5.1.0")
	f.deploy(f.module())
	one, other := f.step("init", foundation), f.step("init", platform)
	if one.Mounts[pluginsDir] == other.Mounts[pluginsDir] {
		t.Error("two lock files share their providers")
	}
	lock, _ := other.Read(lockFile)
	wantText(t, lock, "5.1.0")
}

func TestHooksRunInTheirImageWithTheRepository(t *testing.T) {
	f := newFixture(t)
	f.repo["scripts/check.sh"] = "echo"
	f.repo["strata.yaml"] += `hooks:
  before-plan: [{run: [check, --strict], image: "checker:1", layers: [foundation]}]
  after-apply: [{run: [tell], image: "teller:2", dir: scripts, layers: [foundation]}]
`
	var ran []*execution
	note := func(x *execution) outcome {
		ran = append(ran, x)
		return outcome{Stdout: "checked\n", Files: map[string]string{sourceDir + "/report-" + x.Name(): "ok"}}
	}
	f.commands["check"], f.commands["tell"] = note, note
	f.deploy(f.module())
	if len(ran) != 2 {
		t.Fatalf("%d hooks ran", len(ran))
	}
	check, tell := ran[0], ran[1]
	if check.Image != "checker:1" || check.Workdir != sourceDir+"/"+foundation || !slices.Equal(check.Command, []string{"check", "--strict"}) {
		t.Errorf("before-plan: %q in %s, %s", check.Command, check.Image, check.Workdir)
	}
	if tell.Image != "teller:2" || tell.Workdir != sourceDir+"/scripts" {
		t.Errorf("after-apply: %q in %s, %s", tell.Command, tell.Image, tell.Workdir)
	}
	for name, want := range map[string]string{"STRATA_HOOK": "before-plan", "STRATA_UNIT": foundationID, "STRATA_ENVIRONMENT": "staging", "STRATA_PATH": foundation} {
		if check.Env[name] != want {
			t.Errorf("%s=%q, want %q", name, check.Env[name], want)
		}
	}
	for _, name := range []string{"scripts/check.sh", foundation + "/main.tf", "strata.yaml"} {
		if _, ok := check.Read(sourceDir + "/" + name); !ok {
			t.Errorf("the hook does not see %s", name)
		}
	}
	if _, ok := f.step("plan", foundation).Read(sourceDir + "/report-check"); !ok {
		t.Error("what a hook writes into the repository is gone for the next step")
	}
	if _, ok := tell.Read(privateDir + "/plan.tfplan"); !ok {
		t.Error("a hook after the apply does not find the plan")
	}
}

func TestAHookThatFailsStopsTheUnit(t *testing.T) {
	f := newFixture(t)
	f.repo["strata.yaml"] += "hooks: {before-apply: [{run: [check], image: \"checker:1\"}]}\n"
	f.commands["check"] = func(*execution) outcome { return outcome{Code: 7, Stderr: "not today"} }
	_, err := call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 1, "not today", foundationID, "not run")
	if n := len(f.tf.began("apply")); n > 0 {
		t.Errorf("%d units were applied", n)
	}
}

func TestAHookWithoutAnImageSaysHowToNameOne(t *testing.T) {
	f := newFixture(t)
	f.repo["strata.yaml"] += "hooks: {before-plan: [{run: [check]}]}\n"
	_, err := call(t.Context(), f.module().Deploy, "All", true)
	wantError(t, err, 1, "check: no image is known for it", "with-image --tool check")
	f.commands["check"] = func(x *execution) outcome { return outcome{Stdout: x.Image} }
	f.deploy(f.module().WithImage("check", "checker:1"))
	if ran := f.ran("check"); len(ran) != 3 || ran[0].Image != "checker:1" {
		t.Errorf("%d hooks ran", len(ran))
	}
}

// Terraform's data folder links to the folder of providers.
func TestProvidersAreStillThereAfterAHookInAnotherImage(t *testing.T) {
	for _, mirror := range []bool{false, true} {
		t.Run(fmt.Sprintf("mirror=%t", mirror), func(t *testing.T) {
			f := newFixture(t)
			f.repo["strata.yaml"] += "hooks: {before-apply: [{run: [check], image: \"checker:1\"}]}\n"
			f.commands["check"] = func(*execution) outcome { return outcome{} }
			s := f.module()
			if mirror {
				f.host["mirror"] = tree(map[string]string{"registry.terraform.io/hashicorp/aws/5.0.0/linux_amd64/provider": "program"})
				s = s.WithProviderMirror(dag.Host().Directory("mirror"))
			}
			f.deploy(s)
			if x := f.step("apply", foundation); len(x.Below(pluginsDir)) == 0 {
				t.Errorf("the apply has no providers at %s", pluginsDir)
			}
		})
	}
}

func TestAUnitThatSharesItsFolderHasADataFolderOfItsOwn(t *testing.T) {
	f := newFixture(t)
	f.repo["strata.yaml"] = `version: 1
layers:
  - {name: network, path: network, environments: [staging, production], workspace: "{env}"}
`
	f.repo["network/main.tf"] = unitCode("network", "")
	text := f.deploy(f.module())
	wantText(t, text, "1 applied")
	x := f.step("apply", "network")
	if x.Env["TF_DATA_DIR"] == "" {
		t.Error("no TF_DATA_DIR")
	}
	workspace := f.step("workspace", "network")
	if got := workspace.Command[len(workspace.Command)-1]; got != "staging" {
		t.Errorf("workspace %q", got)
	}
}
