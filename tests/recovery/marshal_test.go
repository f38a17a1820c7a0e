package recovery

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// slow is a value that takes its time to be encoded.
type slow struct {
	begin sync.Once
	begun chan struct{}
	goOn  chan struct{}
}

func (s *slow) MarshalJSON() ([]byte, error) {
	s.begin.Do(func() { close(s.begun) })
	<-s.goOn
	return []byte(`"encoded"`), nil
}

// TestStreams_ValueThatTakesItsTimeToEncode_HoldsUpNoOtherClient: they change, and go on elsewhere, meanwhile. In the end it is
// stored.
func TestStreams_ValueThatTakesItsTimeToEncode_HoldsUpNoOtherClient(t *testing.T) {
	t.Parallel()
	server := redisproc.Start(t)
	look := server.Client()
	first, second := serve(t, onStreams(server.Client())), serve(t, onStreams(server.Client()))
	node := jsclient.Start(t)
	o := first.options(jsclient.WebSocket)
	o.Path = "/socket.io/"
	dial := func(url string) (*jsclient.Client, *actio.Socket) {
		c, err := node.Dial(t.Context(), url, o)
		require.NoError(t, err)
		again(t, c)
		return c, first.join(t)
	}
	_, socket := dial("http://" + first.address)
	value := &slow{begun: make(chan struct{}), goOn: make(chan struct{})}
	socket.Data().Store("slow", value)
	require.NoError(t, socket.Join(t.Context(), "a"))
	await.Value(t, value.begun)

	c, other := dial(first.proxy.URL())
	require.NoError(t, other.Emit("n", 1))
	require.Equal(t, 1, numberOf(t, c, "n"))
	require.NoError(t, other.Join(t.Context(), "b"))
	require.Eventually(t, func() bool { return storedOf(t, look, other.ID(), "b") != nil }, patience, time.Millisecond)
	first.proxy.To(second.address)
	first.outage(t, c, func() {})
	id, recovered := again(t, c)
	assert.True(t, recovered)
	assert.Equal(t, other.ID(), id)

	close(value.goOn)
	first.end(t)
	s := storedOf(t, look, socket.ID(), "a")
	require.NotNil(t, s)
	var data map[string]string
	require.NoError(t, s.Data.Decode(&data))
	assert.Equal(t, map[string]string{"slow": "encoded"}, data)
}

// storedOf is the session of a socket that Redis has with a room; nil: none.
func storedOf(t *testing.T, look *redis.Client, id, room string) *format.Session {
	t.Helper()
	keys, err := look.Keys(t.Context(), "sio:session:*").Result()
	require.NoError(t, err)
	for _, key := range keys {
		text, err := look.Get(t.Context(), key).Bytes()
		if err != nil || len(text) == 0 {
			continue // it has ended
		}
		s, err := format.DecodeSession(text)
		require.NoError(t, err)
		if s.ID == id && slices.Contains(s.Rooms, room) {
			return s
		}
	}
	return nil
}
