package pipeline

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/strata-tf/strata/internal/policy"
)

// parse reads the policies' syntax trees, which tell what each rule reads.
func (p *policyGate) parse(ctx context.Context) ([]policy.Module, error) {
	kept := p.keptTrees(ctx)
	trees := keptTrees{Version: p.version, Trees: make(map[string]json.RawMessage)}
	var modules []policy.Module
	for _, name := range p.files.Names {
		if !p.isRego(name) {
			continue
		}
		id, _ := p.files.ID(name)
		key := name + " " + id
		tree, known := kept[key]
		if !known {
			result, err := p.opened.Run(ctx, p.opaStep(policy.ParseArgs(p.language(), name)))
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", name, err)
			}
			tree = result.Stdout
		}
		module, err := policy.ReadModule(name, tree)
		if err != nil {
			return nil, err
		}
		trees.Trees[key] = tree
		modules = append(modules, module)
	}
	if data, err := json.Marshal(trees); err == nil && p.Cache != nil {
		_ = p.Cache.Put(ctx, treesKey, data) // that it could not be kept costs only time
	}
	return modules, nil
}

// treesKey is where syntax trees are kept: OPA parses one file a process.
const treesKey = "scans/policies.json"

// keptTrees are syntax trees by a policy's name and content.
type keptTrees struct {
	Version string
	Trees   map[string]json.RawMessage
}

func (p *policyGate) keptTrees(ctx context.Context) map[string]json.RawMessage {
	if p.Cache == nil {
		return nil
	}
	var kept keptTrees
	data, err := p.Cache.Get(ctx, treesKey)
	if err != nil || json.Unmarshal(data, &kept) != nil || kept.Version != p.version {
		return nil
	}
	return kept.Trees
}
