package recovery

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
)

// childVariable makes the test binary an instance of its own, which can be killed. It holds the address of Redis.
const childVariable = "ACTIO_RECOVERY_INSTANCE"

// onStreams are the options of instances that keep sessions in Redis, under the path of Node.js.
func onStreams(client redis.UniversalClient) actio.Options {
	return actio.Options{
		Redis: actio.RedisOptions{Client: client, Adapter: actio.StreamsAdapter}, NoAuthentication: true, DefaultRooms: []string{},
		Recovery: actio.RecoveryOptions{Enabled: true, MaxDisconnectionDuration: time.Minute},
		Engine:   actio.EngineOptions{Path: "/socket.io"},
	}
}

// serveChild is the child. It ends with its standard input.
func serveChild(redisAddress string) error {
	server, err := actio.New(onStreams(redis.NewClient(&redis.Options{Addr: redisAddress})))
	if err != nil {
		return err
	}
	server.Root().OnConnection(func(ctx context.Context, socket *actio.Socket) {
		if socket.Recovered() {
			return
		}
		if err := socket.Join(ctx, "r"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		fmt.Println("joined")
	})
	if err := server.Configure(context.Background()); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(listener, server) }()
	fmt.Println(listener.Addr())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return server.Shutdown(ctx)
}

// child is an instance in a process of its own.
type child struct {
	at      string // its address
	command *exec.Cmd
	farther func() error // ends its standard input
	joined  chan struct{}
	ended   chan struct{}
	outcome error // set when ended is closed
}

// startChild starts an instance in a process of its own. The test kills it.
func startChild(t *testing.T, redisAddress string) *child {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	c := &child{command: exec.Command(binary), joined: make(chan struct{}, 100), ended: make(chan struct{})}
	c.command.Env = append(os.Environ(), childVariable+"="+redisAddress)
	c.command.Stderr = os.Stderr
	in, err := c.command.StdinPipe() // its end ends the child, also when the test is killed
	require.NoError(t, err)
	c.farther = in.Close
	out, err := c.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.command.Start())
	lines := bufio.NewScanner(out)
	said := lines.Scan()
	c.at = strings.TrimSpace(lines.Text())
	go func() {
		defer close(c.ended)
		for lines.Scan() {
			c.joined <- struct{}{}
		}
		c.outcome = c.command.Wait()
	}()
	t.Cleanup(func() { c.kill(t) })
	require.True(t, said, "the instance does not start")
	return c
}

func (c *child) address() string { return c.at }

func (c *child) entered(t *testing.T) {
	t.Helper()
	await.Value(t, c.joined)
}

// kill ends the instance by SIGKILL and returns when it is gone. Idempotent.
func (c *child) kill(t *testing.T) {
	t.Helper()
	_ = c.command.Process.Signal(syscall.SIGKILL)
	await.Value(t, c.ended)
}

// stop ends the instance in good order.
func (c *child) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, c.farther())
	await.Value(t, c.ended)
	assert.NoError(t, c.outcome)
}
