package namespaces

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/wire"
)

const (
	refusedText  = "Invalid token to authenticate! Please login again!"
	timedOutText = "Authentication timed out! Please login again!"
)

// annOnly lets ann in; of "late" it thinks until its context ends.
func annOnly(ctx context.Context, h *actio.Handshake) (*actio.Principal, error) {
	switch name := token(h); name {
	case "ann":
		return &actio.Principal{UserID: name}, nil
	case "late":
		<-ctx.Done()
		return nil, context.Cause(ctx)
	case "locked":
		return nil, &actio.ConnectError{Message: "account locked", Data: map[string]any{"until": "tomorrow"}}
	default:
		return nil, actio.ErrRefused
	}
}

func TestOnConnect_RightToken_IsAuthenticatedAtOnce(t *testing.T) {
	connected := make(chan *actio.Socket, 1)
	s := serve(t, actio.Options{
		Authenticate: annOnly, AuthenticateOn: actio.OnConnect,
		ClientConnected: func(_ context.Context, socket *actio.Socket) { connected <- socket },
	})
	c, err := s.dial(t, "/", map[string]any{"token": "ann"})
	require.NoError(t, err)
	jsclient.Wait(t, c, "authenticated")
	socket := await.Value(t, connected)
	assert.Equal(t, c.ID(), socket.ID())
	assert.Equal(t, actio.Authenticated, socket.State())
	assert.Equal(t, "ann", socket.Principal().UserID)
	rooms, err := socket.Rooms(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{c.ID(), actio.RoomDefault, actio.RoomNotification}, rooms)
	require.NoError(t, s.ToUser("ann").Emit("hello"))
	jsclient.Wait(t, c, "hello")

	require.NoError(t, s.Root().Handle("x", answers("y")))
	c.Emit("authenticate")                                 // as clients of the reference do
	c.Emit("authenticate", map[string]any{"token": "ann"}) // a renewal
	jsclient.Wait(t, c, "authenticated")
	assert.Equal(t, []any{"y"}, jsclient.Ask(t, c, "x"))
	assert.Equal(t, []string{"connect", "authenticated", "ping"}, c.Events()[:3])
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	assert.Zero(t, stats.Unauthenticated)
	assert.EqualValues(t, 2, stats.AuthSucceeded)
}

func TestOnConnect_WrongOrLate_ConnectErrorSaysWhy(t *testing.T) {
	s := serve(t, actio.Options{
		Authenticate: annOnly, AuthenticateOn: actio.OnConnect, AuthenticateTimeout: 100 * time.Millisecond,
	})
	assert.Equal(t, map[string]any{"message": refusedText, "data": nil}, s.refused(t, "/", nil))
	assert.Equal(t, map[string]any{"message": refusedText, "data": nil}, s.refused(t, "/", map[string]any{"token": "eve"}))
	assert.Equal(t, map[string]any{"message": timedOutText, "data": nil}, s.refused(t, "/", map[string]any{"token": "late"}))
	assert.Equal(t, map[string]any{"message": "account locked", "data": map[string]any{"until": "tomorrow"}},
		s.refused(t, "/", map[string]any{"token": "locked"}))
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 3, stats.AuthRefused)
	assert.EqualValues(t, 1, stats.AuthTimedOut)
	assert.Zero(t, stats.Sockets)
}

func TestOnConnect_SecondNamespaceRefused_FirstIsNotDisturbed(t *testing.T) {
	s := serve(t, actio.Options{Authenticate: annOnly, AuthenticateOn: actio.OnConnect})
	s.of(t, "/admin")
	require.NoError(t, s.Root().Handle("x", answers("y")))
	c, err := s.dial(t, "/", map[string]any{"token": "ann"})
	require.NoError(t, err)
	admin, err := c.Of(t.Context(), "/admin", map[string]any{"token": "eve"})
	require.ErrorContains(t, err, refusedText)
	assert.Equal(t, []any{map[string]any{"message": refusedText, "data": nil}}, jsclient.Wait(t, admin, "connect_error"))
	assert.Equal(t, []any{"y"}, jsclient.Ask(t, c, "x"))
}

