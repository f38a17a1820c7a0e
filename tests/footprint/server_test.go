package footprint

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio"
)

// childVariable makes the test binary the server under measurement.
const childVariable = "ACTIO_FOOTPRINT_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// serve is the child: it prints its address, then answers one number to each line of its standard input, and ends with it.
func serve() error {
	server, err := actio.New(actio.Options{
		Authenticate: actio.AuthenticateFunc(func(context.Context, actio.Handshake) (bool, error) { return true, nil }),
	})
	if err != nil {
		return err
	}
	err = server.Root().Handle("cast", func(_ context.Context, s *actio.Socket, e *actio.Event) {
		var n int
		if e.Args.Decode(0, &n) != nil {
			return
		}
		for range n {
			_ = server.To(actio.RoomDefault).Emit("news", strings.Repeat("x", 52))
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
		fmt.Println(answer(lines.Text()))
	}
	return server.Shutdown(context.Background())
}

func answer(question string) int64 {
	switch question {
	case "cpu": // microseconds
		var u syscall.Rusage
		if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
			return -1
		}
		return (u.Utime.Sec+u.Stime.Sec)*1_000_000 + u.Utime.Usec + u.Stime.Usec
	case "rss": // bytes
		statm, err := os.ReadFile("/proc/self/statm")
		if err != nil {
			return -1
		}
		pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
		if err != nil {
			return -1
		}
		return pages * int64(os.Getpagesize())
	default:
		return -1
	}
}

// child is the server under measurement, as seen from the benchmark.
type child struct {
	address string
	ask     func(question string) int64
}

func startChild(b *testing.B) *child {
	b.Helper()
	binary, err := os.Executable()
	require.NoError(b, err)
	command := exec.Command(binary)
	command.Env = append(os.Environ(), childVariable+"=1")
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	require.NoError(b, err)
	out, err := command.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, command.Start())
	b.Cleanup(func() {
		_ = in.Close()
		require.NoError(b, command.Wait())
	})
	lines := bufio.NewScanner(out)
	require.True(b, lines.Scan(), "the server does not start")
	return &child{address: lines.Text(), ask: func(question string) int64 {
		_, err := fmt.Fprintln(in, question)
		require.NoError(b, err)
		require.True(b, lines.Scan(), "the server does not answer")
		n, err := strconv.ParseInt(lines.Text(), 10, 64)
		require.NoError(b, err)
		return n
	}}
}

// settle gives the server the four seconds after a storm that a figure of idle memory is usually taken at.
func settle() { <-time.After(4 * time.Second) }
