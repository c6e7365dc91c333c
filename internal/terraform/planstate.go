package terraform

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// PlanState is how large the state is that a plan was made of.
type PlanState struct {
	Bytes, Serial int64
	Resources     int // instances of resources, without data sources and deposed objects
}

const (
	// stateEntry is the state as refreshed, of which a saved plan was made.
	stateEntry = "tfstate"

	largestPlanState = 256 << 20
)

// ReadPlanState reads of a saved plan, which is a zip archive, how large its
// state is. Of a plan that OpenTofu has encrypted nobody knows it.
func ReadPlanState(plan []byte) (PlanState, error) { return readPlanState(plan, largestPlanState) }

func readPlanState(plan []byte, largest int64) (PlanState, error) {
	size, state, err := planState(plan, stateEntry, largest)
	if err != nil {
		return PlanState{}, err
	}
	out := PlanState{Bytes: size, Serial: state.Serial}
	for _, resource := range state.Resources {
		for _, instance := range resource.Instances {
			if resource.Mode == "managed" && instance.Deposed == "" {
				out.Resources++
			}
		}
	}
	return out, nil
}

// stateFile is a state, as far as it is read.
type stateFile struct {
	Version   int   `json:"version"`
	Serial    int64 `json:"serial"`
	Resources []struct {
		Module    string          `json:"module"`
		Mode      string          `json:"mode"`
		Type      string          `json:"type"`
		Name      string          `json:"name"`
		Instances []stateInstance `json:"instances"`
	} `json:"resources"`
}

type stateInstance struct {
	Key        json.RawMessage `json:"index_key"`
	Deposed    string          `json:"deposed"`
	Status     string          `json:"status"` // tainted
	Schema     int64           `json:"schema_version"`
	Attributes json.RawMessage `json:"attributes"`
}

// planState reads one of the states that a saved plan holds.
func planState(plan []byte, entry string, largest int64) (size int64, state stateFile, err error) {
	archive, err := zip.NewReader(bytes.NewReader(plan), int64(len(plan)))
	if err != nil {
		return 0, state, fmt.Errorf("read the plan's state: not a plan, or an encrypted one: %w", err)
	}
	i := slices.IndexFunc(archive.File, func(f *zip.File) bool { return f.Name == entry })
	if i < 0 {
		return 0, state, errors.New("read the plan's state: there is none in it")
	}
	file, err := archive.File[i].Open()
	if err != nil {
		return 0, state, fmt.Errorf("read the plan's state: %w", err)
	}
	defer file.Close()
	// What the archive says of the size may be anything.
	data, err := io.ReadAll(io.LimitReader(file, largest+1))
	if err != nil {
		return 0, state, fmt.Errorf("read the plan's state: %w", err)
	}
	if int64(len(data)) > largest {
		return 0, state, fmt.Errorf("read the plan's state: it is larger than %d MiB", largest>>20)
	}
	if err := json.Unmarshal(data, &state); err != nil {
		return 0, state, fmt.Errorf("read the plan's state: %w", err)
	}
	if state.Version != 4 {
		return 0, state, fmt.Errorf("read the plan's state: its version is %d, not 4", state.Version)
	}
	return int64(len(data)), state, nil
}
