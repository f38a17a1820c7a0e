package redisbench

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio"
)

// childVariable makes the test binary an instance of actio: the address of Redis and the name of the adapter.
const childVariable = "ACTIO_REDISBENCH_SERVER"

func TestMain(m *testing.M) {
	if config := os.Getenv(childVariable); config != "" {
		if err := serve(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// alone is no adapter: one instance that knows no Redis.
const alone = "alone"

// serve is the child: it prints its address and ends with its standard input.
func serve(config string) error {
	address, adapter, _ := strings.Cut(config, " ")
	var o actio.RedisOptions
	if adapter != alone {
		o.Client = redis.NewClient(&redis.Options{Addr: address})
	}
	if adapter == "sharded" {
		o.Adapter = actio.ShardedAdapter
	}
	server, err := actio.New(actio.Options{NoAuthentication: true, Redis: o})
	if err != nil {
		return err
	}
	err = server.Root().Handle("cast", func(_ context.Context, _ *actio.Socket, e *actio.Event) {
		var n int
		var text string
		if e.Args.Decode(0, &n) != nil || e.Args.Decode(1, &text) != nil {
			return
		}
		for i := range n {
			_ = server.Emit("news", i, text)
		}
	})
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
	fmt.Println(listener.Addr())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
	}
	return server.Shutdown(context.Background())
}

//go:embed server.mjs
var script string

// program is what is measured.
type program string

const (
	goProgram   program = "actio"
	nodeProgram program = "node"
)

func (p program) command(tb testing.TB, redisAddress, adapter string) *exec.Cmd {
	tb.Helper()
	if p == nodeProgram {
		command := exec.Command("node", "--input-type=module", "--eval", script, redisAddress, adapter)
		folder, err := filepath.Abs("../js")
		require.NoError(tb, err)
		command.Dir = folder
		command.Env = append(os.Environ(), "NODE_ENV=production")
		return command
	}
	binary, err := os.Executable()
	require.NoError(tb, err)
	command := exec.Command(binary)
	command.Env = append(os.Environ(), childVariable+"="+redisAddress+" "+adapter)
	return command
}

// server is an instance in a process of its own.
type server struct {
	address string
	pid     int
}

// start starts an instance, which ends with the test.
func (p program) start(tb testing.TB, redisAddress, adapter string) *server {
	tb.Helper()
	command := p.command(tb, redisAddress, adapter)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	require.NoError(tb, err)
	out, err := command.StdoutPipe()
	require.NoError(tb, err)
	require.NoError(tb, command.Start())
	tb.Cleanup(func() {
		_ = in.Close()
		require.NoError(tb, command.Wait())
	})
	lines := bufio.NewScanner(out)
	require.True(tb, lines.Scan(), "the server does not start")
	return &server{address: lines.Text(), pid: command.Process.Pid}
}

// cpu is the CPU time that the process has used so far.
func (s *server) cpu(tb testing.TB) time.Duration {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
	require.NoError(tb, err)
	// The name of the program, in parentheses, may hold anything.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const user, system, tick = 11, 12, 10 * time.Millisecond // USER_HZ is 100 on every Linux
	var ticks int64
	for _, f := range []int{user, system} {
		n, err := strconv.ParseInt(fields[f], 10, 64)
		require.NoError(tb, err)
		ticks += n
	}
	return time.Duration(ticks) * tick
}
