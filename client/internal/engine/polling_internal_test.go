package engine

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

// TestSession_ConnectionBreaksDuringAGet: net/http would repeat a GET whose kept connection broke before the answer.
func TestSession_ConnectionBreaksDuringAGet_NotRepeatedAndTheSessionEnds(t *testing.T) {
	_, o := start(t)
	var gets, reused atomic.Int32
	peers := make(chan string, 10)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peers <- r.RemoteAddr
		if gets.Add(1) == 1 {
			_, _ = io.WriteString(w, opening)
			return
		}
		if reused.Add(1) > 1 { // what must not happen: its answer would pass over the one that got lost
			_, _ = io.WriteString(w, "1")
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if assert.NoError(t, err) {
			_ = conn.Close()
		}
	}))
	defer web.Close()
	u, err := url.Parse(web.URL)
	require.NoError(t, err)
	o.URL = u
	s, err := Dial(t.Context(), o)
	require.NoError(t, err)
	err = s.Run(func(wire.EnginePacket) error { return nil })
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrServerClosed)
	assert.EqualValues(t, 2, gets.Load(), "the handshake and one GET")
	kept := <-peers
	assert.Equal(t, kept, <-peers, "it went over a connection that was kept, as only such are repeated")
}
