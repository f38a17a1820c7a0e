// Package examples_test builds the programs under examples/ and runs them as a reader would.
package examples_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/actio-go/actio/tests/internal/redisproc"
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
		if f.Name() != "internal" {
			names = append(names, f.Name())
		}
	}
	assert.Equal(t, []string{
		"application", "chat", "client", "embedding", "notifications", "presence", "recovery", "restcontrol", "services",
	}, names)
}

func TestChat_Demo_EachEventIsHeardByWhomItIsFor(t *testing.T) {
	out := run(t, build(t, "chat"), "-demo")
	var heard []string
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "bob hears") || strings.HasPrefix(line, "alice is told") {
			heard = append(heard, strings.TrimSpace(line))
		}
	}
	typing := func(is string) string { return `bob hears typing {"room":"go","user":"alice","typing":` + is + `}` }
	assert.Equal(t, []string{
		`bob hears presence {"user":"alice","online":true}`,
		`bob hears message:new {"room":"go","id":"1","text":"helo","from":"alice"}`,
		`bob hears message:edited {"room":"go","id":"1","text":"hello","from":"alice"}`,
		`bob hears message:deleted {"room":"go","id":"1","from":"alice"}`,
		`bob hears dm:new {"to":"bob","text":"psst","from":"alice"}`,
		typing("true"), typing("false"), typing("true"), typing("false"),
		`alice is told {"error":"join the room first"}`, `alice is told {"error":"join the room first"}`,
		`bob hears presence {"user":"alice","online":false}`,
	}, heard)
	assert.Contains(t, out, "demo is over")
}

func TestServices_AnswersSurviveARestart(t *testing.T) {
	out := run(t, build(t, "services"))
	assert.Contains(t, out, "invoice for A1: 42")
	assert.Contains(t, out, "invoice for A2: 42")
}

func TestApplicationAndClient_AllStepsPass_AndItStopsInGoodOrder(t *testing.T) {
	application, client := build(t, "application"), build(t, "client")
	for name, arguments := range map[string]func() []string{
		"alone":      func() []string { return nil },
		"with Redis": func() []string { return []string{"-redis", "redis://" + redisproc.Start(t).Addr() + "/0"} },
	} {
		t.Run(name, func(t *testing.T) {
			app := startApplication(t, application, arguments()...)
			out := run(t, client, "-url", app.url)
			for i := range 15 {
				assert.Contains(t, "\n"+out, fmt.Sprintf("\n%d. ", i+1))
			}
			assert.NotContains(t, out, "16. ")
			assert.Contains(t, out, "all steps passed")
			require.NoError(t, app.cmd.Process.Signal(syscall.SIGTERM))
			assert.NoError(t, app.cmd.Wait(), "%s", app)
			assert.Contains(t, app.String(), "SocketIO stopped")
			if name == "with Redis" {
				assert.Contains(t, app.String(), "Executed hook\" identifier=redis")
			}
		})
	}
}

// The HTTP interface without any client; with clients the steps of examples/client try it.
func TestApplication_Control_AnswersAsTheReferenceSays(t *testing.T) {
	app := startApplication(t, build(t, "application"))
	for _, row := range []struct {
		method, path, body string
		status             int
		want               string // a regular expression
	}{
		{"GET", "/socket/health", "", 200, `"healthy":true,"timestamp":"\d{4}-`},
		{"GET", "/socket/info", "", 200, `{"clientIds":\[\],"connectedClients":0,"status":"active"}`},
		{"GET", "/socket/clients", "", 200, `{"clients":\[\],"count":0}`},
		{"POST", "/socket/broadcast", `{"topic":"x","data":0}`, 200, `"success":true`},
		{"POST", "/socket/broadcast", `{"topic":"x"}`, 400, `{"error":"Data is required"}`},
		{"POST", "/socket/broadcast", `{"data":1}`, 400, `{"error":"Topic is required"}`},
		{"POST", "/socket/broadcast", `topic`, 400, `{"error":"JSON is required"}`},
		{"POST", "/socket/room/a/send", `{"topic":"x","data":1}`, 200, `"success":true`},
		{"POST", "/socket/client/a/send", `{"topic":"x","data":1}`, 200, `"success":true`},
		{"POST", "/socket/client/a/join", `{}`, 400, `{"error":"Rooms array is required"}`},
		{"POST", "/socket/client/a/leave", `{}`, 400, `{"error":"Rooms array is required"}`},
		{"POST", "/socket/client/a/join", `{"rooms":["b"]}`, 404, `{"error":"client not found"}`},
		{"POST", "/socket/client/a/leave", `{"rooms":["b"]}`, 404, `{"error":"client not found"}`},
		{"GET", "/socket/client/a/rooms", "", 404, `{"error":"client not found"}`},
		{"POST", "/notifications/user/a", `{"message":"x"}`, 200, `{"success":true}`},
		{"POST", "/notifications/room/a", `{"message":"x"}`, 200, `{"success":true}`},
		{"POST", "/notifications", `{"message":"x"}`, 200, `{"success":true}`},
		{"POST", "/notifications", `{}`, 400, `{"error":"Message is required"}`},
	} {
		status, body := request(t, row.method, app.url+row.path, row.body)
		assert.Equal(t, row.status, status, "%s %s", row.method, row.path)
		assert.Regexp(t, row.want, body, "%s %s", row.method, row.path)
	}
	require.NoError(t, app.cmd.Process.Signal(syscall.SIGTERM))
	assert.NoError(t, app.cmd.Wait(), "%s", app)
}

// application is examples/application while it runs.
type application struct {
	lines

	cmd *exec.Cmd
	url string
}

func startApplication(t *testing.T, binary string, arguments ...string) *application {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	app := &application{}
	app.cmd = exec.CommandContext(ctx, binary, append([]string{"-addr", "127.0.0.1:0"}, arguments...)...)
	app.cmd.Stderr = app
	require.NoError(t, app.cmd.Start())
	started := regexp.MustCompile(`Server STARTED" address=(\S+)`)
	require.Eventually(t, func() bool {
		found := started.FindStringSubmatch(app.String())
		if found == nil {
			return false
		}
		app.url = "http://" + found[1]
		return strings.Contains(app.String(), "SocketIO initialized for Node.js runtime")
	}, 20*time.Second, 5*time.Millisecond)
	return app
}

func request(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Close = true
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, strings.TrimSpace(string(text))
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
