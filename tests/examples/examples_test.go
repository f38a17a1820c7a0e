// Package examples_test builds the programs under examples/ and runs them as a reader would.
package examples_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// build compiles an example with the race detector and returns the binary.
func build(t *testing.T, name string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), name)
	out, err := exec.CommandContext(t.Context(), "go", "build", "-race", "-o", binary, "../../examples/"+name).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}

func run(t *testing.T, binary string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// TestExamples_Listed fails when an example has no test.
func TestExamples_Listed(t *testing.T) {
	folders, err := os.ReadDir("../../examples")
	require.NoError(t, err)
	var names []string
	for _, f := range folders {
		names = append(names, f.Name())
	}
	assert.Equal(t, []string{"application", "chat", "client", "services"}, names)
}

func TestChat_Demo(t *testing.T) {
	out := run(t, build(t, "chat"), "-demo")
	assert.Contains(t, out, `bob hears message:new {"room":"go","id":"1","text":"helo","from":"alice"}`)
	assert.Contains(t, out, `bob hears typing {"room":"go","user":"alice","typing":false}`)
	assert.Contains(t, out, "demo is over")
}

func TestServices_AnswersSurviveARestart(t *testing.T) {
	out := run(t, build(t, "services"))
	assert.Contains(t, out, "invoice for A1: 42")
	assert.Contains(t, out, "invoice for A2: 42")
}

func TestApplicationAndClient_AllStepsPass_AndItStopsInGoodOrder(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	log := &lines{}
	app := exec.CommandContext(ctx, build(t, "application"), "-addr", "127.0.0.1:0")
	app.Stderr = log
	require.NoError(t, app.Start())
	var url string
	started := regexp.MustCompile(`Server STARTED" address=(\S+)`)
	ready := assert.Eventually(t, func() bool {
		found := started.FindStringSubmatch(log.String())
		if found == nil {
			return false
		}
		url = "http://" + found[1]
		return bytes.Contains([]byte(log.String()), []byte("SocketIO initialized"))
	}, 20*time.Second, 5*time.Millisecond)
	if ready {
		assert.Contains(t, run(t, build(t, "client"), "-url", url), "all steps passed")
	}
	require.NoError(t, app.Process.Signal(syscall.SIGTERM))
	assert.NoError(t, app.Wait(), "%s", log)
	assert.Contains(t, log.String(), "SocketIO stopped")
}

// lines is what a process has written so far.
type lines struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}
