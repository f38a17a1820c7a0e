package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRun_Signals_EndInGoodOrder(t *testing.T) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			r := start(t, nil)
			c := r.login(t, "ann")
			send(t, s)
			assert.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(c.untilClosed()))
			assert.Equal(t, exitDone, r.ended(t))
			assert.Equal(t, s.String(), r.logs.wait(t, "shutting down")["cause"])
			r.logs.wait(t, "ended")
		})
	}
}

func TestRun_ContextEnds_EndsInGoodOrder(t *testing.T) {
	r := start(t, nil)
	r.cancel()
	assert.Equal(t, exitDone, r.ended(t))
}

func TestRun_Development_SaysSoLoudly(t *testing.T) {
	r := start(t, []string{"ACTIO_TYPO=1"})
	assert.Equal(t, "WARN", r.logs.wait(t, developmentWarning)["level"])
	assert.Equal(t, []any{"ACTIO_TYPO"}, r.logs.wait(t, "environment variables that mean nothing")["names"])
	assert.Equal(t, "http://"+r.address+"/", r.logs.wait(t, "listening")["page"])
}

func TestRun_AddressInUse_IsAnError(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	stderr := newLogs()
	code := run(t.Context(), []string{"-listen", listener.Addr().String(), "-log-format", "json"}, nil, io.Discard, stderr)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr.wait(t, "cannot listen")["err"], listener.Addr().String())
}

// held starts a gateway whose end takes an hour: it closes one connection at a time.
func held(t *testing.T, args ...string) *running {
	t.Helper()
	r := start(t, nil, append([]string{"-close-batch", "1", "-close-interval", "1h", "-shutdown-timeout", "1h"}, args...)...)
	for range 3 {
		r.login(t, "ann")
	}
	return r
}

func TestRun_WhileDraining_IsAliveAndNotReady(t *testing.T) {
	r := held(t)
	send(t, syscall.SIGTERM)
	r.logs.wait(t, "shutting down")
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		response, body := r.get(t, "/readyz")
		assert.Equal(c, http.StatusServiceUnavailable, response.StatusCode)
		assert.JSONEq(c, `{"status":"draining"}`, body)
	}, patience, patience/1000)
	response, body := r.get(t, "/healthz")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.JSONEq(t, `{"status":"draining"}`, body)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		response, _ := r.get(t, "/io/?EIO=4&transport=polling")
		assert.Equal(c, http.StatusServiceUnavailable, response.StatusCode)
	}, patience, patience/1000)
	send(t, syscall.SIGTERM)
	assert.Equal(t, exitSignal+int(syscall.SIGTERM), r.ended(t))
}

func TestRun_SecondSignal_EndsAtOnce(t *testing.T) {
	r := held(t)
	send(t, syscall.SIGTERM)
	r.logs.wait(t, "shutting down")
	send(t, os.Interrupt)
	assert.Equal(t, exitSignal+int(syscall.SIGINT), r.ended(t))
	r.logs.wait(t, "ending at once")
}

func TestRun_ShutdownTimeout_CutsTheEndShort(t *testing.T) {
	r := held(t, "-shutdown-timeout", "50ms")
	r.cancel()
	assert.Equal(t, exitFailed, r.ended(t))
	assert.NotEmpty(t, r.logs.wait(t, "not ended in good order")["err"])
}
