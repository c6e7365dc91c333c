package report

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/strata-tf/strata/internal/finding"
)

func markdownOf(t *testing.T, run *Run, limit int) string {
	t.Helper()
	return render(t, func(b *bytes.Buffer) error { return Markdown(b, run, limit) })
}

func TestMarkdownGolden(t *testing.T) {
	tests := []struct {
		name  string
		run   *Run
		limit int
	}{
		{"markdown_deploy.golden.md", deployed(), 0},
		{"markdown_plan.golden.md", planned(), 0},
		{"markdown_plan_short.golden.md", planned(), 3000},
		{"markdown_many.golden.md", many(1000), 0},
		{"markdown_compact.golden.md", many(5000), 4000},
		{"markdown_hostile.golden.md", hostile(), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { golden(t, test.name, markdownOf(t, test.run, test.limit)) })
	}
}

// sound fails where Markdown is too long, is not text or leaves a block open.
func sound(t *testing.T, text string, limit int) {
	t.Helper()
	if len(text) >= limit {
		t.Errorf("%d bytes, the limit is %d", len(text), limit)
	}
	if !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\x00\r") {
		t.Error("not valid text")
	}
	commands(t, text)
	fence := ""
	details := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		marks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fence == "" && len(marks) >= 3:
			fence = marks
		case fence != "" && len(marks) >= len(fence) && line == marks:
			fence = ""
		case fence == "":
			details += strings.Count(line, "<details") - strings.Count(line, "</details>")
		}
	}
	if fence != "" || details != 0 {
		t.Errorf("a block is left open: fence %q, %d details", fence, details)
	}
}

func TestMarkdownHoldsAnyLimit(t *testing.T) {
	runs := map[string]*Run{"deploy": deployed(), "plan": planned(), "many": many(300), "hostile": hostile(), "drift": drifting(), "drifts": drifts(300), "hostile drift": hostileDrift(), "empty": {}, "checks": gated(), "scan": scanned(300), "hostile checks": hostileChecks()}
	for name, run := range runs {
		for limit := 1; limit < 20000; limit += 1 + limit/7 {
			t.Run(fmt.Sprint(name, limit), func(t *testing.T) { sound(t, markdownOf(t, run, limit), limit) })
		}
	}
}

// Whatever the run: below the limit, and no unit of 300 that is not unchanged
// is lost in a comment.
func TestMarkdownOfAnyRun(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 12 {
		run := anyRun(random, 1+random.IntN(300))
		limit := CommentLimit + random.IntN(2)*random.IntN(1_000_000)
		got := markdownOf(t, run, limit)
		sound(t, got, limit)
		for n := range run.Units {
			if u := &run.Units[n]; u.Result != Unchanged && u.Result != InSync && !strings.Contains(got, u.ID) {
				t.Fatalf("run %d of %d units: %s (%s) is lost", i, len(run.Units), u.ID, u.Result)
			}
		}
		if again := markdownOf(t, run, limit); again != got {
			t.Fatalf("run %d is not rendered the same twice", i)
		}
		if table := tableOf(t, run, TableOptions{Width: random.IntN(200)}); strings.ContainsRune(table, 0x1b) {
			t.Fatalf("run %d: an escape in the table", i)
		}
		if t.Failed() {
			t.Fatalf("run %d of %d units, limit %d", i, len(run.Units), limit)
		}
	}
}

func TestMarkdownOfFiveThousand(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	run := anyRun(random, 5000)
	run.Verb = "plan"
	for i := range run.Units {
		run.Units[i].Result = Applied
		run.Units[i].Changes = &Changes{Add: 1}
	}
	run.Units[4999].Result = Failed
	got := markdownOf(t, run, 0)
	sound(t, got, CommentLimit)
	if !strings.Contains(got, run.Units[4999].ID) {
		t.Error("the one that failed is lost")
	}
	listed := strings.Count(got, "\napplied ") + strings.Count(got, "\nfailed ")
	if want := fmt.Sprintf("Further %s units, together `+%d ~0 -/+0 -0`", thousands(5000-listed), 5000-listed); !strings.Contains(got, want) {
		t.Errorf("the counts of those not listed are lost: want %q in …%s", want, got[len(got)-300:])
	}
}

