package scale

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// childVariable makes the test binary a server, or the clients of one. It holds a childConfig.
const childVariable = "ACTIO_SCALE_CHILD"

// childConfig says what a child is: a server if it has a Redis, else so many clients of the server at the address.
type childConfig struct {
	Redis   string `json:",omitempty"`
	Address string `json:",omitempty"`
	Clients int    `json:",omitempty"`
}

// answer is what a child says to a command, and when it begins.
type answer struct {
	Error   string `json:",omitempty"`
	Address string `json:",omitempty"` // of a server
	Text    string `json:",omitempty"` // for people
	Sockets int
	Closed  uint64 // sessions that have ended
	Memory  memory
	CPU     float64 // seconds
}

// runChild does what the test says, line by line, and ends with its standard input.
func runChild(config string) error {
	var c childConfig
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	var do func(command string) (answer, error)
	var err error
	if c.Redis != "" {
		do, err = startServer(c.Redis)
	} else {
		do = newClients(c.Address, c.Clients).do
	}
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		a, err := do(lines.Text())
		if err != nil {
			a.Error = err.Error()
		}
		a.CPU = cpuTime().Seconds()
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return nil
}

// child is a process of its own, as seen from the test.
type child struct {
	name string
	in   io.Writer
	out  *json.Decoder
}

// start starts a child. The test ends it.
func start(t *testing.T, name string, c childConfig) *child {
	t.Helper()
	config, err := json.Marshal(c)
	require.NoError(t, err)
	binary, err := os.Executable()
	require.NoError(t, err)
	command := exec.Command(binary)
	command.Env = append(os.Environ(), childVariable+"="+string(config))
	command.Stderr = os.Stderr
	in, err := command.StdinPipe() // its end ends the child, also when the test is killed
	require.NoError(t, err)
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = in.Close()
		assert.NoError(t, command.Wait(), name)
	})
	return &child{name: name, in: in, out: json.NewDecoder(out)}
}

// ask gives a command and waits for the answer.
func (c *child) ask(command string) (a answer, err error) {
	_, err = fmt.Fprintln(c.in, command)
	if err == nil {
		err = c.out.Decode(&a)
	}
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	if err != nil {
		err = fmt.Errorf("%s: %s: %w", c.name, command, err)
	}
	return a, err
}

// askAll gives a command to several children at a time and returns their answers in order.
func askAll(t *testing.T, children []*child, command string) []answer {
	t.Helper()
	answers, errs := make([]answer, len(children)), make([]error, len(children))
	var group sync.WaitGroup
	for i, c := range children {
		group.Go(func() { answers[i], errs[i] = c.ask(command) })
	}
	group.Wait()
	require.NoError(t, errors.Join(errs...))
	return answers
}
