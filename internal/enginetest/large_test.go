//go:build engine

package enginetest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/strata-tf/strata/internal/report"
)

// In a repository of 5,000 files with a large one beside them that git ignores,
// looking and planning one unit take seconds, and the large file stays where it
// is.
func TestEngineLargeRepository(t *testing.T) {
	const large = 200 << 20
	repository := map[string]string{".gitignore": "/large.bin\n"}
	for i := range 250 {
		for name, text := range unit(client(fmt.Sprintf("client-%03d", i)), trivial) {
			repository[name] = text
		}
	}
	for i := range 4500 {
		repository[fmt.Sprintf("services/service-%02d/src/file-%04d.txt", i%50, i)] = strings.Repeat(fmt.Sprintf("line of file %d\n", i), 20)
	}
	r := newRepo(t, repository)
	f, err := os.Create(filepath.Join(r.dir, "large.bin"))
	if err != nil {
		t.Fatal(err)
	}
	// Not sparse, and no two blocks alike.
	block := bytes.Repeat([]byte(random()), 1<<16)
	for i := range large / len(block) {
		copy(block, fmt.Sprint(i))
		if _, err := f.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}

	for _, args := range [][]string{
		{"units", "--env", "staging"},
		{"units", "--env", "staging"},
		{"plan", "--env", "staging", "--only", "clients/client-007", "summary"},
		{"deploy", "--env", "staging", "--only", "clients/client-007"},
	} {
		a, read := r.watched(t, args...)
		a.ok(t, 0)
		t.Logf("%s: %.1fs; the client read %.1f MiB", strings.Join(args[:1], " "), a.took.Seconds(), float64(read)/(1<<20))
		if a.took > time.Minute {
			t.Errorf("%s took %s", strings.Join(args, " "), a.took)
		}
		if read > large/2 {
			t.Errorf("%s: the client read %d bytes: has the ignored file travelled?", strings.Join(args, " "), read)
		}
		if args[0] == "units" && strings.Count(a.stdout, "clients/client-") < 250 {
			t.Errorf("units lists too few:\n%s", a.stdout)
		}
	}
	if got := s3.resources(t, r.bucket, stateKey(client("client-007"))); len(got) != 1 {
		t.Errorf("the state holds %v", got)
	}
}

// watched is call, and how many bytes the client has read (0 where the system
// does not tell).
func (r *repo) watched(t *testing.T, args ...string) (a answer, read int64) {
	t.Helper()
	cmd := r.prepare(exec.Command("dagger", slices.Concat([]string{"-s", "call", "-m", moduleDir}, r.chain, args)...))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	started := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case <-ended:
			return answer{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), time.Since(started)}, read
		case <-time.After(20 * time.Millisecond):
			read = max(read, bytesRead(cmd.Process.Pid))
		}
	}
}

func bytesRead(pid int) (n int64) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err == nil {
		_, _ = fmt.Sscanf(string(data), "rchar: %d", &n)
	}
	return n
}

// The demo needs nothing but the module.
func TestEngineDemo(t *testing.T) {
	r := &repo{dir: t.TempDir(), chain: withImages()}
	out := r.call(t, "demo").ok(t, 0).stdout
	rest := out
	for _, words := range []string{
		"== graph --env staging", "foundation@us-east-1:staging",
		"== deploy --env staging: no unit has a record", "6 applied",
		"== records --env staging", "foundation@us-east-1:staging", "6 records",
		"== deploy --env staging, again", "0 of 6 units",
		"== deploy --env staging, after a change", "1 applied",
		"== destroy --env staging --all", "6 destroyed",
	} {
		_, after, found := strings.Cut(rest, words)
		if !found {
			t.Fatalf("the demo does not show %q at its place:\n%s", words, out)
		}
		rest = after
	}
}

// BenchmarkOverhead compares a run of trivial units with the native one.
func BenchmarkOverhead(b *testing.B) {
	const units, pairs = 6, 5
	repository := make(map[string]string)
	for i := range units {
		for name, text := range unit(client(fmt.Sprintf("client-%d", i)), trivial) {
			repository[name] = text
		}
	}
	native, module := newRepo(b, repository), newRepo(b, repository)
	deploy := []string{"deploy", "--env", "staging", "--all", "--format", "json"}
	// One width for both, and one at a time, for the seconds to be the units' own.
	for _, width := range []string{"1", "2"} {
		b.Run("width"+width, func(b *testing.B) {
			args := append(slices.Clone(deploy), "--parallelism", width)
			for b.Loop() {
				for _, work := range []struct {
					name   string
					before func(r *repo)
					want   report.Result
				}{
					{"apply", func(r *repo) {
						for i := range units {
							s3.do(b, "DELETE", "/"+r.bucket+"/"+stateKey(client(fmt.Sprintf("client-%d", i))), nil)
						}
					}, report.Applied},
					{"nochange", func(*repo) {}, report.Unchanged},
				} {
					var extra, native1, module1 []float64
					for range pairs {
						work.before(native)
						work.before(module)
						native.git(b, "clean", "-fdxq")
						n, m := native.native(b, args...).ok(b, 0).run(b), module.call(b, args...).ok(b, 0).run(b)
						for id, result := range results(m) {
							if result != work.want {
								b.Fatalf("%s %s", id, result)
							}
						}
						native1, module1 = append(native1, n.Seconds/units), append(module1, m.Seconds/units)
						extra = append(extra, (m.Seconds-n.Seconds)/units)
					}
					b.ReportMetric(median(native1), work.name+"-native-s/unit")
					b.ReportMetric(median(module1), work.name+"-module-s/unit")
					b.ReportMetric(median(extra), work.name+"-extra-s/unit")
				}
			}
		})
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
