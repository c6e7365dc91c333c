package report

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// tell plays a run into a progress, with the time it takes. It must be called
// in a bubble of synctest.
func tell(p Progress) {
	const foundation, platform = "foundation@us-east-1:staging", "platform@us-east-1:staging"
	say := func(after time.Duration, kind EventKind, id, text string) {
		time.Sleep(after)
		p.Event(Event{Kind: kind, UnitID: id, Time: time.Now(), Text: text})
	}
	p.Start("deploy", "staging", 3)
	say(0, Note, "", "state of us-east-1 is local")
	say(0, UnitStarted, foundation, "")
	say(0, StepStarted, foundation, "init")
	say(time.Second, Line, foundation, "\x1b[1mInitializing the backend...\x1b[0m")
	say(time.Second, StepStarted, foundation, "plan")
	say(time.Second, Working, foundation, "aws_vpc.main: Refreshing state... [id=vpc-1]")
	say(time.Second, Waiting, foundation, "state lock, held by ci@runner-7 since 10:14")
	say(time.Second, Waiting, foundation, "state lock, held by ci@runner-7 since 10:14")
	say(time.Second, UnitStarted, platform, "")
	say(0, Line, platform, "::set-env name=PATH::/evil")
	say(0, StepStarted, foundation, "apply")
	say(time.Second, Working, foundation, "aws_vpc.main: Creating...")
	say(3*time.Second, Working, foundation, "aws_vpc.main: Creation complete after 3s [id=vpc-1]")
	p.Event(Event{Kind: Diagnosed, UnitID: foundation, Diagnostic: &Diagnostic{Severity: "warning", Summary: "Argument is deprecated", Detail: "Use\n::error::this", File: "main.tf", Line: 3, Address: "aws_vpc.main"}})
	say(0, Working, foundation, "aws_eks_cluster.main: Still creating... [01m50s elapsed]")
	time.Sleep(45 * time.Second)
	p.Event(Event{Kind: UnitFinished, UnitID: foundation, Unit: &Unit{ID: foundation, Result: Applied, Changes: &Changes{Add: 2, Outputs: 1}, Seconds: 55}})
	p.Event(Event{Kind: UnitFinished, UnitID: platform, Unit: &Unit{ID: platform, Result: Failed, Reason: "init: no such\nmodule", Seconds: 55}})
	p.Event(Event{Kind: UnitFinished, Unit: &Unit{ID: "databases@us-east-1:staging", Result: NotRun, Reason: "platform us-east-1 failed"}})
	time.Sleep(40 * time.Second)
	p.Stop()
	say(0, Note, "", "after the end")
	p.Stop()
}

func TestPlainGolden(t *testing.T) {
	for _, vendor := range []string{"", "github", "gitlab"} {
		t.Run(vendor, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b bytes.Buffer
				tell(NewPlain(&b, PlainOptions{Groups: vendor}))
				name := "plain" + strings.TrimSuffix("_"+vendor, "_") + ".golden"
				golden(t, name, b.String())
			})
		})
	}
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		p := NewPlain(&b, PlainOptions{Heartbeat: 10 * time.Second})
		p.Start("deploy", "staging", 12)
		for i := range 8 {
			p.Event(Event{Kind: StepStarted, UnitID: fmt.Sprintf("u%d", i), Text: "apply"})
		}
		p.Event(Event{Kind: Working, UnitID: "u0", Text: "aws_eks_cluster.main: Still creating… [1m50s]"})
		time.Sleep(130 * time.Second)
		synctest.Wait()
		if n := strings.Count(b.String(), "still running"); n != 13 {
			t.Errorf("%d heartbeats in 130 seconds, want 13", n)
		}
		want := "still running (2m10s): u0 apply aws_eks_cluster.main: Still creating… [1m50s]; u1 apply; u2 apply; u3 apply; u4 apply; and 3 more; 0 of 12 done\n"
		if !strings.HasSuffix(b.String(), want) {
			t.Errorf("want at the end: %s\ngot: %s", want, b.String())
		}
		for i := range 8 {
			p.Event(Event{Kind: UnitFinished, UnitID: fmt.Sprintf("u%d", i), Unit: &Unit{Result: Applied}})
			p.Event(Event{Kind: Working, UnitID: fmt.Sprintf("u%d", i), Text: "late"})
		}
		before := b.Len()
		time.Sleep(time.Minute)
		synctest.Wait()
		if b.Len() > before {
			t.Errorf("a heartbeat although nothing runs: %s", b.String())
		}
		p.Stop()
	})
}

