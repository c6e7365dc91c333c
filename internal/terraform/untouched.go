package terraform

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
)

// earlierEntry is the state of a saved plan as it was before the refresh.
const earlierEntry = "tfstate-prev"

// OnlyEmpty compares the two states that a saved plan holds, before and after
// its refresh. ok is true where they differ in nothing but values that are empty
// in both, which are returned: then ReadDrift has no more to say, and `show`,
// which takes as long as the plan, need not run. Where anything is in doubt it is
// false.
func OnlyEmpty(plan []byte) (noise []DriftedResource, ok bool) {
	_, before, err1 := planState(plan, earlierEntry, largestPlanState)
	_, after, err2 := planState(plan, stateEntry, largestPlanState)
	if err1 != nil || err2 != nil {
		return nil, false
	}
	was, now := before.managed(), after.managed()
	if len(was) != len(now) {
		return nil, false
	}
	for _, address := range sortedKeys(now) {
		old, there := was[address]
		d := DriftedResource{Address: address, Type: now[address].kind, Mode: "managed", Action: DriftChanged}
		if !there || !old.like(now[address]) || !d.onlyEmpty("", old.attributes, now[address].attributes) {
			return nil, false
		}
		if len(d.Attributes) > 0 {
			noise = append(noise, d)
		}
	}
	return noise, true
}

// managedObject is one object of a state.
type managedObject struct {
	stateInstance
	kind       string
	attributes any
	readable   bool
}

func (o managedObject) like(other managedObject) bool {
	return o.readable && other.readable && o.kind == other.kind && o.Schema == other.Schema && o.Status == other.Status
}

// managed lists the objects of resources by address.
func (s stateFile) managed() map[string]managedObject {
	objects := make(map[string]managedObject)
	for _, r := range s.Resources {
		if r.Mode != "managed" {
			continue
		}
		base := join(r.Module, r.Type+"."+r.Name)
		for _, i := range r.Instances {
			address := base
			if len(i.Key) > 0 {
				address += "[" + string(i.Key) + "]"
			}
			if i.Deposed != "" {
				address += " (deposed " + i.Deposed + ")"
			}
			o := managedObject{stateInstance: i, kind: r.Type}
			decoder := json.NewDecoder(bytes.NewReader(i.Attributes))
			decoder.UseNumber()
			o.readable = decoder.Decode(&o.attributes) == nil && o.attributes != nil
			objects[address] = o
		}
	}
	return objects
}

// onlyEmpty collects the values that differ, as long as they are empty.
func (d *DriftedResource) onlyEmpty(path string, before, after any) bool {
	if reflect.DeepEqual(before, after) {
		return true
	}
	if isEmpty(before) && isEmpty(after) {
		d.Attributes = append(d.Attributes, DriftedAttribute{ValueChange{Path: path, Before: emptyJSON(before), After: emptyJSON(after)}, NoiseEmpty})
		return true
	}
	b, bIsMap := before.(map[string]any)
	a, aIsMap := after.(map[string]any)
	if bIsMap && aIsMap {
		keys := make(map[string]bool)
		for key := range b {
			keys[key] = true
		}
		for key := range a {
			keys[key] = true
		}
		for _, key := range sortedKeys(keys) {
			if !d.onlyEmpty(join(path, key), b[key], a[key]) {
				return false
			}
		}
		return true
	}
	bl, bIsList := before.([]any)
	al, aIsList := after.([]any)
	if !bIsList || !aIsList || len(bl) != len(al) {
		return false
	}
	for i := range al {
		if !d.onlyEmpty(path+"["+strconv.Itoa(i)+"]", bl[i], al[i]) {
			return false
		}
	}
	return true
}

// emptyJSON writes an empty value, nil for null as everywhere here.
func emptyJSON(value any) json.RawMessage {
	if value == nil {
		return nil
	}
	data, _ := json.Marshal(value) // empty values have JSON
	return data
}
