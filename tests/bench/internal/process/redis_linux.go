package process

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"syscall"
	"time"
)

// Redis is a redis-server that keeps nothing.
type Redis struct {
	Address string
	command *exec.Cmd
}

// StartRedis starts one on a free port, with its files in a folder, and waits until it answers.
func StartRedis(folder string) (*Redis, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("process: redis-server: %w", err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("process: redis-server: %w", err)
	}
	command := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	r := &Redis{Address: address, command: command}
	if err := r.answers(); err != nil {
		r.End()
		return nil, err
	}
	return r, nil
}

// answers asks until there is an answer.
func (r *Redis) answers() error {
	for end := time.Now().Add(patience); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		if ping(r.Address) == nil {
			return nil
		}
	}
	return errors.New("process: redis-server does not answer")
}

func ping(address string) error {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it was only to ask
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	answer := make([]byte, 7)
	_, err = conn.Read(answer)
	return err
}

// End kills it.
func (r *Redis) End() {
	_ = r.command.Process.Kill()
	_ = r.command.Wait()
}
