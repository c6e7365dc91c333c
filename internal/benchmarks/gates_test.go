package benchmarks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/strata-tf/strata/internal/policy"
	"github.com/strata-tf/strata/internal/runner"
)

const (
	library  = "../../testdata/policies"
	sentence = "../../testdata/compliance-rules"
	recorded = "../policy/testdata" // plans of the AWS provider, and the unit they are of
)

// onPath skips a benchmark that has not its tool.
func onPath(b *testing.B, tool string) {
	b.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		b.Skipf("%s is not on PATH", tool)
	}
}

// judged is a folder of policies, and plans to hold against them.
type judged struct {
	dir   string
	files []string          // the policies, in dir
	plans map[string][]byte // by the unit's name
}

const (
	manyPlans    = 100
	manyPolicies = 20
)

// newJudged makes the plans of a hundred units of those that are recorded: what
// Terraform makes of another name is known, see their README.md. The policies are
// the library's, and more of the same kind.
func newJudged(b *testing.B) *judged {
	b.Helper()
	onPath(b, "opa")
	j := &judged{dir: b.TempDir(), plans: make(map[string][]byte)}
	for i := range manyPlans {
		base := fmt.Sprintf("unit0%d", 2*(i%3))
		plan, err := os.ReadFile(filepath.Join(recorded, "plans", base+".json"))
		if err != nil {
			b.Fatal(err)
		}
		if len(plan) < 40<<10 {
			b.Fatalf("%s is a plan of %d bytes", base, len(plan))
		}
		name := fmt.Sprintf("unit%02d", i)
		j.plans[name] = bytes.ReplaceAll(plan, []byte(base), []byte(name))
	}
	names, err := fs.Glob(os.DirFS(library), "*.rego")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(library, name))
		if err != nil {
			b.Fatal(err)
		}
		j.add(b, name, string(text))
	}
	for i := len(j.files); i < manyPolicies; i++ {
		j.add(b, fmt.Sprintf("size%02d.rego", i), fmt.Sprintf(`package terraform

deny contains msg if {
	some rc in resources_of("aws_instance")
	rc.change.after.instance_type == "m%d.large"
	msg := sprintf("%%s is too large", [rc.address])
}
`, i))
	}
	return j
}

func (j *judged) add(b *testing.B, name, text string) {
	write(b, filepath.Join(j.dir, name), text)
	j.files = append(j.files, name)
}

// each holds every plan against something, as many at once as there are
// processors.
func (j *judged) each(b *testing.B, do func(name string, plan []byte) error) {
	var group sync.WaitGroup
	slots := make(chan bool, runtime.NumCPU())
	for name, plan := range j.plans {
		slots <- true
		group.Go(func() {
			defer func() { <-slots }()
			if err := do(name, plan); err != nil {
				b.Errorf("%s: %v", name, err)
			}
		})
	}
	group.Wait()
}

// eval is what people write: a process for each plan.
func (j *judged) eval(b *testing.B, inputs string) {
	j.each(b, func(name string, _ []byte) error {
		cmd := exec.Command("opa", "eval", "--format", "raw", "--data", j.dir, "--input", filepath.Join(inputs, name), "data.terraform.deny")
		out, err := cmd.CombinedOutput()
		if err == nil && string(bytes.TrimSpace(out)) != "[]" {
			err = fmt.Errorf("it denies: %s", out)
		}
		return err
	})
}

// serve is what Strata does: a server for all, whose queries are asked of each
// plan. Of what it needs besides, it only leaves out what looks at the policies
// and not at plans.
func (j *judged) serve(b *testing.B, ws runner.Workspace, deny policy.Query, judge func(name string, plan []byte, r policy.Result) error) {
	step := runner.Step{Tool: policy.Tool(), Dir: ".", Env: policy.ServeEnv(), Sensitive: true, Bare: true}
	server, err := ws.Serve(b.Context(), step, func(listen string) []string {
		return policy.ServeArgs(policy.Serve{Address: listen, Paths: []string{"."}})
	})
	if err != nil {
		b.Fatal(err)
	}
	client := policy.NewClient(server.Address())
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	if err := client.Ready(ctx); err != nil {
		b.Fatal(err, server.Err())
	}
	if missing, err := client.Load(ctx, deny); err != nil || len(missing) > 0 {
		b.Fatal(missing, err)
	}
	j.each(b, func(name string, plan []byte) error {
		results, err := client.Evaluate(b.Context(), policy.Input{Unit: name, Plan: plan, Strata: map[string]string{"environment": "production"}})
		if err == nil && (!results[0].Defined || len(results[0].Messages) > 0) {
			err = fmt.Errorf("it denies: %v", results)
		}
		if err != nil || judge == nil {
			return err
		}
		return judge(name, plan, results[0])
	})
	client.Close()
	if err := server.Close(); err != nil {
		b.Fatal(err)
	}
}

