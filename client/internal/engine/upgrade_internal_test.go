package engine

import (
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

// silences are the ways in which a network can swallow a websocket. Each passes on when the client has let go of it.
func silences(gone chan<- time.Time) map[string]func(*http.Request) (*http.Response, error) {
	return map[string]func(*http.Request) (*http.Response, error){
		"no answer to the handshake": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			gone <- time.Now()
			return nil, r.Context().Err()
		},
		"no answer to the probe": func(r *http.Request) (*http.Response, error) {
			response, conn := switched(r)
			go func() {
				_, _ = io.Copy(io.Discard, conn)
				gone <- time.Now()
			}()
			return response, nil
		},
		"the probe is not even read": func(r *http.Request) (*http.Response, error) {
			response, conn := switched(r)
			response.Body = &told{Conn: response.Body.(net.Conn), closed: func() {
				gone <- time.Now()
				_ = conn.Close()
			}}
			return response, nil
		},
	}
}

// told tells when it is closed for the first time.
type told struct {
	net.Conn
	once   sync.Once
	closed func()
}

func (c *told) Close() error {
	c.once.Do(c.closed)
	return c.Conn.Close()
}

func TestUpgrade_WebSocketIsSwallowed_GivenUpInTimeAndPollingGoesOn(t *testing.T) {
	for name := range silences(nil) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gone := make(chan time.Time, 1)
				server, o := bubbled(t)
				server.upgrade = silences(gone)[name]
				o.Upgrade, o.Transports = true, []Transport{Polling, WebSocket}
				s, err := Dial(t.Context(), o)
				require.NoError(t, err)
				began := time.Now()
				const rounds = 10
				go func() {
					for range rounds {
						time.Sleep(s.open.PingInterval)
						server.answers <- "2\x1e4m"
						assert.Equal(t, "3", <-server.posts)
					}
					server.answers <- "1"
				}()
				messages := 0
				require.ErrorIs(t, s.Run(func(wire.EnginePacket) error {
					messages++
					return nil
				}), ErrServerClosed)
				assert.Equal(t, rounds, messages)
				assert.Equal(t, s.patience(), (<-gone).Sub(began))
				assert.Equal(t, Polling, s.Transport())
				assert.Zero(t, o.Clock.Armed())
			})
		})
	}
}

func TestUpgrade_WebSocketIsSwallowed_CloseDoesNotWaitForIt(t *testing.T) {
	for name := range silences(nil) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gone := make(chan time.Time, 1)
				server, o := bubbled(t)
				server.upgrade = silences(gone)[name]
				o.Upgrade, o.Transports = true, []Transport{Polling, WebSocket}
				s, err := Dial(t.Context(), o)
				require.NoError(t, err)
				ended := make(chan error, 1)
				go func() { ended <- s.Run(func(wire.EnginePacket) error { return nil }) }()
				synctest.Wait() // the websocket is being tried
				began := time.Now()
				s.Close()
				assert.Equal(t, "1", <-server.posts)
				require.ErrorIs(t, <-ended, ErrClosed)
				assert.Zero(t, (<-gone).Sub(began))
				assert.Zero(t, time.Since(began))
				assert.Zero(t, o.Clock.Armed())
			})
		})
	}
}
