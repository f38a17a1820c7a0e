package client_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/client"
)

// world is one row of the table: a helper, its server, and what it logged and called.
type world struct {
	backend
	*client.Helper
	log   *journal
	calls chan string // of the lifecycle callbacks
}

type credentials struct {
	Token string `json:"token"`
}

// callbacks notes each call as "name" or "name: argument".
func callbacks(o *client.HelperOptions) chan string {
	calls := make(chan string, 1000)
	note := func(s string) error {
		calls <- s
		return nil
	}
	o.OnConnected = func(_ context.Context, _ *client.Helper) error { return note("connected") }
	o.OnDisconnected = func(_ context.Context, _ *client.Helper, r client.Reason) error {
		return note("disconnected: " + string(r))
	}
	o.OnError = func(_ context.Context, _ *client.Helper, err error) error { return note("error: " + err.Error()) }
	o.OnAuthenticated = func(_ context.Context, _ *client.Helper) error { return note("authenticated") }
	o.OnUnauthenticated = func(_ context.Context, _ *client.Helper, m string) error { return note("unauthenticated: " + m) }
	return calls
}

func newWorld(t *testing.T, b backend, change func(*client.HelperOptions)) *world {
	t.Helper()
	w := &world{backend: b, log: &journal{}}
	o := client.HelperOptions{
		Identifier: "C1", Host: b.url(), Logger: slog.New(w.log),
		Options: client.Options{Path: b.path(), ReconnectionDelay: 10 * time.Millisecond},
		Socket:  client.SocketOptions{Auth: credentials{"good"}},
	}
	w.calls = callbacks(&o)
	if change != nil {
		change(&o)
	}
	var err error
	w.Helper, err = client.NewHelper(o)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, w.Shutdown(ctx))
	})
	return w
}

// called waits for the next callback.
func (w *world) called(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-w.calls:
		assert.Equal(t, want, got)
	case <-time.After(patience):
		t.Fatalf("%q was not called", want)
	}
}

// authenticated brings a world to where most rows begin.
func (w *world) authenticated(t *testing.T) *world {
	t.Helper()
	w.called(t, "connected")
	require.NoError(t, w.Authenticate(within(t)))
	w.called(t, "authenticated")
	return w
}

// unreachable is an address where nobody listens.
func unreachable(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return "http://" + l.Addr().String()
}

// row is one sentence of the reference and what proves it.
type row struct {
	sentence string
	change   func(*client.HelperOptions)
	prove    func(t *testing.T, w *world)
}

// TestHelper_Reference proves each sentence of the reference on the client helper against a server of actio and against the
// original.
func TestHelper_Reference(t *testing.T) {
	rows := slices.Concat(lifecycleRows(), authenticationRows(), subscriptionRows(), emissionRows(), failureRows())
	for name, start := range map[string]func(*testing.T) backend{"actio": startActio, "ignis": startIgnis} {
		t.Run(name, func(t *testing.T) {
			b := start(t)
			for _, r := range rows {
				t.Run(r.sentence, func(t *testing.T) { r.prove(t, newWorld(t, b, r.change)) })
			}
		})
	}
}

