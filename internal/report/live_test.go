package report

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// screen is a small terminal: it understands what the live display writes, and
// fails on anything else.
type screen struct {
	t             *testing.T
	width, height int
	rows          [][]rune
	x, y          int
	bottom        int // the row of the last line end
	hidden, clips bool
	writes        int
	mu            sync.Mutex
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	text := string(p)
	for text != "" {
		if rest, found := strings.CutPrefix(text, "\x1b["); found {
			end := strings.IndexAny(rest, "AKmhl")
			s.obey(rest[:end], rest[end])
			text = rest[end+1:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		for len(s.rows) <= s.y {
			s.rows = append(s.rows, nil)
		}
		switch {
		case r == '\r':
			s.x = 0
		case r == '\n':
			s.y++
			s.bottom = s.y
		case r < ' ':
			s.t.Errorf("control character %q", r)
		default:
			for w := columns().RuneWidth(r); w > 0; w-- {
				for len(s.rows[s.y]) <= s.x {
					s.rows[s.y] = append(s.rows[s.y], ' ')
				}
				s.rows[s.y][s.x] = r
				s.x++
				r = -1 // the second column of a wide one
			}
		}
	}
	return len(p), nil
}

func (s *screen) obey(argument string, command byte) {
	for len(s.rows) <= s.y {
		s.rows = append(s.rows, nil)
	}
	switch command {
	case 'A':
		s.y--
		if s.bottom-s.y >= s.height {
			s.t.Errorf("the display is %d rows high, the terminal has %d", s.bottom-s.y, s.height)
		}
	case 'K':
		s.rows[s.y] = nil
	case 'h', 'l':
		switch argument {
		case "?25":
			s.hidden = command == 'l'
		case "?7":
			s.clips = command == 'l'
		default:
			s.t.Errorf("unknown mode %q", argument)
		}
	}
}

func (s *screen) frames() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func (s *screen) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, row := range s.rows {
		var b strings.Builder
		for _, r := range row {
			if r >= 0 {
				b.WriteRune(r)
			}
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func (s *screen) options() LiveOptions {
	return LiveOptions{Width: func() int { return s.width }, Height: func() int { return s.height }}
}

func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{t: t, width: 60, height: 24}
		p := NewLive(s, s.options())
		p.Start("deploy", "staging", 3)
		p.Event(Event{Kind: UnitStarted, UnitID: "foundation@us-east-1:staging"})
		p.Event(Event{Kind: StepStarted, UnitID: "foundation@us-east-1:staging", Text: "apply"})
		p.Event(Event{Kind: Working, UnitID: "foundation@us-east-1:staging", Text: "aws_vpc.日本語日本語: Creating..."})
		time.Sleep(65 * time.Second)
		p.Event(Event{Kind: UnitStarted, UnitID: "platform@us-east-1:staging"})
		p.Event(Event{Kind: Waiting, UnitID: "platform@us-east-1:staging", Text: "state lock held by ops"})
		time.Sleep(time.Second)
		synctest.Wait()
		want := []string{
			"deploy staging · 0/3 done · 2 running · 1m06s",
			" 1m06s  foundation@us-east-1:staging  apply aws_vpc.日本語…",
			"    1s  platform@us-east-1:staging    waiting: state lock …",
		}
		if got := s.lines(); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("on the screen:\n%s", strings.Join(got, "\n"))
		}
		if !s.hidden {
			t.Error("the cursor is not hidden")
		}
		p.Event(Event{Kind: UnitFinished, UnitID: "foundation@us-east-1:staging", Unit: &Unit{Result: Applied, Changes: &Changes{Add: 4}, Seconds: 66}})
		p.Event(Event{Kind: UnitFinished, UnitID: "platform@us-east-1:staging", Unit: &Unit{Result: Failed, Reason: "no"}})
		time.Sleep(time.Second)
		synctest.Wait()
		done := []string{"foundation@us-east-1:staging  applied +4 ~0 -/+0 -0 in 1m06s", "platform@us-east-1:staging  failed: no"}
		want = append(done[:2:2], "deploy staging · 2/3 done · 1 failed · 1m07s")
		if got := s.lines(); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("on the screen:\n%s", strings.Join(got, "\n"))
		}
		p.Event(Event{Kind: Note, Text: "the last word"})
		p.Stop()
		p.Stop()
		p.Event(Event{Kind: Note, Text: "after the end"})
		want = append(done, "the last word")
		if got := s.lines(); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("left on the screen:\n%s", strings.Join(got, "\n"))
		}
		if s.hidden || s.clips || s.x != 0 {
			t.Error("the cursor is not put back")
		}
	})
}

