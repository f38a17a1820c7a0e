package process

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// patience is how long a process may take to start, or to end before it is killed.
const patience = 30 * time.Second

// Command is a server to start. It says in its first line of output, as JSON, where it listens, and ends with its input.
type Command struct {
	Path        string
	Arguments   []string
	Folder      string   // where it runs; here if empty
	Environment []string // on top of that of this process
	Log         *os.File // where its standard error goes; nowhere if nil

	// Listening, if not nil, makes it another kind of program: it logs JSON to its standard error, finds the port in one of these
	// lines, 0 in others, and ends by SIGTERM.
	Listening func(line []byte) (port int)
}

// Server is a process under measurement.
type Server struct {
	Port    int
	command *exec.Cmd
	stdin   io.WriteCloser
	output  *os.File      // where it says that it listens
	lines   *bufio.Reader // of that

	signalled bool // ended by a signal
}

// Start starts a server on its core and waits until it listens.
func Start(cores Cores, c Command) (*Server, error) {
	command := exec.Command(c.Path, c.Arguments...)
	command.Dir = c.Folder
	command.Env = append(os.Environ(), c.Environment...)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt from the keyboard is the benchmark's to handle
	if c.Log != nil {
		command.Stderr = c.Log
	}
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	output, input, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	if c.Listening == nil {
		command.Stdout = input
	} else {
		command.Stderr = input
	}
	err = cores.onServerCore(command.Start)
	_ = input.Close()
	if err != nil {
		_ = output.Close()
		return nil, fmt.Errorf("process: %s: %w", c.Path, err)
	}
	s := &Server{command: command, stdin: stdin, output: output, lines: bufio.NewReader(output), signalled: c.Listening != nil}
	if s.Port, err = s.listening(c.Listening); err != nil {
		return nil, errors.Join(fmt.Errorf("process: %s %v does not start: %w", c.Path, c.Arguments, err), s.End())
	}
	return s, nil
}

// listening returns the port that the server says it listens on.
func (s *Server) listening(find func(line []byte) int) (port int, err error) {
	for {
		line, err := s.line()
		if err != nil {
			return 0, err
		}
		if find == nil {
			return portIn(line)
		}
		if port := find(line); port > 0 {
			return port, nil
		}
	}
}

func portIn(line []byte) (int, error) {
	var first struct {
		Listening int `json:"listening"`
	}
	if err := json.Unmarshal(bytes.TrimSpace(line), &first); err != nil {
		return 0, fmt.Errorf("%q: %w", line, err)
	}
	return first.Listening, nil
}

// line reads what the server says.
func (s *Server) line() ([]byte, error) {
	if err := s.output.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	return s.lines.ReadBytes('\n')
}

// Order has a server do something and waits until it has: a line to its input that it answers with one.
func (s *Server) Order(order string) error {
	if _, err := fmt.Fprintln(s.stdin, order); err != nil {
		return fmt.Errorf("process: %s: %w", order, err)
	}
	if _, err := s.line(); err != nil {
		return fmt.Errorf("process: %s: %w", order, err)
	}
	return nil
}

// Address is where the server listens.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

// End closes the input of the server, or signals it, and waits until it has gone.
func (s *Server) End() error {
	_ = s.stdin.Close()
	if s.signalled {
		_ = s.command.Process.Signal(syscall.SIGTERM)
	}
	_ = s.output.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, s.lines); err != nil { // its output ends with it
		_ = s.command.Process.Kill()
	}
	_ = s.output.Close()
	if err := s.command.Wait(); err != nil {
		return fmt.Errorf("process: %w", err)
	}
	return nil
}

// Kill ends the server at once, for when nothing is to be learnt from its end any more.
func (s *Server) Kill() {
	_ = s.command.Process.Kill()
	_ = s.End()
}