func TestAuthenticate_OfANamespace_HoldsThereAlone(t *testing.T) {
	s := serve(t, actio.Options{Authenticate: annOnly})
	require.NoError(t, s.of(t, "/public").Authenticate(actio.NamespaceAuth{None: true}))
	require.NoError(t, s.of(t, "/strict").Authenticate(actio.NamespaceAuth{On: actio.OnConnect}))
	require.NoError(t, s.of(t, "/other").Authenticate(actio.NamespaceAuth{
		Authenticate: func(context.Context, *actio.Handshake) (*actio.Principal, error) {
			return &actio.Principal{UserID: "anybody"}, nil
		},
	}))
	state := func(namespace string, auth any) actio.State {
		t.Helper()
		c, err := s.dial(t, namespace, auth)
		require.NoError(t, err)
		return s.socket(t, c).State()
	}
	assert.Equal(t, actio.Unauthorized, state("/", nil))
	assert.Equal(t, actio.Authenticated, state("/public", nil))
	assert.Equal(t, actio.Authenticated, state("/strict", map[string]any{"token": "ann"}))
	assert.Equal(t, refusedText, s.refused(t, "/strict", nil)["message"])
	c := s.enter(t, "/other")
	c.Emit("authenticate")
	jsclient.Wait(t, c, "authenticated")
	assert.Equal(t, "anybody", s.socket(t, c).Principal().UserID)
}

func TestAuthenticate_OfANamespaceOnAPlainServer_HasRoomsAndPings(t *testing.T) {
	s := serve(t, actio.Options{})
	require.NoError(t, s.of(t, "/strict").Authenticate(actio.NamespaceAuth{Authenticate: annOnly, On: actio.OnConnect}))
	c, err := s.dial(t, "/strict", map[string]any{"token": "ann"})
	require.NoError(t, err)
	jsclient.Wait(t, c, "authenticated")
	jsclient.Wait(t, c, "ping")
	require.NoError(t, s.of(t, "/strict").To(actio.RoomDefault).Emit("hello"))
	jsclient.Wait(t, c, "hello")
}

func TestAuthenticate_Contradictory_SaysSo(t *testing.T) {
	s := serve(t, actio.Options{})
	require.ErrorContains(t, s.Root().Authenticate(actio.NamespaceAuth{}), "no Authenticate")
	require.ErrorContains(t, s.Root().Authenticate(actio.NamespaceAuth{Authenticate: annOnly, None: true}), "exclude each other")
	require.ErrorContains(t, s.OfPattern(nil).Authenticate(actio.NamespaceAuth{Authenticate: annOnly, On: 9}), "AuthenticateOn")
	_, err := actio.New(actio.Options{NoAuthentication: true, AuthenticateOn: 9})
	require.ErrorContains(t, err, "AuthenticateOn")
}

func TestOnConnect_MoreNamespacesThanAttempts_AllAreEntered(t *testing.T) {
	s := serve(t, actio.Options{Authenticate: annOnly, AuthenticateOn: actio.OnConnect})
	client, err := rawclient.Dial(strings.TrimPrefix(s.URL, "http://"), rawclient.Options{})
	require.NoError(t, err)
	defer client.Close()
	packets := make([]string, 0, 12)
	for i := range cap(packets) {
		name := fmt.Sprintf("/n%d", i)
		s.of(t, name)
		packets = append(packets, "40"+name+`,{"token":"ann"}`)
	}
	require.NoError(t, client.Send(packets...))
	for entered := 0; entered < len(packets); {
		m, err := client.Next()
		require.NoError(t, err)
		require.NotEqual(t, wire.ConnectError, m.Type, "%s %s", m.Namespace, m.Data)
		if m.Type == wire.Connect {
			entered++
		}
	}
}

func TestMaxUnauthenticated_OnConnectOfANamespace_CountsWhoWaitsForItsVerdict(t *testing.T) {
	asked := make(chan struct{}, 1)
	s := serve(t, actio.Options{MaxUnauthenticated: 1})
	require.NoError(t, s.Root().Authenticate(actio.NamespaceAuth{
		Authenticate: func(ctx context.Context, h *actio.Handshake) (*actio.Principal, error) {
			select {
			case asked <- struct{}{}:
			case <-ctx.Done():
			}
			return annOnly(ctx, h)
		},
		On: actio.OnConnect,
	}))
	client, err := rawclient.Dial(strings.TrimPrefix(s.URL, "http://"), rawclient.Options{})
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.Send(`40{"token":"late"}`))
	await.Value(t, asked)
	_, err = s.dial(t, "/", map[string]any{"token": "ann"})
	require.Error(t, err)
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, stats.Connections)
	assert.NotZero(t, stats.RefusedUnauthenticated)
}