func lifecycleRows() []row {
	noConnect := func(o *client.HelperOptions) { o.NoAutoConnect = true }
	return []row{
		{"Stores the identifier", noConnect, func(t *testing.T, w *world) {
			assert.Equal(t, "C1", w.Identifier())
		}},
		{"Immediately calls configure() to create the socket", nil, func(t *testing.T, w *world) {
			assert.NotNil(t, w.Socket())
			w.called(t, "connected") // nobody called Connect
		}},
		{"If the client is already established, logs a message and returns early", nil, func(t *testing.T, w *world) {
			before := w.Socket()
			require.NoError(t, w.Configure())
			assert.True(t, w.log.has("INFO SocketIO Client already established id=C1"))
			assert.Same(t, before, w.Socket())
		}},
		{"connect: Logs connection, invokes onConnected callback", nil, func(t *testing.T, w *world) {
			w.called(t, "connected")
			assert.True(t, w.log.has("INFO Connected id=C1"))
		}},
		{
			"disconnect: Logs disconnection with reason, resets state to unauthorized, invokes onDisconnected callback", nil,
			func(t *testing.T, w *world) {
				w.authenticated(t)
				w.kick(t)
				w.called(t, "disconnected: io server disconnect")
				assert.Equal(t, client.Unauthorized, w.State())
				assert.True(t, w.log.has("INFO Disconnected id=C1 reason=io server disconnect"))
				assert.False(t, w.Socket().Active(), "a socket that the server disconnected stays so")
			},
		},
		{"connect_error: Logs the error, invokes onError callback", noConnect, func(t *testing.T, _ *world) {
			w := &world{log: &journal{}}
			o := client.HelperOptions{Identifier: "C1", Host: unreachable(t), Logger: slog.New(w.log)}
			o.Options.NoReconnection = true
			w.calls = callbacks(&o)
			h, err := client.NewHelper(o)
			require.NoError(t, err)
			call := <-w.calls
			assert.Contains(t, call, "error: client: connect")
			assert.Contains(t, call, "connection refused")
			w.log.wait(t, "ERROR Connection error id=C1 error=")
			assert.Equal(t, client.Unauthorized, h.State())
			assert.NoError(t, h.Shutdown(within(t)))
		}},
		{"ping: Logs debug-level ping received", nil, func(t *testing.T, w *world) {
			w.called(t, "connected")
			w.emit(t, "ping", struct{}{})
			w.log.wait(t, "DEBUG Ping received id=C1")
		}},
		{
			"getSocketClient(): Returns the raw Socket instance, for direct access to connected and id", nil,
			func(t *testing.T, w *world) {
				w.called(t, "connected")
				assert.True(t, w.Socket().Connected())
				assert.NotEmpty(t, w.Socket().ID())
			},
		},
		{"connect(): Manually connects the socket. Useful when autoConnect: false is set", noConnect, func(t *testing.T, w *world) {
			assert.False(t, w.Socket().Active())
			w.Connect()
			w.called(t, "connected")
		}},
		{"connect(): No-op with an info log if the client is not initialized", noConnect, func(t *testing.T, w *world) {
			require.NoError(t, w.Shutdown(within(t)))
			w.Connect()
			assert.True(t, w.log.has("INFO Invalid client to connect id=C1"))
		}},
		{"disconnect(): Manually disconnects the socket", nil, func(t *testing.T, w *world) {
			w.called(t, "connected")
			w.Disconnect()
			w.called(t, "disconnected: io client disconnect")
			assert.False(t, w.Socket().Active())
			w.Connect()
			w.called(t, "connected")
		}},
		{"disconnect(): No-op with an info log if the client is not initialized", noConnect, func(t *testing.T, w *world) {
			require.NoError(t, w.Shutdown(within(t)))
			w.Disconnect()
			assert.True(t, w.log.has("INFO Invalid client to disconnect id=C1"))
		}},
		{
			"shutdown(): removes all listeners, disconnects if still connected, state = UNAUTHORIZED", nil,
			func(t *testing.T, w *world) {
				w.authenticated(t)
				require.NotNil(t, w.Subscribe("disconnect", func(context.Context, *client.Event) error {
					w.calls <- "a listener that was removed"
					return nil
				}))
				require.NoError(t, w.Shutdown(within(t)))
				assert.True(t, w.log.has("INFO Shutting down SocketIO client id=C1"))
				assert.True(t, w.log.has("INFO SocketIO client shutdown complete id=C1"))
				assert.False(t, w.Socket().Connected())
				assert.Equal(t, client.Unauthorized, w.State())
				assert.Empty(t, w.calls)
				assert.NoError(t, w.Shutdown(within(t)), "idempotent")
			},
		},
	}
}

