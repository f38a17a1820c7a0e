package component_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/component"
)

// TestStart_GoingLiveUnderLoad requests the application's own handler and the path of Socket.IO from the first moment on, half
// of it on connections that stay.
func TestStart_GoingLiveUnderLoad_NoRequestFails(t *testing.T) {
	for name, hosting := range hostings() {
		t.Run(name, func(t *testing.T) {
			a := standalone(t, hosting, newJournal())
			listening, hold, live, over := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
			hook(t, a, "hold", func(context.Context) error {
				close(listening)
				<-hold
				return nil
			})
			result := start(context.Background(), a)
			soon(t, listening)
			var before, after [2]atomic.Int32 // without and with keep-alive
			var load sync.WaitGroup
			for i := range 8 {
				load.Go(func() {
					web := &http.Client{Transport: &http.Transport{DisableKeepAlives: i%2 == 0}}
					defer web.CloseIdleConnections()
					for !isClosed(over) {
						answer := fetch(t, web, a, "/own")
						assert.Equal(t, http.StatusOK, answer.status)
						assert.Equal(t, "own", answer.body)
						wasLive := isClosed(live)
						answer = fetch(t, web, a, handshake)
						if answer.status == http.StatusOK {
							assert.Contains(t, answer.body, `"sid"`)
							after[i%2].Add(1)
							continue
						}
						assert.Equal(t, http.StatusServiceUnavailable, answer.status)
						assert.NotEmpty(t, answer.retryAfter)
						assert.False(t, wasLive, "refused although live")
						before[i%2].Add(1)
					}
				})
			}
			enough := func(counts *[2]atomic.Int32) func() bool {
				return func() bool { return counts[0].Load() > 25 && counts[1].Load() > 25 }
			}
			assert.Eventually(t, enough(&before), patience, time.Millisecond)
			close(hold)
			require.NoError(t, soon(t, result))
			close(live)
			assert.Eventually(t, enough(&after), patience, time.Millisecond)
			close(over)
			load.Wait()
			require.NoError(t, a.Stop(within(t)))
		})
	}
}

type answer struct {
	status           int
	body, retryAfter string
}

func fetch(t *testing.T, web *http.Client, a *component.Application, path string) (got answer) {
	t.Helper()
	r, err := http.NewRequestWithContext(within(t), http.MethodGet, "http://"+a.Addr().String()+path, nil)
	if !assert.NoError(t, err) {
		return got
	}
	response, err := web.Do(r)
	if !assert.NoError(t, err) {
		return got
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	assert.NoError(t, err)
	return answer{response.StatusCode, string(text), response.Header.Get("Retry-After")}
}
