package client_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsserver"
)

func TestAuthFunc_ConnectionBreaksMeanwhile_ItsContextEndsAndOneCONNECTFollows(t *testing.T) {
	connects := make(chan string, 10)
	cut := make(chan struct{})
	url := scripted(t, calm, func(n int, p *peer) {
		if n == 1 {
			<-cut
			return
		}
		for {
			packet, ok := p.hear("4")
			if !ok {
				return
			}
			connects <- packet
			p.say(`40{"sid":"x"}`)
		}
	})
	var calls, over atomic.Int32
	release := make(chan struct{})
	s := socketOf(t, url, overWebSocket(client.Options{}), client.SocketOptions{
		AuthFunc: func(ctx context.Context) (any, error) {
			context.AfterFunc(ctx, func() { over.Add(1) })
			n := calls.Add(1)
			<-release
			return map[string]int32{"call": n}, nil
		},
	})
	require.NoError(t, s.Connect())
	require.Eventually(t, func() bool { return calls.Load() == 1 }, patience, time.Millisecond)
	close(cut)
	require.Eventually(t, func() bool { return calls.Load() == 2 && over.Load() == 1 }, patience, time.Millisecond)
	close(release)
	require.NoError(t, s.ConnectAndWait(within(t)))
	require.NoError(t, s.Emit("mark"))
	assert.JSONEq(t, `{"call":2}`, (<-connects)[2:])
	assert.Equal(t, `42["mark"]`, <-connects, "no second CONNECT")
}

func TestDisconnect_BeforeTheServersAnswer_OtherNamespacesGoOn(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{})
	asked, release := make(chan struct{}, 10), make(chan struct{})
	for name, so := range map[string]client.SocketOptions{
		"before CONNECT was sent": {AuthFunc: func(context.Context) (any, error) {
			asked <- struct{}{}
			<-release
			return map[string]bool{}, nil
		}},
		"after CONNECT was sent": {},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := client.New(server.URL(), quick(client.Options{}))
			require.NoError(t, err)
			defer closed(t, m)
			main, err := m.Socket("/", client.SocketOptions{})
			require.NoError(t, err)
			main.OnDisconnect(func(_ context.Context, r client.Reason, _ error) { assert.Equal(t, client.ReasonClientDisconnect, r) })
			require.NoError(t, main.ConnectAndWait(within(t)))
			other, err := m.Socket("/foo", so)
			require.NoError(t, err)
			require.NoError(t, other.Connect())
			if so.AuthFunc != nil {
				<-asked
			}
			other.Disconnect()
			require.NoError(t, other.Connect())
			other.Disconnect()
			if so.AuthFunc != nil {
				close(release)
			}
			_, err = main.EmitWithAck(within(t), "echo", 1)
			require.NoError(t, err)
			require.NoError(t, other.ConnectAndWait(within(t)))
			require.Eventually(t, func() bool {
				sockets, err := server.Sockets(t.Context(), "/foo")
				return err == nil && len(sockets) == 1
			}, patience, 5*time.Millisecond, "one socket, not two")
		})
	}
}

func TestConnectAndWait_InAHandler_DoesNotWaitForItself(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{})
	s := socketOf(t, server.URL(), quick(client.Options{}), client.SocketOptions{})
	result := make(chan error, 1)
	s.OnDisconnect(func(ctx context.Context, r client.Reason, _ error) {
		if r == client.ReasonServerDisconnect {
			result <- s.ConnectAndWait(ctx)
		}
	})
	require.NoError(t, s.ConnectAndWait(within(t)))
	require.NoError(t, s.Emit("kick"))
	require.NoError(t, await.Value(t, result))
	assert.True(t, s.Connected())
}

func TestConnectAndWait_OtherNamespaceInAHandlerBehindAFullInbox_IsAnswered(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{})
	o := overWebSocket(client.Options{InboxEvents: 4})
	s := socketOf(t, server.URL(), o, client.SocketOptions{})
	foo, err := s.Manager().Socket("/foo", client.SocketOptions{})
	require.NoError(t, err)
	result := make(chan error, 1)
	var once sync.Once
	_, err = s.Handle("burst", func(ctx context.Context, _ *client.Socket, _ *client.Event) {
		once.Do(func() { result <- foo.ConnectAndWait(ctx) })
	})
	require.NoError(t, err)
	require.NoError(t, s.ConnectAndWait(within(t)))
	require.NoError(t, s.Emit("burst", 1000))
	require.NoError(t, await.Value(t, result))
}