func authenticationRows() []row {
	return []row{
		{"authenticate(): Sets state to authenticating, emits authenticate", nil, func(t *testing.T, w *world) {
			w.called(t, "connected")
			assert.Equal(t, client.Unauthorized, w.State())
			require.NoError(t, w.Authenticate(within(t)))
			assert.True(t, w.log.has("INFO Authentication requested id=C1"))
			assert.Equal(t, client.Authenticated, w.State())
		}},
		{
			"authenticate(): No-op with warning log if the socket is not connected", func(o *client.HelperOptions) { o.NoAutoConnect = true },
			func(t *testing.T, w *world) {
				assert.ErrorIs(t, w.Authenticate(within(t)), client.ErrNotConnected)
				assert.True(t, w.log.has("WARN Cannot authenticate id=C1 reason=not connected"))
			},
		},
		{"authenticate(): No-op with warning log if the current state is not unauthorized", nil, func(t *testing.T, w *world) {
			w.authenticated(t)
			assert.ErrorIs(t, w.Authenticate(within(t)), client.ErrAuthState)
			assert.True(t, w.log.has("WARN Cannot authenticate id=C1 current_state=authenticated"))
			assert.Equal(t, client.Authenticated, w.State())
		}},
		{
			"authenticated: Logs auth data, sets state to authenticated, invokes onAuthenticated callback", nil,
			func(t *testing.T, w *world) {
				w.authenticated(t)
				assert.True(t, w.log.has(`INFO Authenticated id=C1 data={"id":"`+w.Socket().ID()+`"`))
				assert.Equal(t, client.Authenticated, w.State())
			},
		},
		{
			"unauthenticated: Logs warning with auth data, resets state, invokes onUnauthenticated callback with the message", nil,
			func(t *testing.T, w *world) {
				w.authenticated(t)
				w.emit(t, "unauthenticated", map[string]string{"message": "Go away!"})
				w.called(t, "unauthenticated: Go away!")
				assert.True(t, w.log.has(`WARN Unauthenticated id=C1 data={"message":"Go away!"}`))
				assert.Equal(t, client.Unauthorized, w.State())
			},
		},
		{
			"Authenticate may be called in OnConnected", func(o *client.HelperOptions) { o.NoAutoConnect = true },
			func(t *testing.T, w *world) {
				done := make(chan error, 1)
				require.NotNil(t, w.Subscribe(client.EventConnect, func(ctx context.Context, _ *client.Event) error {
					done <- w.Authenticate(ctx)
					return nil
				}))
				w.Connect()
				require.NoError(t, <-done)
				w.called(t, "connected")
				w.called(t, "authenticated")
			},
		},
		{
			"AutoAuthenticate authenticates by itself, after each reconnect", func(o *client.HelperOptions) { o.AutoAuthenticate = true },
			func(t *testing.T, w *world) {
				for range 3 {
					w.called(t, "connected")
					w.called(t, "authenticated")
					w.Disconnect()
					w.called(t, "disconnected: io client disconnect")
					assert.Equal(t, client.Unauthorized, w.State())
					w.Connect()
				}
			},
		},
	}
}