func TestPlainIsSafe(t *testing.T) {
	const evil = "::error::x\n::endgroup::\n::set-env name=A::1\x1b[2J ##[group]y"
	for _, vendor := range []string{"", "github"} {
		var b bytes.Buffer
		p := NewPlain(&b, PlainOptions{Groups: vendor})
		p.Start(evil, evil, 1)
		for kind := UnitStarted; kind <= Note; kind++ {
			for _, id := range []string{evil, ""} {
				p.Event(Event{Kind: kind, UnitID: id, Text: evil, Diagnostic: &Diagnostic{Summary: evil, Detail: evil, Advice: evil}, Unit: &Unit{ID: id, Reason: evil, Result: Failed}})
			}
		}
		p.Stop()
		got := b.String()
		if strings.ContainsAny(got, "\x1b\r") {
			t.Errorf("control characters came through: %q", got)
		}
		if vendor == "github" {
			if begun, ended := strings.Count("\n"+got, "\n::group::"), strings.Count(got, "\n::endgroup::\n"); begun != 1 || ended != 1 {
				t.Errorf("%d groups begin and %d end, want one", begun, ended)
			}
			got = strings.ReplaceAll(strings.ReplaceAll(got, "\n::group::", "\ngroup "), "\n::endgroup::\n", "\n")
		}
		commands(t, got)
	}
}

// What is held back of one unit has an end; the last lines are kept.
func TestGroupsAreBounded(t *testing.T) {
	var b bytes.Buffer
	p := NewPlain(&b, PlainOptions{Groups: "github"})
	for i := range 10 * heldUpTo {
		p.Event(Event{Kind: Line, UnitID: "u", Text: fmt.Sprint("line ", i)})
	}
	p.Stop()
	if got := b.String(); strings.Count(got, "\nline ") != heldUpTo || !strings.Contains(got, "… 9,000 earlier lines left out\n") || !strings.Contains(got, "line 9999\n") {
		t.Errorf("%d lines: %.200s", strings.Count(got, "\nline "), got)
	}
}

func TestProgressFromManyGoroutines(t *testing.T) {
	var b bytes.Buffer
	for name, p := range map[string]Progress{"plain": NewPlain(&b, PlainOptions{Groups: "github"}), "live": NewLive(&b, LiveOptions{}), "none": Discard{}} {
		t.Run(name, func(t *testing.T) {
			b.Reset()
			p.Start("deploy", "staging", 50)
			var all sync.WaitGroup
			for i := range 50 {
				all.Go(func() {
					id := fmt.Sprintf("unit-%02d", i)
					p.Event(Event{Kind: UnitStarted, UnitID: id})
					for n := range 20 {
						p.Event(Event{Kind: Line, UnitID: id, Text: fmt.Sprintf("%s says %d", id, n)})
						p.Event(Event{Kind: Working, UnitID: id, Text: "x: Creating..."})
					}
					p.Event(Event{Kind: UnitFinished, UnitID: id, Unit: &Unit{ID: id, Result: Applied}})
				})
			}
			all.Go(func() { time.Sleep(time.Millisecond); p.Event(Event{Kind: Note, Text: "x"}) })
			all.Wait()
			p.Stop()
			if name != "plain" {
				return
			}
			group := ""
			for line := range strings.Lines(b.String()) {
				if id, found := strings.CutPrefix(line, "::group::"); found {
					group = strings.TrimSpace(id)
				}
				if id, _, found := strings.Cut(line, " says "); found && id != group {
					t.Fatalf("a line of %s in the group of %q", id, group)
				}
			}
		})
	}
}
