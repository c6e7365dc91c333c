package pipeline

import (
	"context"
	"encoding/json"
)

// recall reads what was kept under a key; false where there is nothing to be read.
func (o *Options) recall(ctx context.Context, key string, into any) bool {
	if o.Cache == nil {
		return false
	}
	data, err := o.Cache.Get(ctx, key)
	return err == nil && json.Unmarshal(data, into) == nil
}

// retain keeps a value under a key; that it could not be kept costs only time.
func (o *Options) retain(ctx context.Context, key string, value any) {
	if data, err := json.Marshal(value); err == nil && o.Cache != nil {
		_ = o.Cache.Put(ctx, key, data)
	}
}