func subscriptionRows() []row {
	noConnect := func(o *client.HelperOptions) { o.NoAutoConnect = true }
	note := func(w *world, s string) client.EventHandler {
		return func(context.Context, *client.Event) error {
			w.calls <- s
			return nil
		}
	}
	return []row{
		{"subscribe(): Subscribes to a Socket.IO event", nil, func(t *testing.T, w *world) {
			w.authenticated(t)
			got := make(chan map[string]int, 1)
			require.NotNil(t, w.Subscribe("score", client.Data(func(_ context.Context, data map[string]int) error {
				got <- data
				return nil
			})))
			assert.True(t, w.log.has("INFO Subscribed id=C1 event=score"))
			w.emit(t, "score", map[string]int{"home": 2})
			assert.Equal(t, map[string]int{"home": 2}, <-got)
		}},
		{"subscribe(): no-op with warning log if the handler is falsy", noConnect, func(t *testing.T, w *world) {
			assert.Nil(t, w.Subscribe("score", nil))
			assert.True(t, w.log.has("WARN No handler provided id=C1 event=score"))
		}},
		{
			"subscribe(): ignoreDuplicate is true (default) and the event already has listeners", noConnect,
			func(t *testing.T, w *world) {
				assert.NotNil(t, w.Subscribe("score", note(w, "a")))
				assert.Nil(t, w.Subscribe("score", note(w, "b")))
				assert.True(t, w.log.has("INFO Handler already exists id=C1 event=score"))
				assert.NotNil(t, w.Subscribe("score", note(w, "b"), client.AllowDuplicate))
			},
		},
		{"subscribeMany(): Batch subscribes to multiple events", nil, func(t *testing.T, w *world) {
			w.authenticated(t)
			got := w.SubscribeMany(map[string]client.EventHandler{"a": note(w, "a"), "b": note(w, "b"), "c": nil})
			assert.Len(t, got, 2)
			w.emit(t, "a")
			w.called(t, "a")
			w.emit(t, "b")
			w.called(t, "b")
		}},
		{"unsubscribe(): If handler is provided, removes only that specific handler", nil, func(t *testing.T, w *world) {
			w.authenticated(t)
			a := w.Subscribe("score", note(w, "a"))
			w.Subscribe("score", note(w, "b"), client.AllowDuplicate)
			w.emit(t, "score")
			w.called(t, "a")
			w.called(t, "b")
			w.Unsubscribe("score", a)
			assert.True(t, w.log.has("INFO Removed specific handler id=C1 event=score"))
			w.emit(t, "score")
			w.called(t, "b")
		}},
		{"unsubscribe(): If handler is omitted, removes all handlers for the event", nil, func(t *testing.T, w *world) {
			w.authenticated(t)
			w.Subscribe("score", note(w, "a"))
			w.Subscribe("score", note(w, "b"), client.AllowDuplicate)
			w.Subscribe("other", note(w, "other"))
			w.Unsubscribe("score")
			assert.True(t, w.log.has("INFO Removed all handlers id=C1 event=score"))
			w.emit(t, "score")
			w.emit(t, "other")
			w.called(t, "other")
		}},
		{"unsubscribe(): No-op if the socket has no listeners for the event", noConnect, func(t *testing.T, w *world) {
			w.Unsubscribe("score")
			assert.True(t, w.log.has("INFO No listeners to remove id=C1 event=score"))
		}},
		{"unsubscribeMany(): Removes all handlers for each event in the array", noConnect, func(t *testing.T, w *world) {
			w.Subscribe("a", note(w, "a"))
			w.Subscribe("b", note(w, "b"))
			w.UnsubscribeMany("a", "b", "c")
			assert.False(t, w.Socket().HasHandlers("a"))
			assert.False(t, w.Socket().HasHandlers("b"))
		}},
		{
			"the events that the helper itself listens to can be subscribed to, and unsubscribing leaves the helper's own", noConnect,
			func(t *testing.T, w *world) {
				events := []string{"connect", "disconnect", "connect_error", "authenticated", "unauthenticated", "ping"}
				for _, event := range events {
					require.NotNil(t, w.Subscribe(event, note(w, "own "+event)), event)
				}
				w.Connect()
				w.called(t, "connected")
				w.called(t, "own connect")
				w.emit(t, "ping", struct{}{})
				w.called(t, "own ping")
				w.UnsubscribeMany(events...)
				require.NoError(t, w.Authenticate(within(t)))
				w.called(t, "authenticated")
				assert.Equal(t, client.Authenticated, w.State())
			},
		},
	}
}