// gate is all that the gate does in a run: it compiles the policies, serves them,
// and finds out of each plan what cannot be decided. The trees are kept from run
// to run, as long as the policies stay the same.
func (j *judged) gate(b *testing.B, ws runner.Workspace, deny policy.Query, kept []policy.Module) {
	j.opa(b, ws, policy.VersionArgs())
	j.opa(b, ws, policy.CheckArgs(policy.V1, "."))
	if kept == nil {
		kept = j.parse(b, ws)
	}
	a := policy.Analyse(deny, kept)
	j.serve(b, ws, deny, func(name string, document []byte, r policy.Result) error {
		plan, err := policy.ReadPlan(document)
		if err != nil {
			return err
		}
		if found := a.Findings(name, plan, r.Messages); len(found) > 0 {
			return fmt.Errorf("it finds %v", found)
		}
		if open := a.Undetermined(plan, r.Messages); len(open) > 0 {
			return fmt.Errorf("it cannot decide %v", open)
		}
		return nil
	})
}

func (j *judged) opa(b *testing.B, ws runner.Workspace, args []string) []byte {
	result, err := ws.Run(b.Context(), runner.Step{Tool: policy.Tool(), Args: args, Dir: ".", Keep: true, Bare: true})
	if err != nil {
		b.Fatal(err)
	}
	return result.Stdout
}

func (j *judged) parse(b *testing.B, ws runner.Workspace) []policy.Module {
	var modules []policy.Module
	for _, name := range j.files {
		m, err := policy.ReadModule(name, j.opa(b, ws, policy.ParseArgs(policy.V1, name)))
		if err != nil {
			b.Fatal(err)
		}
		modules = append(modules, m)
	}
	return modules
}

// What a process for each plan takes against one server for all: how many times
// the server is faster, and how many times less of the processors it takes. Server
// is the evaluation alone; Gate is all that the gate does in a run, the first with
// these policies and a later one.
func BenchmarkPolicies(b *testing.B) {
	j := newJudged(b)
	inputs := b.TempDir()
	for name, plan := range j.plans {
		write(b, filepath.Join(inputs, name), string(plan))
	}
	host, err := runner.NewHost(runner.HostOptions{Root: j.dir, Environ: os.Environ()})
	if err != nil {
		b.Fatal(err)
	}
	defer host.Close()
	ws, err := host.Open(b.Context(), runner.Spec{ID: "opa", Dir: "."})
	if err != nil {
		b.Fatal(err)
	}
	defer ws.Close()
	deny, err := policy.ParseQuery("data.terraform.deny")
	if err != nil {
		b.Fatal(err)
	}
	kept := j.parse(b, ws)
	eval := side{"opa eval", keep, func(b *testing.B) { j.eval(b, inputs) }}
	for _, strata := range []side{
		{"Server", keep, func(b *testing.B) { j.serve(b, ws, deny, nil) }},
		{"Gate/First", keep, func(b *testing.B) { j.gate(b, ws, deny, nil) }},
		{"Gate/Later", keep, func(b *testing.B) { j.gate(b, ws, deny, kept) }},
	} {
		b.Run(strata.name, func(b *testing.B) { faster(b, eval, strata) })
	}
}

// faster reports how many times faster the other side is, and how many times
// less of the processors it takes.
func faster(b *testing.B, slow, other side) {
	for b.Loop() {
		var times, cpus []float64
		for range pairs {
			s, sCPU := secondsCPU(b, slow)
			o, oCPU := secondsCPU(b, other)
			times = append(times, s/o)
			if oCPU > 0 {
				cpus = append(cpus, sCPU/oCPU)
			}
		}
		slices.Sort(times)
		b.ReportMetric(middle(times), "times-faster")
		b.ReportMetric(times[0], "min-times-faster")
		if len(cpus) > 0 {
			b.ReportMetric(middle(cpus), "times-less-cpu")
		}
	}
}

