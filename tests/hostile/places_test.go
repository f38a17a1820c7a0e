package hostile

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
)

func TestLimit_ReachedWhileAWebSocketWaitsInAllowRequest_IsRefusedByHTTP(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		options actio.Options
		status  int
		counter func(actio.Stats) uint64
	}{
		"connections": {
			actio.Options{Engine: actio.EngineOptions{MaxConnections: 1}},
			http.StatusServiceUnavailable,
			func(st actio.Stats) uint64 { return st.RefusedConnections },
		},
		"of one address": {
			actio.Options{Engine: actio.EngineOptions{MaxConnectionsPerIP: 1}},
			http.StatusTooManyRequests,
			func(st actio.Stats) uint64 { return st.RefusedPerIP },
		},
	} {
		t.Run(name, func(t *testing.T) {
			entered, release := make(chan struct{}), make(chan struct{})
			row.options.Engine.AllowRequest = func(r *http.Request) error {
				if r.URL.Query().Get("wait") != "" {
					entered <- struct{}{}
					<-release
				}
				return nil
			}
			h := serve(t, row.options)
			const late = 3
			statuses := make(chan int, late)
			for range late {
				conn := h.line(t)
				conn.send(t, http.MethodGet, overSocket+"&wait=1", upgrade, "")
				await.Value(t, entered)
				go func() {
					a, err := conn.read()
					assert.NoError(t, err)
					statuses <- a.status
				}()
			}
			s := h.connect(t)
			close(release)
			for range late {
				assert.Equal(t, row.status, await.Value(t, statuses))
			}
			assert.Equal(t, uint64(late), row.counter(h.stats(t)))
			s.echo(t, "it has the place")
		})
	}
}

func TestLimit_UpgradesThatFail_TakeNoPlace(t *testing.T) {
	t.Parallel()
	wrap := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("wrapped") != "" {
				w = struct{ http.ResponseWriter }{w} // no websocket comes out of this
			}
			next.ServeHTTP(w, r)
		})
	}
	h := serve(t, actio.Options{
		Engine: actio.EngineOptions{MaxConnections: 1, Middlewares: []func(http.Handler) http.Handler{wrap}},
	})
	for range 5 {
		a := h.ask(t, http.MethodGet, overSocket+"&wrapped=1", upgrade, "")
		require.Equal(t, http.StatusInternalServerError, a.status)
	}
	h.connect(t).echo(t, "there is room")
}
