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
			result, err := p.ws.Run(ctx, p.opaStep(policy.ParseArgs(p.language(), name)))
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
	p.retain(ctx, treesKey, trees)
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
	var kept keptTrees
	if !p.recall(ctx, treesKey, &kept) || kept.Version != p.version {
		return nil
	}
	return kept.Trees
}
