package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// FillUnknowns returns the plan with what was unknown in it as the apply made it:
// the values come from the state afterwards, as `show -json` prints it. Actions
// and all else stay, so that policies judge the same plan. What the state does
// not have stays unknown: the apply did not get there.
func FillUnknowns(plan, state []byte) ([]byte, error) {
	f := &filler{masks: make(map[string]any), values: make(map[string]map[string]any)}
	if err := f.readMasks(plan); err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	if err := f.readState(state); err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	filled, err := f.write(plan)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	return filled, nil
}

type filler struct {
	masks   map[string]any            // of the resources that have unknown values, by address
	values  map[string]map[string]any // of the same, from the state
	outputs map[string]stateOutput
}

type stateOutput struct {
	Value json.RawMessage `json:"value"`
	Type  json.RawMessage `json:"type"`
}

type stateModule struct {
	Resources []struct {
		Address string          `json:"address"`
		Deposed string          `json:"deposed_key"`
		Values  json.RawMessage `json:"values"`
	} `json:"resources"`
	Children []stateModule `json:"child_modules"`
}

// fields calls do for each field of the object that the decoder is at: it reads
// the value.
func fields(dec *json.Decoder, do func(key string) error) error {
	if err := delimiter(dec, '{'); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		if err := do(key.(string)); err != nil {
			return err
		}
	}
	return delimiter(dec, '}')
}

func delimiter(dec *json.Decoder, want json.Delim) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("%v where %v should be", token, want)
	}
	return nil
}

func (f *filler) readMasks(plan []byte) error {
	dec := json.NewDecoder(bytes.NewReader(plan))
	return fields(dec, func(key string) error {
		if key != "resource_changes" {
			var skipped json.RawMessage
			return dec.Decode(&skipped)
		}
		if err := delimiter(dec, '['); err != nil {
			return err
		}
		for dec.More() {
			var rc struct {
				Address string `json:"address"`
				Deposed string `json:"deposed"`
				Change  struct {
					Unknown json.RawMessage `json:"after_unknown"`
				} `json:"change"`
			}
			if err := dec.Decode(&rc); err != nil {
				return err
			}
			if rc.Deposed != "" || !bytes.Contains(rc.Change.Unknown, []byte("true")) {
				continue
			}
			var mask any
			if err := json.Unmarshal(rc.Change.Unknown, &mask); err != nil {
				return err
			}
			if anyTrue(mask) {
				f.masks[rc.Address] = mask
			}
		}
		return delimiter(dec, ']')
	})
}

func (f *filler) readState(state []byte) error {
	var raw struct {
		Values struct {
			Outputs map[string]stateOutput `json:"outputs"`
			Root    stateModule            `json:"root_module"`
		} `json:"values"`
	}
	if err := json.Unmarshal(state, &raw); err != nil {
		return err
	}
	f.outputs = raw.Values.Outputs
	return f.take(raw.Values.Root)
}

func (f *filler) take(m stateModule) error {
	for _, r := range m.Resources {
		if _, wanted := f.masks[r.Address]; !wanted || r.Deposed != "" {
			continue
		}
		var values map[string]any
		if err := decode(r.Values, &values); err != nil {
			return fmt.Errorf("%s: %w", r.Address, err)
		}
		f.values[r.Address] = values
	}
	for _, child := range m.Children {
		if err := f.take(child); err != nil {
			return err
		}
	}
	return nil
}

// write writes the plan anew: all but what has unknown values as it is.
func (f *filler) write(plan []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(plan) + len(plan)/4)
	dec := json.NewDecoder(bytes.NewReader(plan))
	comma := "{"
	err := fields(dec, func(key string) error {
		name, _ := json.Marshal(key)
		out.WriteString(comma)
		out.Write(name)
		out.WriteByte(':')
		comma = ","
		if key == "resource_changes" {
			return f.changes(dec, &out)
		}
		var value json.RawMessage
		err := dec.Decode(&value)
		switch {
		case err != nil:
		case key == "planned_values":
			value, err = f.planned(value)
		case key == "output_changes":
			value, err = f.outputChanges(value)
		}
		out.Write(value)
		return err
	})
	if comma == "{" {
		out.WriteByte('{')
	}
	out.WriteByte('}')
	return out.Bytes(), err
}

func (f *filler) changes(dec *json.Decoder, out *bytes.Buffer) error {
	if err := delimiter(dec, '['); err != nil {
		return err
	}
	out.WriteByte('[')
	for first := true; dec.More(); first = false {
		var rc json.RawMessage
		if err := dec.Decode(&rc); err != nil {
			return err
		}
		rc, err := f.resourceChange(rc)
		if err != nil {
			return err
		}
		if !first {
			out.WriteByte(',')
		}
		out.Write(rc)
	}
	out.WriteByte(']')
	return delimiter(dec, ']')
}