// One huge plan must not push out what failed.
func TestMarkdownKeepsWhatFailed(t *testing.T) {
	run := deployed()
	huge := planned().Units[0]
	huge.ID, huge.Diff = "a-huge@r:e", strings.Repeat("  + x = 1\n", 20000)
	run.Units = append([]Unit{huge}, run.Units...)
	got := markdownOf(t, run, 0)
	sound(t, got, CommentLimit)
	for _, want := range []string{"is not authorized", "The details of 1 unit are shortened", "`out/run.json`", `aws_vpc.main`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// Where there is room for few details, they are those of what failed.
func TestMarkdownShowsWhatFailedFirst(t *testing.T) {
	run := &Run{Verb: "deploy", Environment: "staging"}
	for i := range 40 {
		u := Unit{ID: fmt.Sprintf("u%02d@r:e", i), Result: Applied, Resources: []Resource{{Address: strings.Repeat("x", 300), Action: "create"}}}
		if i > 35 {
			u.Result, u.Diagnostics = Failed, []Diagnostic{{Severity: "error", Summary: fmt.Sprintf("broken in %d", i)}}
		}
		run.Units = append(run.Units, u)
	}
	got := markdownOf(t, run, 6000)
	sound(t, got, 6000)
	if n := strings.Count(got, "**Error:** broken in"); n != 4 {
		t.Errorf("the details of %d of 4 failed units are shown", n)
	}
	if !strings.Contains(got, "no room for the details of") {
		t.Error("nothing was left out: the test proves nothing")
	}
}

// Where there is room for one unit in full, it is one that failed, though a
// smaller one came out well.
func TestMarkdownTellsMoreOfWhatFailed(t *testing.T) {
	unit := func(id string, result Result, size int) Unit {
		return Unit{ID: id, Result: result, Resources: []Resource{{Address: "a.b", Action: "update", Attributes: []Attribute{{Path: id + "-attribute", Unknown: true}}}}, Diff: strings.Repeat(id, size)}
	}
	run := &Run{Units: []Unit{unit("fine", Applied, 200), unit("broken", Failed, 300)}}
	one := false
	for limit := 1000; limit < 8000; limit += 50 {
		got := markdownOf(t, run, limit)
		fine, broken := strings.Contains(got, "fine-attribute"), strings.Contains(got, "broken-attribute")
		one = one || broken && !fine
	}
	if !one {
		t.Error("no limit has room for the failed one alone")
	}
}

func TestMarkdownNotifiesNobody(t *testing.T) {
	got := mdText("ask @octocat, a@b or _@strata-tf/ops about #12: a|b <b> `x|` *y* \\")
	want := `ask @&#8203;octocat, a@b or \_@strata-tf/ops about #&#8203;12: a&#124;b &#60;b&#62; <code>x&#124;</code> \*y\* &#92;`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// anyRun is a run of n units at random, with texts of every kind and size.
func anyRun(random *rand.Rand, n int) *Run {
	pieces := []string{"aws_vpc.main", "|", "`", "```", "\n", "\x1b[31m", "</details>", "é", "日本", "::error::", " ", "word ", "\xff", "@who", "#1", "\\", "*", "_"}
	text := func(size int) string {
		var b strings.Builder
		for range random.IntN(size + 1) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	results := resultOrder()
	run := &Run{Verb: []string{"plan", "drift"}[random.IntN(2)], Environment: text(3), Commit: text(3), Result: Failed, Error: text(random.IntN(2) * 2000), Logs: text(20), Seconds: random.Float64() * 10000}
	for range random.IntN(50) {
		run.Warnings = append(run.Warnings, text(100))
	}
	for range random.IntN(4) {
		c := Check{Tool: text(3), Version: text(2), Mode: []string{"enforce", "warn"}[random.IntN(2)], Unknown: []string{"deny", "warn"}[random.IntN(2)], Below: random.IntN(3), Cached: random.IntN(2) == 0}
		for range random.IntN(3) * random.IntN(2) {
			c.Errors = append(c.Errors, text(100))
		}
		for range random.IntN(3) * random.IntN(n+20) {
			f := finding.Finding{Tool: c.Tool, Rule: text(3), Severity: finding.SeverityOf([]string{"critical", "high", "medium", "low", "info"}[random.IntN(5)]), Title: text(20), Help: text(10), Resource: text(10)}
			if random.IntN(2) == 0 {
				f.Unit = text(5)
			} else {
				f.File, f.Line, f.Units = text(5), random.IntN(3), []string{text(3), text(3)}
			}
			switch random.IntN(4) {
			case 0:
				c.Known = append(c.Known, f)
			case 1:
				c.Undetermined = append(c.Undetermined, f)
			default:
				c.Findings = append(c.Findings, f)
			}
		}
		run.Checks = append(run.Checks, c)
	}
	for i := range n {
		u := Unit{ID: fmt.Sprintf("clients/%s-%04d@us-east-1:staging", strings.Repeat("c", random.IntN(60)), i), Result: results[random.IntN(len(results))], Reason: text(random.IntN(60)), Seconds: random.Float64() * 1000}
		if random.IntN(4) > 0 {
			u.Changes = &Changes{Add: random.IntN(1000), Change: random.IntN(20), Replace: random.IntN(20), Destroy: random.IntN(20), Import: random.IntN(2), Move: random.IntN(2), Forget: random.IntN(2), Outputs: random.IntN(3)}
		}
		for range random.IntN(5) {
			r := Resource{Address: text(10), Action: text(2), Reason: text(5)}
			for range random.IntN(8) {
				r.Attributes = append(r.Attributes, Attribute{Path: text(3), Before: raw(`"x|` + "`" + `"`), After: raw(text(10)), Unknown: random.IntN(9) == 0, Sensitive: random.IntN(9) == 0})
			}
			u.Resources = append(u.Resources, r)
		}
		for range random.IntN(3) {
			u.Diagnostics = append(u.Diagnostics, Diagnostic{Severity: []string{"error", "warning"}[random.IntN(2)], Summary: text(20), Detail: text(200), File: text(3), Advice: text(10), Address: text(4)})
			u.Orphans = append(u.Orphans, text(5))
		}
		for range random.IntN(4) * random.IntN(2) * random.IntN(2) {
			d := Difference{Address: text(10), Action: []string{"changed", "deleted", text(2)}[random.IntN(3)], Severity: []string{"high", "medium", "low", text(2)}[random.IntN(4)], Why: text(10)}
			for range random.IntN(4) {
				d.Attributes = append(d.Attributes, Attribute{Path: text(3), Before: raw(text(10)), After: raw(`"|"`), Sensitive: random.IntN(9) == 0})
			}
			if random.IntN(2) == 0 {
				u.Drift = append(u.Drift, d)
			} else {
				u.Ignored = append(u.Ignored, d)
			}
			run.Gone = append(run.Gone, Vanished{Unit: u.ID, Address: text(10), Path: text(3)})
		}
		if random.IntN(10) == 0 {
			u.Diff = text(random.IntN(10000))
		}
		run.Units = append(run.Units, u)
	}
	return run
}