func emissionRows() []row {
	noConnect := func(o *client.HelperOptions) { o.NoAutoConnect = true }
	return []row{
		{"emit(): Emits an event to the server", nil, func(t *testing.T, w *world) {
			w.authenticated(t)
			require.NoError(t, w.Emit(client.Message{Topic: "news", Data: map[string]int{"n": 1}}))
			event, args := w.next(t)
			assert.Equal(t, "news", event)
			assert.JSONEq(t, `[{"n":1}]`, args)
		}},
		{"emit(): falsy data is sent", nil, func(t *testing.T, w *world) {
			w.authenticated(t)
			for _, data := range []any{0, false, "", nil} {
				require.NoError(t, w.Emit(client.Message{Topic: "empty", Data: data}))
				_, args := w.next(t)
				want, err := json.Marshal([]any{data})
				require.NoError(t, err)
				assert.JSONEq(t, string(want), args)
			}
		}},
		{"emit(): Throws if the socket is not connected, before the topic is looked at", noConnect, func(t *testing.T, w *world) {
			err := w.Emit(client.Message{})
			assert.ErrorIs(t, err, client.ErrNotConnected)
			assert.ErrorContains(t, err, "Invalid socket client state to emit")
		}},
		{"emit(): Throws if the topic is falsy", nil, func(t *testing.T, w *world) {
			w.called(t, "connected")
			err := w.Emit(client.Message{Data: 1})
			assert.ErrorIs(t, err, client.ErrInvalidTopic)
			assert.ErrorContains(t, err, "Topic is required to emit")
		}},
		{"emit(): If cb is provided, it is executed asynchronously", nil, func(t *testing.T, w *world) {
			w.authenticated(t)
			require.NoError(t, w.Emit(client.Message{Topic: "news", Callback: func(context.Context) { w.calls <- "callback" }}))
			w.called(t, "callback")
		}},
		{"emit(): If doLog is true, logs the topic and data", nil, func(t *testing.T, w *world) {
			w.authenticated(t)
			require.NoError(t, w.Emit(client.Message{Topic: "news", Data: "quiet"}))
			assert.False(t, w.log.has("INFO Emitted"))
			require.NoError(t, w.Emit(client.Message{Topic: "news", Data: 7, Log: true}))
			assert.True(t, w.log.has("INFO Emitted id=C1 topic=news data=7"))
		}},
		{"emit(): a reserved topic is an error", nil, func(t *testing.T, w *world) {
			w.called(t, "connected")
			assert.ErrorIs(t, w.Emit(client.Message{Topic: "disconnect"}), client.ErrReservedEvent)
		}},
		{"joinRooms(): Emits a join event, the server validates and performs the join", nil, func(t *testing.T, w *world) {
			w.authenticated(t)
			require.NoError(t, w.JoinRooms("a", "deny-x", "b"))
			assert.True(t, w.log.has("INFO Join rooms requested id=C1 rooms=[a deny-x b]"))
			require.Eventually(t, func() bool { return len(w.rooms(t, w.Socket().ID())) == 5 }, patience, time.Millisecond)
			assert.ElementsMatch(t, []string{w.Socket().ID(), "io-default", "io-notification", "a", "b"}, w.rooms(t, w.Socket().ID()))
		}},
		{"leaveRooms(): Emits a leave event, the server performs the leave", nil, func(t *testing.T, w *world) {
			w.authenticated(t)
			require.NoError(t, w.JoinRooms("a", "b"))
			// The original joins when its validator has answered, which may be after a leave.
			require.Eventually(t, func() bool { return len(w.rooms(t, w.Socket().ID())) == 5 }, patience, time.Millisecond)
			require.NoError(t, w.LeaveRooms("a", "nope"))
			assert.True(t, w.log.has("INFO Leave rooms requested id=C1 rooms=[a nope]"))
			require.NoError(t, w.Emit(client.Message{Topic: "news"})) // handled after them
			w.next(t)
			require.Eventually(t, func() bool { return len(w.rooms(t, w.Socket().ID())) == 4 }, patience, time.Millisecond)
			assert.ElementsMatch(t, []string{w.Socket().ID(), "io-default", "io-notification", "b"}, w.rooms(t, w.Socket().ID()))
		}},
		{
			"joinRooms(), leaveRooms(): No-op with warning log if the socket is not connected", noConnect,
			func(t *testing.T, w *world) {
				assert.ErrorIs(t, w.JoinRooms("a"), client.ErrNotConnected)
				assert.True(t, w.log.has("WARN Cannot join rooms id=C1 reason=not connected"))
				assert.ErrorIs(t, w.LeaveRooms("a"), client.ErrNotConnected)
				assert.True(t, w.log.has("WARN Cannot leave rooms id=C1 reason=not connected"))
			},
		},
	}
}

