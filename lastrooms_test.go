package actio_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

func TestSocket_LastRooms_AreKnownToWhoHearsOfTheEnd(t *testing.T) {
	told := make(chan []string, 2)
	s := serve(t, actio.Options{ClientDisconnected: func(s *actio.Socket, _ actio.Reason) { told <- s.LastRooms() }})
	sockets := make(chan *actio.Socket, 1)
	s.Root().OnConnection(func(ctx context.Context, s *actio.Socket) {
		assert.NoError(t, s.Join(ctx, "a", "b"))
		assert.Nil(t, s.LastRooms())
		sockets <- s
	})
	s.Root().OnDisconnect(func(s *actio.Socket, _ actio.Reason) {
		_, err := s.Rooms(context.Background())
		assert.ErrorIs(t, err, actio.ErrClosed)
		told <- s.LastRooms()
	})
	p := s.connect("")
	socket := <-sockets
	require.NoError(t, p.socket.CloseNow())
	for range cap(told) {
		assert.Equal(t, []string{p.id, "a", "b"}, <-told)
	}
	assert.Equal(t, []string{p.id, "a", "b"}, socket.LastRooms())
}
