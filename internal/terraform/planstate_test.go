package terraform

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func zipped(t *testing.T, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		f, err := w.Create(entries[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(entries[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadPlanState(t *testing.T) {
	state := `{"version": 4, "serial": 9007199254740993, "resources": [
		{"mode": "managed", "instances": [{"index_key": 0}, {"index_key": 1}, {"index_key": 1, "deposed": "00000001"}]},
		{"mode": "managed", "instances": []},
		{"mode": "data", "instances": [{}]},
		{"mode": "managed", "module": "module.a", "instances": [{}]}
	]}`
	got, err := ReadPlanState(zipped(t, "tfplan", "binary", "tfstate-prev", "{}", "tfstate", state))
	if want := (PlanState{Bytes: int64(len(state)), Serial: 9007199254740993, Resources: 3}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for name, test := range map[string]struct {
		plan []byte
		want string
	}{
		"nothing":         {nil, "not a plan, or an encrypted one"},
		"encrypted":       {[]byte(`{"meta":{"key_provider.pbkdf2.key":"e30="},"encrypted_data":"AAAA","encryption_version":"v0"}`), "not a plan, or an encrypted one"},
		"cut off":         {zipped(t, "tfstate", state)[:100], "not a plan, or an encrypted one"},
		"no state":        {zipped(t, "tfplan", "x", "tfstate-prev", state), "there is none in it"},
		"no JSON":         {zipped(t, "tfstate", "x"), "invalid character"},
		"another version": {zipped(t, "tfstate", `{"version": 5}`), "its version is 5"},
	} {
		if got, err := ReadPlanState(test.plan); err == nil || !strings.Contains(err.Error(), test.want) || got != (PlanState{}) {
			t.Errorf("%s: %+v, %v, want %q", name, got, err, test.want)
		}
	}
}

// TestReadPlanStateBounded: what an archive unpacks to is bounded, whatever it
// says of itself.
func TestReadPlanStateBounded(t *testing.T) {
	const largest = 1 << 20
	state := func(size int) string {
		return `{"version": 4}` + strings.Repeat(" ", size-len(`{"version": 4}`))
	}
	if got, err := readPlanState(zipped(t, "tfstate", state(largest)), largest); err != nil || got.Bytes != largest {
		t.Errorf("as large as may be: %+v, %v", got, err)
	}
	if _, err := readPlanState(zipped(t, "tfstate", state(largest+1)), largest); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("larger: %v", err)
	}
	lying := zipped(t, "tfstate", state(largest+1))
	size := []byte{1, 0, 0x10, 0} // little-endian, in the directory and in the descriptor
	if n := bytes.Count(lying, size); n != 2 {
		t.Fatalf("the size is there %d times", n)
	}
	if _, err := readPlanState(bytes.ReplaceAll(lying, size, []byte{20, 0, 0, 0}), largest); err == nil {
		t.Error("one that says another size is read")
	}
}

// TestReadPlanStateReal reads what the terraform on PATH writes: of a state that
// is none yet, and of one as it is refreshed.
func TestReadPlanStateReal(t *testing.T) {
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("needs terraform on PATH")
	}
	r := newRecorder(t, false)
	r.write("other.tfstate", `{"version": 4, "terraform_version": "1.6.0", "serial": 1, "lineage": "l", "outputs": {}, "resources": []}`)
	r.write("main.tf", `
resource "terraform_data" "x" { count = 3 }
data "terraform_remote_state" "other" {
  backend = "local"
  config  = { path = "other.tfstate" }
}
`)
	r.must("init", "-input=false")
	read := func() PlanState {
		t.Helper()
		r.must("plan", "-input=false", "-out=plan.tfplan")
		data, err := os.ReadFile(filepath.Join(r.dir, "plan.tfplan"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadPlanState(data)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := read(); got.Serial != 0 || got.Resources != 0 || got.Bytes == 0 {
		t.Errorf("without a state: %+v", got)
	}
	r.must("apply", "-auto-approve", "-input=false")
	var state struct {
		Serial int64 `json:"serial"`
	}
	if err := json.Unmarshal([]byte(r.must("state", "pull")), &state); err != nil {
		t.Fatal(err)
	}
	if got := read(); got.Serial != state.Serial || got.Resources != 3 || got.Bytes < 500 {
		t.Errorf("got %+v, of a state of serial %d with 3 resources", got, state.Serial)
	}
}