func secondsCPU(b *testing.B, s side) (elapsed, cpu float64) {
	s.reset(b)
	before, started := cpuSeconds(), time.Now()
	s.run(b)
	elapsed, cpu = time.Since(started).Seconds(), cpuSeconds()-before
	b.Logf("%s: %.2fs, %.2fs of CPU", s.name, elapsed, cpu)
	return elapsed, cpu
}

// gatedUnits is how many units a plan with gates is measured at.
const gatedUnits = 20

// gateTools are the gates and their tools; Terraform's own is there.
func gateTools() []struct{ gate, tool string } {
	return []struct{ gate, tool string }{
		{"validate", ""}, {"policy", "opa"}, {"tfsec", "tfsec"}, {"trivy", "trivy"}, {"checkov", "checkov"},
		{"terraform-compliance", "terraform-compliance"},
	}
}

// gated are two repositories of the same files: one whose environment has gates,
// and one that has none. A repository of which strata.yaml changes is scanned
// again.
type gated struct{ with, without *repository }

// newGated makes them, with what fills a unit's folder besides its name. The
// gates warn: what they find stops nothing, and costs the same.
func newGated(b *testing.B, gates []string, fill func(b *testing.B, r *repository, dir string)) gated {
	var g gated
	for _, r := range []**repository{&g.with, &g.without} {
		*r = newRepository(b, gatedUnits-3)
		for _, dir := range (*r).units {
			fill(b, *r, dir)
		}
		copyFolder(b, library, filepath.Join((*r).root, "policies"))
		copyFolder(b, sentence, filepath.Join((*r).root, "compliance-rules"))
	}
	modes := make(map[string]string)
	for _, t := range gateTools() {
		modes[t.gate] = "off"
	}
	g.without.configure(b, modes)
	for _, gate := range gates {
		modes[gate] = "warn"
	}
	g.with.configure(b, modes)
	return g
}

func (r *repository) configure(b *testing.B, modes map[string]string) {
	text, err := json.Marshal(map[string]any{"environments": map[string]any{"staging": map[string]any{"branch": "staging", "gates": modes}}}) // JSON is YAML
	if err != nil {
		b.Fatal(err)
	}
	write(b, filepath.Join(r.root, "strata.yaml"), string(text)+"\n")
	write(b, filepath.Join(r.root, ".gitignore"), ".terraform/\n*.tfstate*\n.strata/\n")
	r.command(b, r.root, "git", "init", "-q")
	r.commit(b)
}

func copyFolder(b *testing.B, from, to string) {
	b.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		b.Fatal(err)
	}
}

func (r *repository) plan(b *testing.B) {
	r.command(b, r.root, r.strata, "plan", "--env", "staging", "--all", "--binary", r.tool)
}

// forget makes the next run the first one with these gates.
func (r *repository) forget(b *testing.B) {
	if err := os.RemoveAll(filepath.Join(r.root, ".strata", "store", "scans")); err != nil {
		b.Fatal(err)
	}
}

// compare reports what a plan with gates takes against one without: the first
// with these files, and one after it.
func (g gated) compare(b *testing.B, n int) {
	for _, r := range []*repository{g.with, g.without} {
		r.plan(b) // init, where it is needed
	}
	for b.Loop() {
		var first, later []float64
		for range n {
			none := seconds(b, side{"without gates", keep, g.without.plan})
			first = append(first, seconds(b, side{"first with gates", g.with.forget, g.with.plan})/none)
			later = append(later, seconds(b, side{"later with gates", keep, g.with.plan})/none)
		}
		b.ReportMetric(middle(first), "ratio/first")
		b.ReportMetric(middle(later), "ratio/later")
	}
}

// present are the gates whose tools are there; of the others it tells.
func present(b *testing.B) []string {
	var gates []string
	for _, t := range gateTools() {
		if _, err := exec.LookPath(t.tool); t.tool != "" && err != nil {
			b.Logf("without %s: it is not on PATH", t.tool)
			continue
		}
		gates = append(gates, t.gate)
	}
	return gates
}

