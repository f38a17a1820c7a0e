package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/wire"
)

// TestSession_ServerFallsSilent has the time of a bubble, so that it can say when to the nanosecond.
func TestSession_ServerFallsSilent_NoticedAfterIntervalAndTimeoutSinceTheLastPing(t *testing.T) {
	for name, pings := range map[string]int{"from the beginning": 0, "after some pings": 3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, o := bubbled(t)
				s, err := Dial(t.Context(), o)
				require.NoError(t, err)
				began := time.Now()
				go func() {
					for range pings {
						time.Sleep(s.open.PingInterval)
						server.answers <- "2"
						assert.Equal(t, "3", <-server.posts)
					}
				}()
				require.ErrorIs(t, s.Run(func(wire.EnginePacket) error { return nil }), ErrPingTimeout)
				last := began.Add(time.Duration(pings) * 300 * time.Millisecond)
				assert.Equal(t, 300*time.Millisecond+200*time.Millisecond, time.Since(last))
				assert.Zero(t, o.Clock.Armed())
			})
		})
	}
}
