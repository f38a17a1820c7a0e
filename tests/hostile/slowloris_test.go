package hostile

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// What bounds clients that are slow on purpose:
//
//   - half a websocket frame: the heartbeat, since the pong cannot come before the rest of the frame;
//   - half a POST body: its session's heartbeat ends the session, and transport.Config.BodyTimeout (30 s) the request. The
//     memory of a body grows with what arrives. The option is not in EngineOptions;
//   - half a request, and connections that say nothing: nothing of actio. They are the business of the http.Server, which
//     bounds them with ReadHeaderTimeout and IdleTimeout if its owner sets these; neither has a default.

func TestSlowloris_HalfAFrame_EndsWithTheHeartbeat(t *testing.T) {
	t.Parallel()
	for name, half := range map[string][]byte{
		"half a header":              {fin | opText},
		"header of a large message":  header(fin|opText, 900_000),
		"half a large message":       append(header(fin|opText, 900_000), make([]byte, 450_000)...),
		"one fragment of several":    frame(opText, []byte(`42["echo",`)),
		"fragments with pings among": append(frame(opText, []byte("42[")), frame(fin|opPing, []byte("x"))...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := actio.Options{}
			o.Engine.PingInterval, o.Engine.PingTimeout = 100*time.Millisecond, time.Second
			h := serve(t, o)
			neighbour, s := h.neighbour(t), h.connect(t)
			s.raw(t, half)
			_, _ = io.Copy(io.Discard, s.r)
			assert.Equal(t, actio.ReasonPingTimeout, h.reasonOf(t, s.id))
			neighbour.echo(t, "afterwards")
		})
	}
}

// The session ends in time whatever its POST does; other sessions and requests go on.
func TestSlowloris_HalfABody_EndsWithTheHeartbeat(t *testing.T) {
	t.Parallel()
	o := actio.Options{}
	o.Engine.PingInterval, o.Engine.PingTimeout = 100*time.Millisecond, time.Second
	h := serve(t, o)
	neighbour, p := h.neighbour(t), h.pollConnected(t)
	p.post.send(t, http.MethodPost, p.target, "Content-Length: 1000\r\n", strings.Repeat("4", 500))
	require.Equal(t, "2", p.hear(t))
	assert.Equal(t, actio.ReasonPingTimeout, h.reasonOf(t, p.id))
	p.over(t)
	neighbour.echo(t, "meanwhile")
	// The rest comes: the request is answered, for a session that is gone.
	_, err := p.post.Write([]byte(strings.Repeat("4", 500)))
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, p.post.mustRead(t).status)
}

// A body that is broken off ends its session, for its client cannot know what of it has arrived.
func TestSlowloris_BodyThatIsBrokenOff_EndsTheSession(t *testing.T) {
	t.Parallel()
	h := serve(t, actio.Options{})
	neighbour, p := h.neighbour(t), h.pollConnected(t)
	p.post.send(t, http.MethodPost, p.target, "Content-Length: 1000\r\n", `42["echo",1]`)
	require.NoError(t, p.post.Close())
	assert.Equal(t, actio.ReasonParseError, h.reasonOf(t, p.id))
	p.over(t)
	neighbour.echo(t, "afterwards")
}

// Idle connections cost the http.Server a goroutine each, and actio nothing: no session, no handshake, no delay.
func TestSlowloris_ThousandsOfIdleConnections_KeepNobodyOut(t *testing.T) {
	const idle = 5000
	h := serve(t, actio.Options{})
	neighbour := h.connect(t)
	for n := range idle {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", h.address)
		require.NoError(t, err, n)
		defer func() { _ = conn.Close() }()
		if n%2 == 0 {
			_, err = conn.Write([]byte("GET " + overPoll + " HTTP/1.1\r\nHost: a"))
			require.NoError(t, err)
		}
		if n%500 == 0 {
			neighbour.echo(t, "meanwhile")
		}
	}
	start := time.Now()
	h.connect(t).echo(t, "newcomer")
	h.pollConnected(t).echo(t, "newcomer")
	assert.Less(t, time.Since(start), 5*time.Second)
	assert.LessOrEqual(t, h.stats(t).Connections, 3)
	neighbour.echo(t, "afterwards")
}
