package outage

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/rawclient"
)

// childVariable makes the test binary an instance of its own, which can be killed. It holds a childConfig.
const childVariable = "ACTIO_OUTAGE_INSTANCE"

type childConfig struct {
	Redis   string
	Adapter actio.Adapter
}

// childHello is what the child says when it serves.
type childHello struct{ Address, ID string }

// serveChild is the child. It ends with its standard input.
func serveChild(config string) error {
	var c childConfig
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{Addr: c.Redis})
	server, err := newServer(actio.Options{Redis: actio.RedisOptions{Client: client, Adapter: c.Adapter}})
	if err != nil {
		return err
	}
	if err := server.Configure(context.Background()); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(listener, server) }()
	hello, err := json.Marshal(childHello{listener.Addr().String(), server.ID()})
	if err != nil {
		return err
	}
	fmt.Println(string(hello))
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
	}
	return server.Shutdown(context.Background())
}

// child is an instance in a process of its own.
type child struct {
	childHello

	process *os.Process
	ended   chan struct{}
}

// startChild starts an instance in a process of its own. The test kills it.
func startChild(t *testing.T, redisAddress string, adapter actio.Adapter) *child {
	t.Helper()
	config, err := json.Marshal(childConfig{redisAddress, adapter})
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
	c := &child{process: command.Process, ended: make(chan struct{})}
	lines := bufio.NewScanner(out)
	said := lines.Scan()
	go func() {
		defer close(c.ended)
		_ = command.Wait() // it is killed
		_ = in.Close()
	}()
	t.Cleanup(c.kill)
	require.True(t, said, "the instance does not start")
	require.NoError(t, json.Unmarshal(lines.Bytes(), &c.childHello))
	return c
}

// kill ends the instance by SIGKILL and returns when it is gone. Idempotent.
func (c *child) kill() {
	_ = c.process.Signal(syscall.SIGKILL)
	<-c.ended
}

// dial connects clients to the instance, which the test closes, and returns their ids.
func (c *child) dial(t *testing.T, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		client, err := rawclient.Dial(c.Address, rawclient.Options{})
		require.NoError(t, err)
		t.Cleanup(client.Close)
		ids[i], err = client.Join("/", nil)
		require.NoError(t, err)
	}
	assert.NotContains(t, ids, "")
	return ids
}
