package client_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
)

// TestInbox_HandlerIsSlow_TheConnectionIsNotRead shows that what a handler cannot take stays with the server.
func TestInbox_HandlerIsSlow_TheConnectionIsNotRead(t *testing.T) {
	for _, transport := range []client.Transport{client.Polling, client.WebSocket} {
		t.Run(string(transport), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { readSlowly(t, transport) })
		})
	}
}

func readSlowly(t *testing.T, transport client.Transport) {
	t.Helper()
	const events, inbox = 1000, 4
	server := &stream{event: "news", events: events}
	m, err := client.New("http://server.test", client.Options{
		InboxEvents: inbox, Transports: []client.Transport{transport}, HTTPClient: &http.Client{Transport: server},
	})
	require.NoError(t, err)
	s, err := m.Socket("/", client.SocketOptions{})
	require.NoError(t, err)
	proceed := make(chan struct{})
	var got []int
	_, err = client.On(s, "news", func(_ context.Context, _ *client.Socket, n int) (client.None, error) {
		<-proceed
		got = append(got, n)
		return client.None{}, nil
	})
	require.NoError(t, err)
	require.NoError(t, s.Connect())
	for handled := range 10 {
		synctest.Wait() // until nothing can go on by itself
		assert.EqualValues(t, handled+1+inbox+1, server.sent.Load(),
			"those handled, the one that the handler has, a full inbox, and the one that the reader holds")
		proceed <- struct{}{}
	}
	close(proceed)
	synctest.Wait()
	require.Len(t, got, events)
	for n := range events {
		require.Equal(t, n, got[n])
	}
	require.NoError(t, m.Close(t.Context()))
}