func TestLiveFitsTheTerminal(t *testing.T) {
	for _, size := range [][2]int{{80, 10}, {20, 3}, {5, 2}, {1, 1}, {0, 0}} {
		synctest.Test(t, func(t *testing.T) {
			s := &screen{t: t, width: size[0], height: size[1]}
			p := NewLive(s, s.options())
			if s.height == 0 { // not known: a usual one is assumed
				s.t, s.height = t, 24
				p = NewLive(s, LiveOptions{})
			}
			p.Start("deploy", "staging", 100)
			for i := range 40 {
				p.Event(Event{Kind: StepStarted, UnitID: fmt.Sprintf("clients/client-%d@us-east-1:staging", i), Text: strings.Repeat("日", 60)})
				time.Sleep(150 * time.Millisecond)
				synctest.Wait()
				for _, line := range s.lines() {
					if w := columns().StringWidth(line); s.width > 0 && w >= s.width {
						t.Fatalf("%d columns of %d: %q", w, s.width, line)
					}
				}
				if n := len(s.lines()); n >= s.height {
					t.Fatalf("%d lines in %d rows", n, s.height)
				}
			}
			if size[1] == 10 {
				if got := s.lines(); got[len(got)-1] != "        … and 33 more running" {
					t.Errorf("the last line is %q", got[len(got)-1])
				}
			}
			p.Stop()
			if got := s.lines(); len(got) > 0 {
				t.Errorf("left behind: %q", got)
			}
		})
	}
}

// Terminals wrap what is on the screen when they are made narrower.
func TestLiveOnANarrowedTerminal(t *testing.T) {
	width := 100
	l := &live{opts: LiveOptions{Width: func() int { return width }}}
	var b strings.Builder
	l.paint(&b, []string{strings.Repeat("x", 90), strings.Repeat("y", 40)})
	width = 50
	b.Reset()
	l.paint(&b, []string{"z"})
	if n := strings.Count(b.String(), upOneRow); n != 3 {
		t.Errorf("%d rows are erased, want 3: two lines, one of them wrapped", n)
	}
}

func TestLiveDrawsAtMostTenTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{t: t, width: 80, height: 24}
		p := NewLive(s, s.options())
		p.Start("deploy", "staging", 1)
		var busy sync.WaitGroup
		busy.Go(func() {
			for i := range 5000 {
				p.Event(Event{Kind: Working, UnitID: "u", Text: fmt.Sprint(i)})
				time.Sleep(time.Millisecond)
			}
		})
		busy.Wait()
		synctest.Wait()
		writes := s.frames()
		if writes > 52 {
			t.Errorf("%d writes in five seconds", writes)
		}
		time.Sleep(10*time.Second + time.Millisecond)
		synctest.Wait()
		if idle := s.frames() - writes; idle > 21 { // the run's time and the unit's change at moments of their own
			t.Errorf("%d writes in ten seconds in which only the time changes", idle)
		}
		p.Stop()
	})
}

func TestLiveIsSafe(t *testing.T) {
	const evil = "::error::x\r\n\x1b[2J\x1b]0;t\x07\u009b1m"
	var b bytes.Buffer
	p := NewLive(&b, LiveOptions{})
	p.Start(evil, evil, 1)
	for kind := UnitStarted; kind <= Note; kind++ {
		p.Event(Event{Kind: kind, UnitID: evil, Text: evil, Diagnostic: &Diagnostic{Severity: "error", Summary: evil}, Unit: &Unit{ID: evil, Reason: evil, Result: Result(evil)}})
	}
	p.(*live).draw()
	p.Stop()
	got := b.String()
	for _, own := range []string{hideCursor, showCursor, clipLines, wrapLines, eraseRow, upOneRow} {
		got = strings.ReplaceAll(got, own, "")
	}
	if strings.ContainsAny(got, "\x1b\x07") || strings.ContainsRune(got, '\u009b') {
		t.Errorf("control characters came through: %q", got)
	}
}
