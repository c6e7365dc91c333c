package contract

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strata-tf/strata/internal/stack"
)

// unit makes one with declared variables; "name?" has a default.
func unit(variables ...string) *stack.Unit {
	u := &stack.Unit{Layer: "applications", Region: "r", Environment: "staging", Path: "apps/staging", Inputs: map[string]stack.Ref{}, Module: &stack.Module{Variables: map[string]stack.Variable{}}}
	for _, v := range variables {
		name, optional := strings.CutSuffix(v, "?")
		u.Module.Variables[name] = stack.Variable{HasDefault: optional}
	}
	return u
}

// need makes one with declared outputs; its id is layer[/instance]@region.
func need(id string, outputs ...string) *stack.Unit {
	layer, region, _ := strings.Cut(id, "@")
	layer, instance, _ := strings.Cut(layer, "/")
	u := &stack.Unit{Layer: layer, Instance: instance, Region: region, Environment: "staging", Path: layer + "/staging", Module: &stack.Module{Outputs: map[string]stack.Output{}}}
	for _, o := range outputs {
		u.Module.Outputs[o] = stack.Output{}
	}
	return u
}

func TestBindings(t *testing.T) {
	with := func(u *stack.Unit, change func(*stack.Unit)) *stack.Unit { change(u); return u }
	for name, test := range map[string]struct {
		unit  *stack.Unit
		needs []*stack.Unit
		want  []string // variable <- unit.output
		err   string
	}{
		"none": {unit: unit("size"), needs: []*stack.Unit{need("foundation@r", "vpc_id")}},
		"by name, sorted": {
			unit:  unit("platform_cluster", "foundation_vpc_id", "size"),
			needs: []*stack.Unit{need("platform@r", "cluster"), need("foundation@r", "vpc_id", "other")},
			want:  []string{"foundation_vpc_id <- foundation@r:staging.vpc_id", "platform_cluster <- platform@r:staging.cluster"},
		},
		"an output that is not declared": {unit: unit("foundation_none"), needs: []*stack.Unit{need("foundation@r", "vpc_id")}},
		"only the layer's name":          {unit: unit("foundation", "foundation_"), needs: []*stack.Unit{need("foundation@r", "vpc_id")}},
		"part of a word":                 {unit: unit("foundations_vpc_id"), needs: []*stack.Unit{need("foundation@r", "vpc_id")}},
		"a layer with dashes": {
			unit: unit("app_data_id"), needs: []*stack.Unit{need("app-data@r", "id")},
			want: []string{"app_data_id <- app-data@r:staging.id"},
		},
		"the longest layer name": {
			unit: unit("app_data_id"), needs: []*stack.Unit{need("app@r", "data_id"), need("app-data@r", "id")},
			want: []string{"app_data_id <- app-data@r:staging.id"},
		},
		"the shorter one where the longer has no such output": {
			unit: unit("app_data_id"), needs: []*stack.Unit{need("app@r", "data_id"), need("app-data@r", "name")},
			want: []string{"app_data_id <- app@r:staging.data_id"},
		},
		"optional": {
			unit: unit("foundation_vpc_id?"), needs: []*stack.Unit{need("foundation@r", "vpc_id")},
			want: []string{"foundation_vpc_id <- foundation@r:staging.vpc_id"},
		},
		"ambiguous": {
			unit: unit("clients_id"), needs: []*stack.Unit{need("clients/ezra@r", "id"), need("clients/mtn@r", "id")},
			err: `applications@r:staging: variable "clients_id" could be output "id" of clients/ezra@r:staging or clients/mtn@r:staging: say which with the layer's ` + "`inputs` in strata.yaml (for example clients_id: clients/ezra.id)",
		},
		"ambiguous regions": {
			unit: unit("platform_id"), needs: []*stack.Unit{need("platform@a", "id"), need("platform@b", "name")},
			err: `variable "platform_id" could be output "id" of platform@a:staging: say which with the layer's ` + "`inputs` in strata.yaml (for example platform_id: platform@a.id)",
		},
		"ambiguous, but optional": {unit: unit("clients_id?"), needs: []*stack.Unit{need("clients/ezra@r", "id"), need("clients/mtn@r", "id")}},
		"said": {
			unit: with(unit("clients_id", "vpc"), func(u *stack.Unit) {
				u.Inputs = map[string]stack.Ref{"clients_id": {Unit: "clients/mtn@r:staging", Output: "id"}, "vpc": {Unit: "foundation@r:staging", Output: "vpc_id"}}
			}),
			needs: []*stack.Unit{need("clients/ezra@r", "id"), need("clients/mtn@r", "id"), need("foundation@r", "vpc_id")},
			want:  []string{"clients_id <- clients/mtn@r:staging.id", "vpc <- foundation@r:staging.vpc_id"},
		},
		"said otherwise than its name": {
			unit: with(unit("foundation_id"), func(u *stack.Unit) {
				u.Inputs = map[string]stack.Ref{"foundation_id": {Unit: "platform@r:staging", Output: "x"}}
			}),
			needs: []*stack.Unit{need("foundation@r", "id"), need("platform@r", "x")},
			want:  []string{"foundation_id <- platform@r:staging.x"},
		},
		"a secret of that name": {
			unit:  with(unit("foundation_id"), func(u *stack.Unit) { u.Secrets = []string{"foundation_id"} }),
			needs: []*stack.Unit{need("foundation@r", "id")},
		},
		"said for no variable": {
			unit: with(unit(), func(u *stack.Unit) {
				u.Inputs = map[string]stack.Ref{"vpc": {Unit: "foundation@r:staging", Output: "id"}}
			}),
			needs: []*stack.Unit{need("foundation@r", "id")},
			err:   `applications@r:staging: strata.yaml gives the input "vpc", but apps/staging declares no such variable`,
		},
		"said of no need": {
			unit: with(unit("vpc"), func(u *stack.Unit) {
				u.Inputs = map[string]stack.Ref{"vpc": {Unit: "foundation@r:staging", Output: "id"}}
			}),
			err: `applications@r:staging: the input "vpc" reads foundation@r:staging, which is not among its needs`,
		},
		"said of no output": {
			unit: with(unit("vpc"), func(u *stack.Unit) {
				u.Inputs = map[string]stack.Ref{"vpc": {Unit: "foundation@r:staging", Output: "id"}}
			}),
			needs: []*stack.Unit{need("foundation@r", "vpc_id")},
			err:   `applications@r:staging: the input "vpc" reads output "id" of foundation@r:staging, but foundation/staging declares no such output`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			bindings, err := Bindings(test.unit, test.needs)
			var got []string
			for _, b := range bindings {
				got = append(got, b.Variable+" <- "+b.From.Unit+"."+b.From.Output)
			}
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got  %v\nwant %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// typed declares variables with their types.
func typed(types map[string]string) *stack.Unit {
	u := unit()
	for name, typ := range types {
		u.Module.Variables[name] = stack.Variable{Type: typ}
	}
	return u
}

func TestVariables(t *testing.T) {
	u := typed(map[string]string{"plain": "string", "untyped": "", "list": "list(string)", "number": "number", "flag": "bool", "object": `object({ a = string })`})
	for name, test := range map[string]struct {
		values  map[string]string
		secrets map[string]string
		want    string
	}{
		"nothing":                    {},
		"values as they are":         {values: map[string]string{"a": `"x ${y} %{z}"`, "b": "12345678901234567890123", "c": "null"}, want: `{"a":"x ${y} %{z}","b":12345678901234567890123,"c":null}`},
		"a string":                   {secrets: map[string]string{"plain": `a"b\c ${d}` + "\n"}, want: `{"plain":"a\"b\\c ${d}\n"}`},
		"a string that looks like":   {secrets: map[string]string{"plain": "123", "untyped": `["a"]`}, want: `{"plain":"123","untyped":"[\"a\"]"}`},
		"no string":                  {secrets: map[string]string{"list": `["a","b"]`, "number": "5", "flag": "true", "object": `{"a":"b"}`}, want: `{"flag":true,"list":["a","b"],"number":5,"object":{"a":"b"}}`},
		"no string, not JSON":        {secrets: map[string]string{"list": "a,b"}, want: `{"list":"a,b"}`},
		"one that is not declared":   {secrets: map[string]string{"none": "x"}, want: `{"none":"x"}`},
		"a secret wins over a value": {values: map[string]string{"plain": `"value"`}, secrets: map[string]string{"plain": "secret"}, want: `{"plain":"secret"}`},
	} {
		t.Run(name, func(t *testing.T) {
			values := make(map[string]json.RawMessage)
			for variable, v := range test.values {
				values[variable] = json.RawMessage(v)
			}
			before := len(values)
			got, err := Variables(u, values, test.secrets)
			if err != nil || string(got) != test.want {
				t.Errorf("got %s, %v\nwant %s", got, err, test.want)
			}
			if len(values) != before {
				t.Error("the given values were changed")
			}
		})
	}
	if _, err := Variables(u, nil, map[string]string{"plain": "a\xff"}); err == nil || strings.Contains(err.Error(), "\xff") || !strings.Contains(err.Error(), "secret plain is not valid UTF-8") {
		t.Errorf("a secret that no string can hold: %v", err)
	}
}

// TestVariablesInTerraform gives values to a real Terraform and reads them
// back: nothing in them is evaluated.
func TestVariablesInTerraform(t *testing.T) {
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("needs terraform on PATH")
	}
	const nasty = "${path.module} %{ if true }x%{ endif } \"quoted\" \\ <&> $${a} \u2028 ü\n"
	u := typed(map[string]string{"plain": "string", "list": "list(string)", "big": "number", "any": "any"})
	list, err := json.Marshal([]string{nasty, ""})
	if err != nil {
		t.Fatal(err)
	}
	data, err := Variables(u, map[string]json.RawMessage{"list": list, "big": json.RawMessage("9007199254740993")}, map[string]string{"plain": nasty, "any": `{"//":"kept","k":"${x}"}`})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := "variable \"plain\" { type = string }\nvariable \"list\" { type = list(string) }\nvariable \"big\" { type = number }\nvariable \"any\" { type = any }\n" +
		"output \"all\" { value = [var.plain, var.list, var.big, var.any] }\n"
	for name, content := range map[string]string{"main.tf": config, "values.auto.tfvars.json": string(data)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) []byte {
		cmd := exec.Command(terraform, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TF_CLI_CONFIG_FILE="+os.DevNull, "CHECKPOINT_DISABLE=1")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("terraform %s: %v\n%s", args[0], err, out)
		}
		return out
	}
	run("apply", "-auto-approve", "-input=false", "-no-color")
	var got any
	decoder := json.NewDecoder(strings.NewReader(string(run("output", "-json", "all"))))
	decoder.UseNumber()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := []any{nasty, []any{nasty, ""}, json.Number("9007199254740993"), map[string]any{"//": "kept", "k": "${x}"}}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
