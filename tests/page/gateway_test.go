package page

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience bounds every wait of a test.
const patience = 15 * time.Second

// build builds cmd/server.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "server")
	args := []string{"build", "-o", binary}
	if raceDetector {
		args = append(args, "-race")
	}
	output, err := exec.CommandContext(t.Context(), "go", append(args, "../../cmd/server")...).CombinedOutput()
	require.NoError(t, err, "%s", output)
	return binary
}

// gateway is a running binary.
type gateway struct {
	url     string
	command *exec.Cmd
	logs    sync.WaitGroup
	once    sync.Once
}

// start starts a gateway and waits until it listens. It ends with the test.
func start(t *testing.T, binary, address string, args ...string) *gateway {
	t.Helper()
	args = append([]string{"-listen", address, "-log-format", "json", "-log-level", "debug"}, args...)
	g := &gateway{command: exec.Command(binary, args...)} //nolint:noctx // ends by a signal
	stderr, err := g.command.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, g.command.Start())
	page := make(chan string, 1)
	g.logs.Go(func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			var line struct{ Level, Msg, Page string }
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Level == "ERROR" {
				t.Errorf("gateway: %s", lines.Bytes())
			}
			if line.Msg == "listening" {
				page <- line.Page
			}
		}
	})
	t.Cleanup(func() { g.stop(t) })
	select {
	case g.url = <-page:
	case <-time.After(patience):
		require.FailNow(t, "the gateway does not listen")
	}
	return g
}

// stop ends the gateway as an operator does. It must end in good order, whatever its clients do.
func (g *gateway) stop(t *testing.T) {
	t.Helper()
	g.once.Do(func() {
		assert.NoError(t, g.command.Process.Signal(syscall.SIGTERM))
		kill := time.AfterFunc(patience, func() { _ = g.command.Process.Kill() })
		defer kill.Stop()
		g.logs.Wait()
		assert.NoError(t, g.command.Wait())
	})
}

// fixedAddress is an address whose port is below those that systems give to outgoing connections, so that nobody takes it
// while no server listens there.
func fixedAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(10_000))
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err == nil {
			require.NoError(t, listener.Close())
			return address
		}
	}
	require.FailNow(t, "no free port")
	return ""
}
