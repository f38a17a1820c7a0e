package redisproc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait.
const patience = 60 * time.Second

// process is a running redis-server.
type process struct {
	command *exec.Cmd
	ended   chan struct{} // closed when it has ended
}

// launch starts redis-server with its output appended to a log.
func launch(folder, log string, arguments []string) (*process, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("redisproc: `make install` installs what is missing: %w", err)
	}
	output, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = output.Close() }()
	p := &process{command: exec.Command(program, arguments...), ended: make(chan struct{})}
	p.command.Dir = folder
	p.command.Stdout, p.command.Stderr = output, output
	p.command.SysProcAttr = dieWithParent()
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.command.Wait() // it is killed
		close(p.ended)
	}()
	return p, nil
}

func (p *process) signal(s syscall.Signal) { _ = p.command.Process.Signal(s) }

// kill returns when the process is gone.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// poll calls a function until it returns nil, and fails the test when that takes too long. Redis sends no signal that could be
// waited for.
func poll(tb testing.TB, what string, f func(ctx context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := pollUntil(ctx, f); err != nil {
		tb.Fatalf("redisproc: %s: %v", what, err)
	}
}

func pollUntil(ctx context.Context, f func(ctx context.Context) error) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := f(attempt)
		cancel()
		var final *finalError
		if err == nil || errors.As(err, &final) {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return err
		}
	}
}

// finalError ends a poll.
type finalError struct{ error }

// logs shows the end of the logs of a test that has failed.
type logs struct {
	mutex sync.Mutex
	files []string
}

func (l *logs) show(tb testing.TB) {
	tb.Helper()
	if !tb.Failed() {
		return
	}
	const most = 3000
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, file := range l.files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if len(text) > most {
			text = text[len(text)-most:]
			text = text[bytes.IndexByte(text, '\n')+1:]
		}
		tb.Logf("%s:\n%s", filepath.Base(file), text)
	}
}