// A plan of 20 trivial units with gates against one without them: the worst case,
// since a plan takes a tenth of a second. The code for scanners is that of 20
// units of the AWS provider.
func BenchmarkGates(b *testing.B) {
	code := func(b *testing.B, r *repository, dir string) {
		copyFolder(b, filepath.Join(recorded, "record", "unit"), filepath.Join(r.root, "shared", filepath.Base(filepath.Dir(dir))))
	}
	for _, t := range gateTools() {
		b.Run(t.gate, func(b *testing.B) {
			if t.tool != "" {
				onPath(b, t.tool)
			}
			newGated(b, []string{t.gate}, code).compare(b, 3)
		})
	}
	b.Run("All", func(b *testing.B) { newGated(b, present(b), code).compare(b, 3) })
}

// The same of 20 units of the AWS provider, with 21 resources each.
func BenchmarkGatesAWS(b *testing.B) {
	mirror := os.Getenv("STRATA_TEST_PROVIDER_MIRROR")
	if mirror == "" {
		b.Skip("needs the AWS provider: STRATA_TEST_PROVIDER_MIRROR names no folder that has it")
	}
	b.Setenv("STRATA_PROVIDER_MIRROR", mirror)
	unit := func(b *testing.B, r *repository, dir string) {
		copyFolder(b, filepath.Join(recorded, "record", "unit", "modules"), filepath.Join(r.root, dir, "modules"))
		text, err := os.ReadFile(filepath.Join(recorded, "record", "unit", "main.tf"))
		if err != nil {
			b.Fatal(err)
		}
		write(b, filepath.Join(r.root, dir, "main.tf"), string(text))
		write(b, filepath.Join(r.root, dir, "terraform.tfvars"), fmt.Sprintf("name = \"unit-%s\"\nsize = 2\n", filepath.Base(filepath.Dir(dir))))
	}
	newGated(b, present(b), unit).compare(b, 3)
}

// largeFile makes a plan of about 50 MB: 1,000 resources that hold some 25 KB
// each, which a plan has twice.
const largeFile = `resource "terraform_data" "this" {
  count = 1000
  input = { for i in range(250) : "key-${i}" => "${count.index} ${join("", [for j in range(8) : "some text "])}" }
}
`

// A plan of 50 MB through the policies, and Strata's own peak memory, against the
// same without policies.
func BenchmarkLargePlan(b *testing.B) {
	onPath(b, "opa")
	large := func(b *testing.B, r *repository, dir string) {
		write(b, filepath.Join(r.root, dir, "main.tf"), "")
		if strings.HasSuffix(dir, "01-foundation/staging") {
			write(b, filepath.Join(r.root, dir, "main.tf"), largeFile)
		}
	}
	g := newGated(b, []string{"policy"}, large)
	for b.Loop() {
		size, peak := g.with.peak(b)
		_, without := g.without.peak(b)
		b.ReportMetric(size, "plan-MB")
		b.ReportMetric(peak, "own-peak-MiB")
		b.ReportMetric(without, "own-peak-MiB-without")
	}
}

// peak plans the first unit, and tells its plan's size in MB and Strata's own
// peak memory in MiB.
func (r *repository) peak(b *testing.B) (size, peak float64) {
	out := b.TempDir()
	cmd := exec.Command(r.strata, "plan", "--env", "staging", "--only", "foundation", "--binary", r.tool, "--out", out, "--format", "json")
	cmd.Dir = r.root
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	self := watch(cmd.Process.Pid)
	err := cmd.Wait()
	_, rss := self()
	var run struct {
		Checks []struct {
			Looked int
			Errors []string
		}
	}
	if jsonErr := json.Unmarshal(stdout.Bytes(), &run); err != nil || jsonErr != nil {
		b.Fatalf("plan: %v, %v\n%s", err, jsonErr, stderr.String())
	}
	for _, c := range run.Checks {
		if c.Looked != 1 || len(c.Errors) > 0 {
			b.Fatalf("the policies looked at %d plans: %v", c.Looked, c.Errors)
		}
	}
	saved, err := filepath.Glob(filepath.Join(out, "*", "plan.tfplan"))
	if err != nil || len(saved) != 1 {
		b.Fatalf("saved plans: %v, %v", saved, err)
	}
	show := exec.Command(r.tool, "show", "-json", saved[0])
	show.Dir = filepath.Join(r.root, r.units[0])
	document, err := show.Output()
	if err != nil {
		b.Fatal(err)
	}
	return float64(len(document)) / 1e6, float64(rss) / 1024
}