func (f *filler) resourceChange(raw json.RawMessage) (json.RawMessage, error) {
	var head struct {
		Address string `json:"address"`
		Deposed string `json:"deposed"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, err
	}
	values, there := f.values[head.Address]
	if !there || head.Deposed != "" {
		return raw, nil
	}
	return within(raw, "change", func(change map[string]json.RawMessage) error {
		return fillChange(change, values)
	})
}

// fillChange fills what a change leaves unknown, and clears the mask.
func fillChange(change map[string]json.RawMessage, value any) error {
	var after, mask any
	if err := decode(change["after"], &after); err != nil {
		return err
	}
	if err := decode(change["after_unknown"], &mask); err != nil {
		return err
	}
	after, mask = fill(after, mask, value)
	var err error
	if change["after"], err = json.Marshal(after); err != nil {
		return err
	}
	change["after_unknown"], err = json.Marshal(mask)
	return err
}

// fill returns a value with what the mask says is unknown taken from another, and
// the mask of what is still unknown. Where a part of a list is unknown, all of it
// is taken: of a set, the order may be another by now.
func fill(after, mask, from any) (any, any) {
	switch m := mask.(type) {
	case bool:
		if m {
			return from, known(from)
		}
	case []any:
		if !anyTrue(m) {
			break
		}
		if _, list := from.([]any); list {
			return from, known(from)
		}
	case map[string]any:
		have, _ := from.(map[string]any)
		if !anyTrue(m) || have == nil {
			break
		}
		old, _ := after.(map[string]any)
		filled, left := maps.Clone(old), make(map[string]any, len(m))
		if filled == nil {
			filled = make(map[string]any)
		}
		for key, inner := range m {
			value, there := have[key]
			if !there {
				left[key] = inner // what the state does not have is not known now
				continue
			}
			value, inner = fill(old[key], inner, value)
			if _, had := old[key]; had || anyTrue(m[key]) {
				filled[key] = value
			}
			if inner != false {
				left[key] = inner
			}
		}
		return filled, left
	}
	return after, mask
}

// known is the mask of a value that is known: false, or the form of the value.
func known(value any) any {
	switch v := value.(type) {
	case []any:
		all := make([]any, len(v))
		for i, item := range v {
			all[i] = known(item)
		}
		return all
	case map[string]any:
		return map[string]any{}
	}
	return false
}

// planned fills the values to come. They have no masks of their own: the
// changes' are theirs.
func (f *filler) planned(raw json.RawMessage) (json.RawMessage, error) {
	return object(raw, func(all map[string]json.RawMessage) (err error) {
		if all["root_module"] != nil {
			if all["root_module"], err = f.plannedModule(all["root_module"]); err != nil {
				return err
			}
		}
		if all["outputs"] == nil {
			return nil
		}
		all["outputs"], err = object(all["outputs"], f.plannedOutputs)
		return err
	})
}

func (f *filler) plannedOutputs(outputs map[string]json.RawMessage) error {
	for name, raw := range outputs {
		had, there := f.outputs[name]
		if !there {
			continue
		}
		filled, err := object(raw, func(output map[string]json.RawMessage) error {
			if output["value"] == nil && had.Value != nil {
				output["value"] = had.Value
				if output["type"] == nil && had.Type != nil {
					output["type"] = had.Type
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		outputs[name] = filled
	}
	return nil
}

func (f *filler) plannedModule(raw json.RawMessage) (json.RawMessage, error) {
	return object(raw, func(module map[string]json.RawMessage) (err error) {
		if module["resources"], err = each(module["resources"], f.plannedResource); err != nil {
			return err
		}
		module["child_modules"], err = each(module["child_modules"], f.plannedModule)
		maps.DeleteFunc(module, func(_ string, value json.RawMessage) bool { return value == nil })
		return err
	})
}

func (f *filler) plannedResource(raw json.RawMessage) (json.RawMessage, error) {
	var head struct {
		Address string `json:"address"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, err
	}
	values, there := f.values[head.Address]
	if !there {
		return raw, nil
	}
	return object(raw, func(r map[string]json.RawMessage) error {
		var planned any
		if err := decode(r["values"], &planned); err != nil {
			return err
		}
		planned, _ = fill(planned, f.masks[head.Address], values)
		var err error
		r["values"], err = json.Marshal(planned)
		return err
	})
}

func (f *filler) outputChanges(raw json.RawMessage) (json.RawMessage, error) {
	return object(raw, func(changes map[string]json.RawMessage) error {
		for name, raw := range changes {
			had, there := f.outputs[name]
			if !there || !bytes.Contains(raw, []byte("true")) {
				continue
			}
			var value any
			if err := decode(had.Value, &value); err != nil {
				return err
			}
			filled, err := object(raw, func(change map[string]json.RawMessage) error { return fillChange(change, value) })
			if err != nil {
				return err
			}
			changes[name] = filled
		}
		return nil
	})
}

// object changes the fields of a JSON object.
func object(raw json.RawMessage, change func(map[string]json.RawMessage) error) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil || all == nil {
		return raw, err
	}
	if err := change(all); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

// within changes the fields of an object in a field of a JSON object.
func within(raw json.RawMessage, name string, change func(map[string]json.RawMessage) error) (json.RawMessage, error) {
	return object(raw, func(all map[string]json.RawMessage) (err error) {
		all[name], err = object(all[name], change)
		return err
	})
}

// each changes the elements of a JSON list; nil stays nil.
func each(raw json.RawMessage, change func(json.RawMessage) (json.RawMessage, error)) (json.RawMessage, error) {
	if raw == nil {
		return nil, nil
	}
	var all []json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	for i := range all {
		var err error
		if all[i], err = change(all[i]); err != nil {
			return nil, err
		}
	}
	return json.Marshal(all)
}

// decode keeps numbers as they are written. Nothing is null.
func decode(raw json.RawMessage, v any) error {
	if raw == nil {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return dec.Decode(v)
}

func anyTrue(mask any) bool {
	switch m := mask.(type) {
	case bool:
		return m
	case []any:
		return slices.ContainsFunc(m, anyTrue)
	case map[string]any:
		for _, inner := range m {
			if anyTrue(inner) {
				return true
			}
		}
	}
	return false
}