func TestHelper_WrongToken_UnauthenticatedWithTheServersMessage(t *testing.T) {
	w := newWorld(t, startActio(t), func(o *client.HelperOptions) {
		o.Socket.Auth = credentials{"bad"}
		o.Options.NoReconnection = true
	})
	w.called(t, "connected")
	err := w.Authenticate(within(t))
	require.ErrorIs(t, err, client.ErrUnauthenticated)
	assert.ErrorContains(t, err, "Invalid token to authenticate! Please login again!")
	w.called(t, "unauthenticated: Invalid token to authenticate! Please login again!")
	w.called(t, "disconnected: io server disconnect")
	assert.Equal(t, client.Unauthorized, w.State())
}

func TestHelper_AutoAuthenticateWrongToken_StaysDisconnected(t *testing.T) {
	w := newWorld(t, startActio(t), func(o *client.HelperOptions) {
		o.Socket.Auth = credentials{"bad"}
		o.AutoAuthenticate = true
	})
	w.called(t, "connected")
	w.called(t, "unauthenticated: Invalid token to authenticate! Please login again!")
	w.called(t, "disconnected: io client disconnect")
	assert.False(t, w.Socket().Active())
}

func TestHelper_NoVerdict_UnauthorizedAfterTheTimeout(t *testing.T) {
	w := newWorld(t, startActio(t), func(o *client.HelperOptions) {
		o.Socket.Auth = credentials{"never"}
		o.AuthenticateTimeout = 50 * time.Millisecond
	})
	w.called(t, "connected")
	require.ErrorIs(t, w.Authenticate(within(t)), client.ErrTimeout)
	w.called(t, "unauthenticated: Authentication timed out!")
	assert.Equal(t, client.Unauthorized, w.State())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, w.Authenticate(ctx), context.Canceled)
	assert.Equal(t, client.Unauthorized, w.State())
}

func TestHelper_ShutdownWhileConnecting_LeavesNothing(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	for _, host := range []string{unreachable(t), "http://" + silent.Addr().String()} {
		for _, transport := range []client.Transport{client.Polling, client.WebSocket} {
			h, err := client.NewHelper(client.HelperOptions{
				Identifier: "C1", Host: host, Options: client.Options{Transports: []client.Transport{transport}},
			})
			require.NoError(t, err)
			require.NoError(t, h.Shutdown(within(t)))
			assert.False(t, h.Socket().Active())
		}
	}
}

func TestHelper_ShutdownInCallback_DoesNotWaitForItself(t *testing.T) {
	b := startActio(t)
	done := make(chan error, 1)
	var w *world
	ready := make(chan struct{})
	w = newWorld(t, b, func(o *client.HelperOptions) {
		o.OnConnected = func(ctx context.Context, _ *client.Helper) error {
			<-ready
			done <- w.Shutdown(ctx)
			return nil
		}
	})
	close(ready)
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(patience):
		t.Fatal("Shutdown waits for its own callback")
	}
}

func TestNewHelper_BadOptions_Errors(t *testing.T) {
	for _, o := range []client.HelperOptions{
		{Host: "http://127.0.0.1"},
		{Identifier: "C1"},
		{Identifier: "C1", Host: "ftp://127.0.0.1"},
		{Identifier: "C1", Host: "http://127.0.0.1", AuthenticateTimeout: -1},
		{Identifier: "C1", Host: "http://127.0.0.1", Options: client.Options{Transports: []client.Transport{"telegraph"}}},
		{Identifier: "C1", Host: "http://127.0.0.1", Socket: client.SocketOptions{Retries: -1}},
		{Identifier: "C1", Host: "http://127.0.0.1/a,b"},
	} {
		_, err := client.NewHelper(o)
		assert.ErrorIs(t, err, client.ErrInvalidOptions, "%+v", o)
	}
}
