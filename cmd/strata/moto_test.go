package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// moto is the AWS API server that the tests share; it is started by the first
// one that needs it.
var moto motoServer

type motoServer struct {
	once sync.Once
	cmd  *exec.Cmd
	url  string
	err  error
}

// start returns the server's address. A test that cannot have one is skipped.
func (m *motoServer) start(t *testing.T) (url string) {
	t.Helper()
	binary, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("needs moto_server on PATH (pip install 'moto[server]')")
	}
	m.once.Do(func() { m.err = m.launch(binary) })
	if m.err != nil {
		t.Fatalf("moto_server: %v", m.err)
	}
	return m.url
}

func (m *motoServer) launch(binary string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().(*net.TCPAddr)
	if err := listener.Close(); err != nil {
		return err
	}
	m.url = "http://" + address.String()
	m.cmd = exec.Command(binary, "-H", "127.0.0.1", "-p", fmt.Sprint(address.Port))
	m.cmd.Stdout, m.cmd.Stderr = nil, nil
	detach(m.cmd)
	if err := m.cmd.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url+"/moto-api/data.json", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			return response.Body.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it does not answer on %s", m.url)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (m *motoServer) stop() {
	if m.cmd != nil && m.cmd.Process != nil {
		_ = m.cmd.Process.Signal(os.Interrupt)
		timer := time.AfterFunc(5*time.Second, func() { _ = m.cmd.Process.Kill() })
		_ = m.cmd.Wait()
		timer.Stop()
	}
}
