package scan

import (
	"net"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
)

// TestOffline runs the tools on code that names modules elsewhere, with a proxy
// that nobody may ask.
func TestOffline(t *testing.T) {
	if testing.Short() {
		t.Skip("real tools are slow")
	}
	root, err := filepath.Abs(filepath.Join("testdata", "remote"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"checkov", "tfsec", "trivy"} {
		t.Run(name, func(t *testing.T) {
			binary := find(t, scanner(t, name))
			var asked atomic.Int32
			proxy := listen(t, &asked)
			for _, variable := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
				t.Setenv(variable, proxy)
			}
			t.Setenv("NO_PROXY", "")
			t.Setenv("no_proxy", "")
			o := Options{Root: filepath.ToSlash(root), Cache: filepath.Join(t.TempDir(), "none")}
			report, err := scanner(t, name).Read(o, sample{tool: name}.runIn(t, binary, root, o))
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Findings) == 0 {
				t.Error("it found nothing")
			}
			if n := asked.Load(); n > 0 {
				t.Errorf("it asked the network %d times", n)
			}
			if name != "checkov" {
				return
			}
			// Left to itself it asks: otherwise nothing was shown.
			s := scanner(t, name)
			args := slices.DeleteFunc(s.Args(o), func(arg string) bool { return arg == "--skip-download" })
			s.Args = func(Options) []string { return args }
			run(t, s, binary, root, o)
			if asked.Load() == 0 {
				t.Error("the proxy hears nothing")
			}
		})
	}
}

// listen is a proxy that hangs up.
func listen(t *testing.T, asked *atomic.Int32) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			_ = conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}
