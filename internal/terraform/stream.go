package terraform

import (
	"bytes"
	"encoding/json"
)

// Message is one line of a -json stream, as far as Strata reads it.
type Message struct {
	Level      string      `json:"@level"`
	Text       string      `json:"@message"`
	Type       string      `json:"type"`
	Diagnostic *Diagnostic `json:"diagnostic"`
	Hook       *Hook       `json:"hook"`
	// State is printed by an apply that could write it nowhere: not to the
	// backend, and not to a file either.
	State   json.RawMessage `json:"state"`
	Outputs map[string]struct {
		Sensitive bool            `json:"sensitive"`
		Action    string          `json:"action"`
		Type      json.RawMessage `json:"type"`
		Value     json.RawMessage `json:"value"`
	} `json:"outputs"`
}

// Hook says what is being done to which resource.
type Hook struct {
	Resource struct {
		Address string `json:"addr"`
	} `json:"resource"`
	Action  string `json:"action"`
	IDKey   string `json:"id_key"`
	IDValue string `json:"id_value"`
}

// Diagnostic is an error or a warning.
type Diagnostic struct {
	Severity string `json:"severity"` // error or warning
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	Address  string `json:"address"`
	Range    *struct {
		Filename string `json:"filename"` // relative to the folder Terraform ran in
		Start    struct {
			Line   int `json:"line"`
			Column int `json:"column"`
		} `json:"start"`
	} `json:"range"`
}

// Types of messages that Strata acts on.
const (
	TypeVersion    = "version"
	TypeLog        = "log"
	TypeDiagnostic = "diagnostic"
	TypeOutputs    = "outputs"

	TypeApplyStart    = "apply_start"
	TypeApplyProgress = "apply_progress"
	TypeApplyComplete = "apply_complete"
	TypeApplyErrored  = "apply_errored"

	TypeProvisionErrored = "provision_errored"

	TypeRefreshStart    = "refresh_start"
	TypeRefreshComplete = "refresh_complete"

	TypeStateLock     = "state_lock_acquire"
	TypePlannedChange = "planned_change"
	TypeResourceDrift = "resource_drift"
	TypeChangeSummary = "change_summary"
)

// ParseMessage reads one line of a stream; ok is false for a line that is not
// part of it (a provider or a wrapper that prints) and is to be shown as it is.
func ParseMessage(line []byte) (m Message, ok bool) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '{' {
		return Message{}, false
	}
	if err := json.Unmarshal(line, &m); err != nil || m.Type == "" || m.Level == "" {
		return Message{}, false
	}
	return m, true
}

// Applying follows an apply through its messages.
type Applying struct {
	open map[string]string // address -> action
	// provisioned are addresses whose provisioner failed: what it was to work on
	// exists, and is in state.
	provisioned map[string]bool
	uncertain   map[string]bool // see Uncertain
	// Outputs are those the apply printed: all but the sensitive ones.
	Outputs map[string]Output
	// Changed is the number of resources that were changed, Made the addresses
	// of those that were made.
	Changed int
	Made    []string
	// Started says whether the apply was heard at all.
	Started bool
	// State is the state, of an apply that could write it nowhere.
	State json.RawMessage
}

// Message takes one message in.
func (a *Applying) Message(m Message) {
	a.Started = true
	if len(m.State) > 0 {
		a.State = m.State
	}
	switch m.Type {
	case TypeApplyStart:
		if m.Hook != nil && m.Hook.Action != "read" {
			if a.open == nil {
				a.open = make(map[string]string)
			}
			a.open[m.Hook.Resource.Address] = m.Hook.Action
		}
	case TypeProvisionErrored:
		if m.Hook != nil {
			if a.provisioned == nil {
				a.provisioned = make(map[string]bool)
			}
			a.provisioned[m.Hook.Resource.Address] = true
		}
	case TypeApplyComplete, TypeApplyErrored:
		if m.Hook != nil {
			address := m.Hook.Resource.Address
			if m.Type == TypeApplyErrored && a.open[address] == "create" && !a.provisioned[address] {
				if a.uncertain == nil {
					a.uncertain = make(map[string]bool)
				}
				a.uncertain[address] = true
			}
			delete(a.open, address)
			if m.Type == TypeApplyComplete && m.Hook.Action != "read" {
				a.Changed++
				if m.Hook.Action == "create" {
					a.Made = append(a.Made, address)
				}
			}
		}
	case TypeOutputs:
		a.Outputs = make(map[string]Output, len(m.Outputs))
		for name, o := range m.Outputs {
			a.Outputs[name] = Output{Sensitive: o.Sensitive, Value: o.Value}
		}
	}
}

// Open returns the addresses of which the work has begun and not ended,
// sorted.
func (a *Applying) Open() []string { return sortedKeys(a.open) }

// Uncertain returns the addresses whose creation ended in an error, sorted: of
// an apply that was cut off they may exist without being in state, since a
// provider that is told to stop does not wait for the answer to its request.
func (a *Applying) Uncertain() []string { return sortedKeys(a.uncertain) }
