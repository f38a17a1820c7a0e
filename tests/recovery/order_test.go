package recovery

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// TestStreams_SocketLeavesOrEnds_AfterWhatWasEmittedBefore: what is emitted takes the way by Redis, what is done to the socket
// does not.
func TestStreams_SocketLeavesOrEnds_AfterWhatWasEmittedBefore(t *testing.T) {
	t.Parallel()
	const rounds = 20
	s := serve(t, onStreams(redisproc.Start(t).Client()))
	o := s.options(jsclient.WebSocket)
	o.Path, o.Reconnect = "/socket.io/", false
	node := jsclient.Start(t)
	for n := range rounds {
		c, err := node.Dial(t.Context(), s.proxy.URL(), o)
		require.NoError(t, err)
		socket := s.join(t)
		room := fmt.Sprint("room ", n)
		require.NoError(t, socket.Join(t.Context(), room))
		require.NoError(t, s.To(room).Emit("n", 1))
		require.NoError(t, socket.Leave(t.Context(), room))
		require.NoError(t, s.To(room).Emit("n", "it has left"))
		require.NoError(t, socket.Emit("n", 2))
		if n%2 == 0 {
			socket.Disconnect()
		} else {
			socket.Close()
		}
		require.Equal(t, 1, numberOf(t, c, "n"))
		require.Equal(t, 2, numberOf(t, c, "n"))
		_, err = c.WaitEvent(t.Context(), "disconnect")
		require.NoError(t, err)
		assert.Zero(t, c.Received("n"))
	}
}
