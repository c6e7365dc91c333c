package record

import "context"

// Question is what policies deny of what an apply has made, or could not decide
// of it. It stays with the attempt until the unit is deployed well: the next plan
// does not show what was made.
type Question struct {
	Rule     string   `json:"rule"`
	Aliases  []string `json:"aliases,omitempty"`
	File     string   `json:"file,omitempty"`
	Line     int      `json:"line,omitempty"`
	Resource string   `json:"resource,omitempty"` // its address
	Title    string   `json:"title"`
	Denied   bool     `json:"denied,omitempty"`
}

// Ask replaces the questions of an attempt. Where the record has another attempt,
// or none, it does nothing.
func Ask(ctx context.Context, s Store, environment, unit, run string, questions []Question) error {
	r, err := Get(ctx, s, environment, unit)
	if err != nil {
		return err
	}
	if r.Attempt == nil || r.Attempt.Run != run {
		return nil
	}
	r.Attempt.Open = questions
	return put(ctx, s, r)
}