func TestConnect_AnsweredOtherwise_IsToldAndWaitsEnd(t *testing.T) {
	for name, row := range map[string]struct {
		answer string
		active bool // it tries again
		want   error
	}{
		"by a DISCONNECT":          {"41", false, client.ErrDisconnected},
		"without a sid":            {"40{}", true, client.ErrProtocol},
		"by the engine's farewell": {"1", true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			url := scripted(t, calm, func(_ int, p *peer) {
				if _, ok := p.hear("40"); ok {
					p.say(row.answer)
					p.hear("never")
				}
			})
			s := socketOf(t, url, overWebSocket(client.Options{NoReconnection: !row.active}), client.SocketOptions{})
			told := make(chan error, 1000)
			s.OnConnectError(func(_ context.Context, err error) { told <- err })
			ctx, cancel := context.WithCancel(within(t))
			if row.active {
				s.OnConnectError(func(context.Context, error) { cancel() })
			}
			err := s.ConnectAndWait(ctx)
			require.Error(t, err)
			if row.want != nil {
				require.ErrorIs(t, err, row.want)
				require.ErrorIs(t, await.Value(t, told), row.want)
			}
			assert.Equal(t, row.active, s.Active())
			cancel()
		})
	}
}

func TestConnectAndWait_ConnectionEndsWhileItsHandlersRun_WaitsForTheNext(t *testing.T) {
	lost := make(chan struct{})
	url := scripted(t, calm, func(n int, p *peer) {
		if _, ok := p.hear("40"); ok {
			p.say(`40{"sid":"x"}`)
		}
		if n > 1 {
			p.hear("never")
		}
	})
	s := socketOf(t, url, overWebSocket(client.Options{Hooks: client.Hooks{
		Close: func(_ context.Context, r client.Reason, _ error) {
			if r != client.ReasonForcedClose {
				close(lost)
			}
		},
	}}), client.SocketOptions{})
	var once sync.Once
	s.OnConnect(func(context.Context) { once.Do(func() { <-lost }) })
	require.NoError(t, s.ConnectAndWait(within(t)))
	assert.True(t, s.Connected())
}

// marshals is an auth that runs code of the application.
type marshals func() ([]byte, error)

func (m marshals) MarshalJSON() ([]byte, error) { return m() }

func TestAuth_CodeOfTheApplication_RunsApartAndCannotDoHarm(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{Recovery: true})
	mad := marshals(func() ([]byte, error) { panic("mad") })
	m, err := client.New(server.URL(), quick(client.Options{}))
	require.NoError(t, err)
	defer closed(t, m)
	_, err = m.Socket("/", client.SocketOptions{Auth: mad})
	require.ErrorIs(t, err, client.ErrInvalidOptions)
	_, err = m.Socket("/", client.SocketOptions{Auth: 5})
	require.ErrorIs(t, err, client.ErrInvalidOptions)

	var s *client.Socket
	var calls atomic.Int32
	s, err = m.Socket("/", client.SocketOptions{AuthFunc: func(context.Context) (any, error) {
		switch calls.Add(1) {
		case 1, 4:
			return map[string]string(nil), nil
		case 2, 5:
			return mad, nil
		default:
			return marshals(func() ([]byte, error) { return []byte(`{"id":"` + s.ID() + `"}`), nil }), nil
		}
	}})
	require.NoError(t, err)
	for range 3 { // the later ones with a recovery to ask for
		require.NoError(t, s.ConnectAndWait(within(t)))
		require.NoError(t, server.Cut(t.Context()))
		require.Eventually(t, func() bool { return !s.Connected() }, patience, time.Millisecond)
	}
	require.NoError(t, s.ConnectAndWait(within(t)))
}

func TestOptions_RandomizationFactorIsNoNumber_IsInvalid(t *testing.T) {
	nan := 0.0
	nan /= nan
	_, err := client.New("http://localhost", client.Options{RandomizationFactor: nan})
	require.ErrorIs(t, err, client.ErrInvalidOptions)
}
