package jsprocess

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// exitDelay is what a Node.js process gets to end after its stdin was closed, before it is killed.
const exitDelay = 5 * time.Second

// ErrEnded is the cause of every call that the end of the process cut short.
var ErrEnded = errors.New("jsprocess: the Node.js process has ended")

// scripts returns the folder of the Node.js scripts, tests/js of this repository, when everything in it can run.
func scripts() (string, error) {
	if _, err := exec.LookPath("node"); err != nil {
		return "", fmt.Errorf("jsprocess: Node.js is missing; `make test` installs it: %w", err)
	}
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("jsprocess: %w", err)
	}
	return scriptsAbove(folder)
}

func scriptsAbove(folder string) (string, error) {
	for {
		candidate := filepath.Join(folder, "tests", "js")
		if _, err := os.Stat(filepath.Join(candidate, "harness.mjs")); err == nil {
			return candidate, installed(candidate)
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("jsprocess: no tests/js/harness.mjs above the folder of the test")
		}
		folder = parent
	}
}

func installed(folder string) error {
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "socket.io-client")); err != nil {
		return fmt.Errorf("jsprocess: the npm packages of tests/js are missing; `make test` installs them: %w", err)
	}
	return nil
}

// Process is a running Node.js script. It ends when its stdin is closed. All methods are safe for concurrent use.
type Process struct {
	ended chan struct{} // closed after the process has gone and its output was read to the end
	err   error         // why, valid after ended
	stop  context.CancelFunc
	os    *os.Process

	mutex sync.Mutex // guards writes to stdin
	stdin io.WriteCloser
}

// Start runs a script of tests/js and gives each line of its stdout to onLine, one after another. The process ends
// with the test, which fails at once when the script cannot be run.
func Start(tb testing.TB, onLine func([]byte), script string, args ...string) *Process {
	tb.Helper()
	folder, err := scripts()
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	cmd := exec.CommandContext(ctx, "node", append([]string{script}, args...)...)
	cmd.Dir = folder
	stdin, err := cmd.StdinPipe()
	if err != nil {
		cancel()
		tb.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stdout = &lines{onLine: onLine}
	cmd.Stderr = &stderr
	cmd.Cancel = stdin.Close
	cmd.WaitDelay = exitDelay
	if err := cmd.Start(); err != nil {
		cancel()
		tb.Fatalf("jsprocess: node: %v", err)
	}

	p := &Process{ended: make(chan struct{}), stop: cancel, os: cmd.Process, stdin: stdin}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // the state of the process says the same, and is never nil
		p.err = fmt.Errorf("%w (%s): %s", ErrEnded, cmd.ProcessState, bytes.TrimSpace(stderr.Bytes()))
	}()
	tb.Cleanup(p.End)
	return p
}

// Ended returns a channel that is closed when the process has gone and everything it wrote was read.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Err says why the process has gone, with what it wrote to stderr. It wraps [ErrEnded] and is nil before [Process.Ended].
func (p *Process) Err() error {
	select {
	case <-p.ended:
		return p.err
	default:
		return nil
	}
}

// End closes the process's stdin and waits until it has gone.
func (p *Process) End() {
	p.stop()
	<-p.ended
}

// Signal sends a signal: os.Kill ends the process without another word.
func (p *Process) Signal(signal os.Signal) error {
	if err := p.os.Signal(signal); err != nil {
		return fmt.Errorf("jsprocess: %w", err)
	}
	return nil
}

// Send writes one line to stdin.
func (p *Process) Send(line []byte) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if _, err := p.stdin.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("jsprocess: request: %w", err)
	}
	return nil
}

// lines cuts what is written to it into lines.
type lines struct {
	onLine  func([]byte)
	started []byte // a line whose end has not come yet
}

// Write never fails.
func (l *lines) Write(data []byte) (int, error) {
	l.started = append(l.started, data...)
	for {
		line, rest, found := bytes.Cut(l.started, []byte{'\n'})
		if !found {
			break
		}
		l.onLine(line)
		l.started = rest
	}
	return len(data), nil
}
