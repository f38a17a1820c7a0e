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
}

// Server is a process under measurement.
type Server struct {
	Port    int
	command *exec.Cmd
	stdin   io.Closer
	stdout  *os.File
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
	stdout, output, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	command.Stdout = output
	err = cores.onServerCore(command.Start)
	_ = output.Close()
	if err != nil {
		_ = stdout.Close()
		return nil, fmt.Errorf("process: %s: %w", c.Path, err)
	}
	s := &Server{command: command, stdin: stdin, stdout: stdout}
	if err := s.listening(); err != nil {
		return nil, errors.Join(fmt.Errorf("process: %s %v does not start: %w", c.Path, c.Arguments, err), s.End())
	}
	return s, nil
}

func (s *Server) listening() error {
	if err := s.stdout.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	line, err := bufio.NewReader(s.stdout).ReadBytes('\n')
	if err != nil {
		return err
	}
	var first struct {
		Listening int `json:"listening"`
	}
	if err := json.Unmarshal(bytes.TrimSpace(line), &first); err != nil {
		return fmt.Errorf("%q: %w", line, err)
	}
	s.Port = first.Listening
	return nil
}

// Address is where the server listens.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

// End closes the input of the server and waits until it has gone.
func (s *Server) End() error {
	_ = s.stdin.Close()
	_ = s.stdout.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, s.stdout); err != nil { // its output ends with it
		_ = s.command.Process.Kill()
	}
	_ = s.stdout.Close()
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
