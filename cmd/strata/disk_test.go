package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// needDisk skips a test that has no provider disk, whose things the test can
// change behind Terraform's back: see tools/diskprovider.
func needDisk(t *testing.T) (mirror string) {
	t.Helper()
	needTerraform(t)
	mirror, err := diskMirror()
	if err != nil {
		t.Fatal(err)
	}
	if mirror == "" {
		t.Skip("needs the provider disk: STRATA_TEST_DISK_MIRROR names no folder (make tools builds it into .tools/providers)")
	}
	return mirror
}

// diskMirror is the filesystem mirror that has the provider, "" where none is said.
func diskMirror() (string, error) {
	mirror := os.Getenv("STRATA_TEST_DISK_MIRROR")
	if mirror == "" {
		return "", nil
	}
	pattern := fmt.Sprintf("*/strata-tf/disk/*/%s_%s/terraform-provider-disk*", runtime.GOOS, runtime.GOARCH)
	if found, err := fs.Glob(os.DirFS(mirror), pattern); err != nil || len(found) == 0 {
		return "", fmt.Errorf("STRATA_TEST_DISK_MIRROR=%s: it holds no strata-tf/disk for this machine (make tools builds it)", mirror)
	}
	return mirror, nil
}

// diskProvider is the code of a unit whose things are in a folder.
func diskProvider(folder string) string {
	return fmt.Sprintf(`
terraform {
  required_providers {
    disk = { source = "strata-tf/disk" }
  }
}
provider "disk" {
  folder = "%s"
}
`, filepath.ToSlash(folder))
}

// changeThing does to a thing what another client of the storage would do:
// KEY=JSON sets, KEY=null unsets, gone and broken stand alone.
func changeThing(folder, name string, changes ...string) error {
	file := filepath.Join(folder, name+".json")
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	switch {
	case slices.Equal(changes, []string{"gone"}):
		return os.Remove(file)
	case slices.Equal(changes, []string{"broken"}):
		return os.WriteFile(file, data[:len(data)/2], 0o600)
	}
	var thing map[string]json.RawMessage
	if err := json.Unmarshal(data, &thing); err != nil {
		return err
	}
	for _, change := range changes {
		key, value, _ := strings.Cut(change, "=")
		if !slices.Contains([]string{"value", "secret", "tags", "ports", "owner"}, key) || !json.Valid([]byte(value)) {
			return fmt.Errorf("%q is no change of a thing", change)
		}
		thing[key] = json.RawMessage(value)
		if value == "null" {
			delete(thing, key)
		}
	}
	version, err := strconv.Atoi(string(thing["version"]))
	if err != nil {
		return err
	}
	thing["version"] = json.RawMessage(strconv.Itoa(version + 1))
	if data, err = json.MarshalIndent(thing, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

// What Terraform itself makes of things that others have changed.
func TestDiskProvider(t *testing.T) {
	t.Parallel()
	mirror := needDisk(t)
	dir := t.TempDir()
	things := filepath.Join(dir, "things")
	for name, text := range map[string]string{
		"cli.tfrc": fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror),
		"main.tf": diskProvider("${path.module}/things") + `
resource "disk_thing" "a" {
  name   = "a"
  value  = "x"
  secret = "first-secret"
  ports  = [80, 443]
}
resource "disk_thing" "b" {
  name  = "b"
  value = "x"
  tags  = { team = "core" }
  lifecycle {
    ignore_changes = [value]
  }
}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(want int, args ...string) string {
		t.Helper()
		cmd := exec.Command(terraformBinary(), args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "cli.tfrc"), "CHECKPOINT_DISABLE=1")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Fatalf("%s: exit code %d, not %d\n%s", args[0], code, want, out)
		}
		return string(out)
	}
	run(0, "init")
	run(0, "apply", "-auto-approve")
	applied, err := tree(things)
	if err != nil {
		t.Fatal(err)
	}

	// Right after an apply tags are null, and then they read back as {}.
	const noise = "disk_thing.a update tags"
	for _, tc := range []struct {
		name, thing string
		changes     []string
		exit        int
		drift       []string // address, action, attributes
	}{
		{"nothing", "", nil, 0, []string{noise}},
		{"some attributes", "a", []string{`value="y"`, `ports=[80, 8443]`, `secret="second-secret"`}, 2,
			[]string{"disk_thing.a update etag ports secret tags value version"}},
		{"what the code does not say", "a", []string{`owner="alice"`}, 0, []string{"disk_thing.a update etag owner tags version"}},
		{"tags where the code has none", "a", []string{`tags={"by": "hand"}`}, 2, []string{"disk_thing.a update etag tags version"}},
		{"a tag", "b", []string{`tags={"team": "other"}`}, 2, []string{noise, "disk_thing.b update etag tags version"}},
		{"what the code ignores", "b", []string{`value="y"`}, 0, []string{noise, "disk_thing.b update etag value version"}},
		{"gone", "b", []string{"gone"}, 2, []string{noise, "disk_thing.b delete"}},
		{"broken", "b", []string{"broken"}, 1, nil},
	} {
		for name, text := range applied {
			if err := os.WriteFile(filepath.Join(things, name), []byte(text), 0o600); err != nil && text != "a folder" {
				t.Fatal(err)
			}
		}
		if tc.thing != "" {
			if err := changeThing(things, tc.thing, tc.changes...); err != nil {
				t.Fatal(err)
			}
		}
		out := run(tc.exit, "plan", "-json", "-detailed-exitcode", "-out", "saved")
		if strings.Contains(out, "-secret") {
			t.Errorf("%s: a secret is shown\n%s", tc.name, out)
		}
		if tc.exit == 1 {
			if !strings.Contains(out, "b.json is broken: ") {
				t.Errorf("%s: it does not say why\n%s", tc.name, out)
			}
			continue
		}
		if got := driftIn(t, run(0, "show", "-json", "saved")); !slices.Equal(got, tc.drift) {
			t.Errorf("%s:\n got %q\nwant %q", tc.name, got, tc.drift)
		}
	}
}

// driftIn lists what differs in a plan's resource_drift.
func driftIn(t *testing.T, plan string) []string {
	t.Helper()
	var doc struct {
		Drift []struct {
			Address string
			Change  struct {
				Actions       []string
				Before, After map[string]any
			}
		} `json:"resource_drift"`
	}
	if err := json.Unmarshal([]byte(plan), &doc); err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, d := range doc.Drift {
		words := append([]string{d.Address}, d.Change.Actions...)
		for _, key := range slices.Sorted(maps.Keys(d.Change.After)) {
			if !reflect.DeepEqual(d.Change.Before[key], d.Change.After[key]) {
				words = append(words, key)
			}
		}
		found = append(found, strings.Join(words, " "))
	}
	slices.Sort(found)
	return found
}
