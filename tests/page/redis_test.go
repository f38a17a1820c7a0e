package page

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// readiness is what /readyz says.
type readiness struct {
	Status string
	Redis  struct {
		State      string
		Neighbours []string
	}
}

// ready asks the gateway whether it is.
func (g *gateway) ready(t *testing.T) (r readiness) {
	t.Helper()
	where, err := url.Parse(g.url)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+where.Host+"/readyz", http.NoBody)
	require.NoError(t, err)
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, json.Unmarshal(body, &r))
	return r
}

// login connects a client that is in a room.
func (g *gateway) login(t *testing.T, name, room string) *rawclient.Client {
	t.Helper()
	where, err := url.Parse(g.url)
	require.NoError(t, err)
	c, err := rawclient.Dial(where.Host, rawclient.Options{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	_, err = c.Login(map[string]string{"token": name})
	require.NoError(t, err)
	_, err = c.Ask(0, "join", map[string][]string{"rooms": {room}})
	require.NoError(t, err)
	return c
}

func TestGateways_OneRedis_TalkToEachOther(t *testing.T) {
	r := redisproc.Start(t)
	binary := build(t)
	for _, adapter := range []string{"classic", "sharded"} {
		t.Run(adapter, func(t *testing.T) {
			args := []string{"-redis", r.URL(), "-adapter", adapter, "-redis-prefix", "gateways"}
			one, two := start(t, binary, "127.0.0.1:0", args...), start(t, binary, "127.0.0.1:0", args...)
			for _, g := range []*gateway{one, two} {
				require.Eventually(t, func() bool { return len(g.ready(t).Redis.Neighbours) == 1 }, patience, 10*time.Millisecond)
				assert.Equal(t, "ready", g.ready(t).Status)
				assert.Equal(t, "up", g.ready(t).Redis.State)
			}
			ann, bob := one.login(t, "ann", "lobby"), two.login(t, "bob", "lobby")
			if adapter == "sharded" { // there a gateway begins to listen to a room when somebody has joined
				const channel = "gateways#/#lobby#"
				redis := r.Client()
				require.Eventually(t, func() bool {
					n, err := redis.PubSubShardNumSub(t.Context(), channel).Result()
					return err == nil && n[channel] == 2
				}, patience, 10*time.Millisecond)
			}
			for i, c := range []*rawclient.Client{ann, bob} {
				from, to := []string{"ann", "bob"}[i], []*rawclient.Client{bob, ann}[i]
				_, err := c.Ask(1, "chat:message", map[string]string{"room": "lobby", "text": "from " + from})
				require.NoError(t, err)
				m, err := to.Await("chat:message")
				require.NoError(t, err)
				var said struct{ From, Text string }
				require.NoError(t, m.Args.Decode(0, &said))
				if said.From != from { // its own, which came before
					m, err = to.Await("chat:message")
					require.NoError(t, err)
					require.NoError(t, m.Args.Decode(0, &said))
				}
				assert.Equal(t, from, said.From)
				assert.Equal(t, "from "+from, said.Text)
			}
			one.stop(t)
			require.Eventually(t, func() bool { return len(two.ready(t).Redis.Neighbours) == 0 }, patience, 10*time.Millisecond)
		})
	}
}
