package page

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const scripts = "../js"

// browser finds what scripts/install installs.
func browser(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		require.FailNow(t, "Node.js is missing; `make test` installs it", "%v", err)
	}
	if _, err := os.Stat(filepath.Join(scripts, "node_modules", "playwright-core")); err != nil {
		require.FailNow(t, "the npm packages of tests/js are missing; `make test` installs them", "%v", err)
	}
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	require.FailNow(t, "Chromium is missing; `make test` installs it, or CHROMIUM names one")
	return ""
}

// screenshots is the folder for them.
func screenshots(t *testing.T) string {
	t.Helper()
	if folder := os.Getenv("PAGE_SCREENSHOTS"); folder != "" {
		return folder
	}
	return t.TempDir()
}

func TestPage_TwoTabsOfABrowser_TalkLeaveAndReconnect(t *testing.T) {
	chromium := browser(t)
	binary := build(t)
	address := fixedAddress(t)
	main := start(t, binary, address)
	polling := start(t, binary, "127.0.0.1:0", "-transports", "polling", "-path", "/else/where")

	script := exec.CommandContext(t.Context(), "node", "page.mjs", main.url, polling.url, screenshots(t))
	script.Dir = scripts
	script.Env = append(os.Environ(), "CHROMIUM="+chromium)
	script.WaitDelay = time.Second
	var stderr bytes.Buffer
	script.Stderr = &stderr
	stdin, err := script.StdinPipe()
	require.NoError(t, err)
	stdout, err := script.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, script.Start())
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		switch line := lines.Text(); line {
		case "stop":
			main.stop(t)
			answer(t, stdin, line)
		case "start":
			main = start(t, binary, address)
			answer(t, stdin, line)
		default:
			t.Log(strings.TrimPrefix(line, "# "))
		}
	}
	assert.NoError(t, script.Wait(), "%s", &stderr)
}

func answer(t *testing.T, stdin io.Writer, line string) {
	t.Helper()
	_, err := io.WriteString(stdin, line+"\n")
	assert.NoError(t, err)
}
