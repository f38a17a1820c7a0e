package client

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBackoff_DoublesWithinItsJitterUpToTheMost(t *testing.T) {
	b := backoff{first: time.Second, most: 5 * time.Second, jitter: 0.5}
	for n, seconds := range []int{1, 2, 4, 5, 5, 5} {
		middle := time.Duration(seconds) * time.Second
		least, most := time.Hour, time.Duration(0)
		for range 2000 {
			d := b.delay(n)
			least, most = min(least, d), max(most, d)
		}
		assert.GreaterOrEqual(t, least, middle/2, "n %d", n)
		assert.LessOrEqual(t, most, min(middle+middle/2, 5*time.Second), "n %d", n)
		assert.Less(t, least, middle*6/10, "n %d: the jitter is used", n)
	}
	assert.Equal(t, 5*time.Second, backoff{first: time.Second, most: 5 * time.Second}.delay(1000))
	assert.Equal(t, time.Second, backoff{first: time.Second, most: 5 * time.Second}.delay(0), "without jitter")
}

// refusing is a server that is gone.
type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("gone") }

// TestReconnection_ServerGoneForAMinute lets a minute pass in a bubble.
func TestReconnection_ServerGoneForAMinute_AttemptsKeepTheirDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var times []time.Time
		var numbers []int
		m, err := New("http://gone.test", Options{
			HTTPClient: &http.Client{Transport: refusing{}},
			Hooks: Hooks{ReconnectAttempt: func(_ context.Context, n int) {
				times, numbers = append(times, time.Now()), append(numbers, n)
			}},
		})
		require.NoError(t, err)
		s, err := m.Socket("/", SocketOptions{})
		require.NoError(t, err)
		failures := 0
		s.OnConnectError(func(_ context.Context, err error) {
			assert.ErrorContains(t, err, "gone")
			failures++
		})
		last := time.Now()
		require.NoError(t, s.Connect())
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.True(t, s.Active())
		require.Greater(t, len(times), 11, "an attempt every 5 s at least")
		require.Less(t, len(times), 30)
		for i, at := range times {
			assert.Equal(t, i+1, numbers[i])
			middle := min(time.Second<<min(i, 10), 5*time.Second)
			assert.GreaterOrEqual(t, at.Sub(last), middle/2, "attempt %d", i+1)
			assert.LessOrEqual(t, at.Sub(last), min(middle*3/2, 5*time.Second), "attempt %d", i+1)
			last = at
		}
		assert.Equal(t, len(times)+1, failures)
		require.NoError(t, m.Close(t.Context()))
		assert.Zero(t, m.clock.Armed())
	})
}

func TestReconnection_AttemptsAreBounded_AndCountedAnewByConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts, failed := 0, 0
		m, err := New("http://gone.test", Options{
			HTTPClient: &http.Client{Transport: refusing{}}, ReconnectionAttempts: 3,
			Hooks: Hooks{
				ReconnectAttempt: func(context.Context, int) { attempts++ },
				ReconnectFailed:  func(context.Context) { failed++ },
			},
		})
		require.NoError(t, err)
		s, err := m.Socket("/", SocketOptions{})
		require.NoError(t, err)
		for round := range 2 {
			require.ErrorContains(t, s.ConnectAndWait(t.Context()), "gone")
			synctest.Wait()
			assert.Equal(t, 3*(round+1), attempts)
			assert.Equal(t, round+1, failed)
			assert.False(t, s.Active())
		}
		require.NoError(t, m.Close(t.Context()))
		assert.Zero(t, m.clock.Armed())
		require.ErrorIs(t, s.Connect(), ErrClosed)
	})
}

func TestDisconnect_WhileReconnecting_EndsTheAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		m, err := New("http://gone.test", Options{
			HTTPClient: &http.Client{Transport: refusing{}},
			Hooks:      Hooks{ReconnectAttempt: func(context.Context, int) { attempts++ }},
		})
		require.NoError(t, err)
		s, err := m.Socket("/", SocketOptions{})
		require.NoError(t, err)
		require.NoError(t, s.Connect())
		time.Sleep(10 * time.Second)
		s.Disconnect()
		synctest.Wait()
		before := attempts
		time.Sleep(time.Minute)
		assert.Equal(t, before, attempts)
		assert.Zero(t, m.clock.Armed())
		require.NoError(t, m.Close(t.Context()))
	})
}
