package actio_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

func TestFetchSockets_Local_DescribesThemAsTheyAre(t *testing.T) {
	s := serve(t, actio.Options{Authenticate: byName, DefaultRooms: []string{"all"}, PingInterval: -1, Identifier: "x"})
	ann := s.login("ann")
	s.login("bob")
	socket, err := s.Socket(t.Context(), ann.id)
	require.NoError(t, err)
	socket.Data().Store("name", "Ann")
	socket.Data().Store("big", uint64(1<<63))
	socket.Data().Store("raw", []byte{1, 2})
	socket.Data().Store("mutex", make(chan int))
	socket.Data().Store(7, "no string")

	f, err := s.ToUser("ann").FetchSockets(bounded(t))
	require.NoError(t, err)
	assert.True(t, f.Missing.None())
	require.Len(t, f.Sockets, 1)
	a := f.Sockets[0]
	assert.Equal(t, ann.id, a.ID)
	assert.Equal(t, "/", a.Namespace)
	assert.Equal(t, []string{ann.id, "all"}, a.Rooms)
	assert.Equal(t, "ann", a.UserID)
	assert.True(t, a.Local)

	h := a.Handshake
	assert.Equal(t, "127.0.0.1", h.Address)
	assert.Equal(t, s.address, h.Header().Get("Host"))
	assert.NotEmpty(t, h.Header().Get("Sec-Websocket-Key"))
	assert.Equal(t, []string{"red", "blue"}, h.Query()["color"])
	assert.Equal(t, "4", h.Query().Get("EIO"))
	assert.Contains(t, h.RequestURI, "/io/?EIO=4")
	assert.False(t, h.Secure)
	assert.False(t, h.XDomain)
	assert.WithinDuration(t, time.Now(), h.Issued, patience)
	assert.JSONEq(t, `{"user":"ann"}`, string(h.Auth))
	var auth struct{ User string }
	require.NoError(t, h.DecodeAuth(&auth))
	assert.Equal(t, "ann", auth.User)

	var data struct {
		Name  string
		Big   uint64
		Raw   []byte
		Mutex any
	}
	require.NoError(t, a.Data(&data))
	assert.Equal(t, "Ann", data.Name)
	assert.Equal(t, uint64(1<<63), data.Big)
	assert.Equal(t, []byte{1, 2}, data.Raw)
	assert.Nil(t, data.Mutex)

	f, err = s.FetchSockets(bounded(t))
	require.NoError(t, err)
	assert.Len(t, f.Sockets, 2)
	f, err = s.To().FetchSockets(bounded(t))
	require.NoError(t, err)
	assert.Empty(t, f.Sockets)
	f, err = s.Except("all").FetchSockets(bounded(t))
	require.NoError(t, err)
	assert.Empty(t, f.Sockets)
}

func TestFetchSockets_ContextOver_IsItsError(t *testing.T) {
	s := serve(t, actio.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.FetchSockets(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.SocketsJoin(ctx, "r"), context.Canceled)
	require.ErrorIs(t, s.DisconnectSockets(ctx, false), context.Canceled)
}

func TestRemoteSocket_Methods_WorkOnTheSocket(t *testing.T) {
	s := serve(t, actio.Options{})
	p, other := s.connect(""), s.connect("")
	ctx := bounded(t)
	f, err := s.To(p.id).FetchSockets(ctx)
	require.NoError(t, err)
	require.Len(t, f.Sockets, 1)
	remote := f.Sockets[0]
	require.NoError(t, remote.Data(new(struct{})))
	require.NoError(t, remote.Join(ctx, "r", "q"))
	require.NoError(t, remote.Leave(ctx, "q"))
	require.NoError(t, s.To("q").Emit("no"))
	require.NoError(t, s.To("r").Emit("room"))
	require.NoError(t, remote.Emit("you", 1))
	require.NoError(t, remote.Disconnect(ctx, false))
	require.NoError(t, remote.Emit("late"))
	for _, want := range []string{`42["room"]`, `42["you",1]`, `41`} {
		assert.Equal(t, want, p.next())
	}
	s.nothingMore(other)
	require.ErrorIs(t, actio.RemoteSocket{}.Emit("x"), actio.ErrNotConfigured)
}

func TestSocketsJoin_ThenEmit_ReachesAllThatJoined(t *testing.T) {
	s := serve(t, actio.Options{})
	peers := make([]*peer, 40) // more than one batch
	for i := range peers {
		peers[i] = s.connect("")
	}
	ctx := bounded(t)
	require.NoError(t, s.SocketsJoin(ctx, "a", "b"))
	require.NoError(t, s.To("a").Emit("in a"))
	require.NoError(t, s.To("a").SocketsLeave(ctx, "b"))
	require.NoError(t, s.To("b").Emit("in b"))
	for _, p := range peers {
		assert.Equal(t, `42["in a"]`, p.next())
	}
	s.nothingMore(peers...)
	require.ErrorIs(t, s.SocketsJoin(ctx, "a", ""), actio.ErrEmptyRoom)
	require.NoError(t, s.SocketsJoin(ctx))
	require.NoError(t, s.To().SocketsJoin(ctx, "c"))
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestSocketsJoin_OneInTooManyRooms_IsLoggedAndLeftOut(t *testing.T) {
	log := &lockedBuffer{}
	s := serve(t, actio.Options{MaxRooms: 2, DefaultRooms: []string{}, Logger: slog.New(slog.NewTextHandler(log, nil))})
	full, free := s.connect(""), s.connect("")
	ctx := bounded(t)
	require.NoError(t, s.To(full.id).SocketsJoin(ctx, "1", "2"))
	require.NoError(t, s.SocketsJoin(ctx, "3"))
	f, err := s.To("3").FetchSockets(ctx)
	require.NoError(t, err)
	require.Len(t, f.Sockets, 1)
	assert.Equal(t, free.id, f.Sockets[0].ID)
	assert.Contains(t, log.String(), "socket left out")
	assert.Contains(t, log.String(), full.id)
}

func TestDisconnectSockets_AfterEmit_TheLastWordArrives(t *testing.T) {
	s := serve(t, actio.Options{})
	inside, outside := s.connect(""), s.connect("")
	ctx := bounded(t)
	require.NoError(t, s.To(inside.id).SocketsJoin(ctx, "r"))
	require.NoError(t, s.To("r").Emit("bye"))
	require.NoError(t, s.To("r").DisconnectSockets(ctx, true))
	f, err := s.FetchSockets(ctx)
	require.NoError(t, err)
	assert.False(t, slices.ContainsFunc(f.Sockets, func(r actio.RemoteSocket) bool { return r.ID == inside.id }))
	assert.Equal(t, `42["bye"]`, inside.next())
	assert.Equal(t, "41", inside.next())
	_, _, err = inside.socket.Read(ctx)
	assert.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(err))
	s.nothingMore(outside)
}
