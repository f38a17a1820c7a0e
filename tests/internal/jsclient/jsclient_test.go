package jsclient

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/jsprocess"
)

// transports are the ways in which a client can connect.
func transports() map[string][]string {
	return map[string][]string{"websocket": WebSocket, "polling": Polling, "upgrade": Upgrade}
}

func TestConnect_EachTransport_EchoesTextAndBinary(t *testing.T) {
	url := Serve(t, "echo-server.mjs")
	node := Start(t)
	sent := []any{
		"text", 1.5, true, nil,
		[]byte{0, 1, 255},
		map[string]any{"deep": []any{[]byte("bytes"), map[string]any{"empty": []byte{}}}},
	}
	for name, transports := range transports() {
		t.Run(name, func(t *testing.T) {
			c := node.Connect(url, Options{Transports: transports})
			assert.Len(t, c.ID(), 20)

			c.Emit("echo", sent...)
			echoed, err := c.WaitEvent(t.Context(), "echo")
			require.NoError(t, err)
			assert.Equal(t, sent, echoed.Values())

			acknowledged, err := c.EmitWithAck(t.Context(), "echo", sent...)
			require.NoError(t, err)
			assert.Equal(t, sent, acknowledged.Values())
			c.Disconnect()
		})
	}
}

func TestTransport_AfterUpgrade_IsWebSocket(t *testing.T) {
	node := Start(t)
	c := node.Connect(Serve(t, "echo-server.mjs"), Options{Transports: Upgrade})
	upgraded, err := c.WaitEvent(t.Context(), "upgrade")
	require.NoError(t, err)
	assert.Equal(t, []any{"websocket"}, upgraded.Values())
	assert.Equal(t, "websocket", c.Transport())
}

func TestOptions_Auth_ReachesTheServer(t *testing.T) {
	node := Start(t)
	c := node.Connect(Serve(t, "echo-server.mjs"), Options{Auth: map[string]any{"token": "secret"}})
	auth, err := c.WaitEvent(t.Context(), "auth")
	require.NoError(t, err)
	var got struct{ Token string }
	require.NoError(t, auth.Decode(0, &got))
	assert.Equal(t, "secret", got.Token)
	require.ErrorContains(t, auth.Decode(1, &got), "argument 1 of 1")
}

func TestDial_Refused_ReturnsTheServersMessage(t *testing.T) {
	node := Start(t)
	c, err := node.Dial(t.Context(), Serve(t, "echo-server.mjs")+"/refuse", Options{})
	require.EqualError(t, err, "nobody enters")
	refusal, err := c.WaitEvent(t.Context(), "connect_error")
	require.NoError(t, err)
	assert.Equal(t, []any{map[string]any{"message": "nobody enters", "data": map[string]any{"code": 7.0}}}, refusal.Values())
}

func TestOpen_ServerAbsent_TellsByEvent(t *testing.T) {
	c := Start(t).Open("http://127.0.0.1:1", Options{Transports: WebSocket})
	_, err := c.WaitEvent(t.Context(), "connect_error")
	require.NoError(t, err)
	assert.Empty(t, c.ID())
}

func TestOf_SameConnection_IsAnotherSocket(t *testing.T) {
	node := Start(t)
	c := node.Connect(Serve(t, "echo-server.mjs"), Options{Transports: WebSocket})
	custom, err := c.Of(t.Context(), "/custom", map[string]any{"token": "key"})
	require.NoError(t, err)
	assert.NotEqual(t, c.ID(), custom.ID())
	auth, err := custom.WaitEvent(t.Context(), "auth")
	require.NoError(t, err)
	assert.Equal(t, []any{map[string]any{"token": "key"}}, auth.Values())
}

func TestServerAsksForAck_AnsweredUnlessMute(t *testing.T) {
	url := Serve(t, "echo-server.mjs")
	node := Start(t)
	for _, test := range []struct {
		name    string
		options Options
		want    any
	}{
		{"answers with the arguments", Options{}, "x"},
		{"answers with its own", Options{Answer: []any{[]byte{1}, "further ones are not asked for"}}, []byte{1}},
		{"mute", Options{Mute: true}, "operation has timed out"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := node.Connect(url, test.options)
			c.Emit("ask", "x", 2)
			asked, err := c.WaitEvent(t.Context(), "asked")
			require.NoError(t, err)
			assert.Equal(t, []any{"x", 2.0}, asked.Values())
			answer, err := c.WaitEvent(t.Context(), "answer")
			require.NoError(t, err)
			assert.Equal(t, []any{test.want}, answer.Values())
		})
	}
}

func TestDisconnected_ByServer_TellsTheReason(t *testing.T) {
	node := Start(t)
	c := node.Connect(Serve(t, "echo-server.mjs"), Options{})
	assert.Empty(t, c.DisconnectReason())
	c.EmitVolatile("kick")
	select {
	case <-c.Disconnected():
	case <-time.After(patience):
		t.Fatal("the server did not disconnect the client")
	}
	assert.Equal(t, "io server disconnect", c.DisconnectReason())

	first := c.ID()
	c.Reopen()
	for range 2 {
		_, err := c.WaitEvent(t.Context(), "connect")
		require.NoError(t, err)
	}
	assert.NotEqual(t, first, c.ID())
}

func TestDrop_Reconnect_ConnectsAgain(t *testing.T) {
	url := Serve(t, "echo-server.mjs")
	node := Start(t)
	for name, transports := range map[string][]string{"websocket": WebSocket, "polling": Polling} {
		t.Run(name, func(t *testing.T) {
			c := node.Connect(url, Options{
				Transports: transports, Reconnect: true, Extra: map[string]any{"reconnectionDelay": 10},
			})
			c.Drop()
			for _, event := range []string{"disconnect", "reconnect_attempt", "connect", "connect"} {
				_, err := c.WaitEvent(t.Context(), event)
				require.NoError(t, err)
			}
		})
	}
}

func TestWaitEvent_ContextEnds_NamesTheEvent(t *testing.T) {
	node := Start(t)
	c := node.Connect(Serve(t, "echo-server.mjs"), Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := c.WaitEvent(ctx, "nothing")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "nothing")

	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = c.EmitWithAck(ctx, "nobody listens")
	require.EqualError(t, err, "operation has timed out")
	assert.Zero(t, c.Received("nothing"))
}

func TestGroup_Broadcast_ReachesEveryClientInOrder(t *testing.T) {
	const clients, messages = 100, 20
	node := Start(t)
	group, err := node.ConnectMany(t.Context(), clients, Serve(t, "echo-server.mjs"), Options{Transports: WebSocket})
	require.NoError(t, err)
	ids := slices.Clone(group.IDs())
	slices.Sort(ids)
	assert.Len(t, slices.Compact(ids), clients)

	joined, err := group.EmitWithAck(t.Context(), "join", "lobby")
	require.NoError(t, err)
	assert.Equal(t, slices.Repeat([]Args{{}}, clients), joined)
	require.NoError(t, group.Emit(t.Context(), "echo", "all"))
	require.NoError(t, group.Wait(t.Context(), "echo", 1))
	speaker := &Group{harness: node, names: group.names[:1]}
	for i := range messages {
		require.NoError(t, speaker.Emit(t.Context(), "to", "lobby", "news", i))
	}
	require.NoError(t, group.Wait(t.Context(), "news", messages))

	received, err := group.Received(t.Context(), "news")
	require.NoError(t, err)
	require.Len(t, received, clients)
	for _, news := range received {
		require.Len(t, news, messages)
		for i, args := range news {
			assert.Equal(t, []any{float64(i)}, args.Values())
		}
	}
	counts, err := group.Count(t.Context(), "news")
	require.NoError(t, err)
	assert.Equal(t, slices.Repeat([]int{messages}, clients), counts)

	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.ErrorContains(t, group.Wait(ctx, "news", messages+1), `20 of 21 "news"`)
	require.NoError(t, group.Disconnect(t.Context()))
}

func TestHarness_ProcessEnded_FailsCallsAndWaits(t *testing.T) {
	node := Start(t)
	c := node.Connect(Serve(t, "echo-server.mjs"), Options{})
	node.process.End()
	_, err := c.WaitEvent(t.Context(), "nothing")
	require.ErrorIs(t, err, jsprocess.ErrEnded)
	_, err = node.Dial(t.Context(), "http://127.0.0.1:1", Options{})
	require.Error(t, err)
}

func TestBinary_InStruct_IsBinary(t *testing.T) {
	type file struct {
		Name string `json:"name"`
		Data Binary `json:"data"`
	}
	node := Start(t)
	c := node.Connect(Serve(t, "echo-server.mjs"), Options{Transports: WebSocket})
	for _, sent := range []file{{"full", Binary{1, 2}}, {"empty", Binary{}}} {
		args, err := c.EmitWithAck(t.Context(), "echo", sent)
		require.NoError(t, err)
		var got file
		require.NoError(t, args.Decode(0, &got))
		assert.Equal(t, sent, got)
	}
}

func TestBinary_NoTag_IsRefused(t *testing.T) {
	var binary Binary
	for _, text := range []string{`"text"`, `{}`, `{"$binary":1}`} {
		require.Error(t, binary.UnmarshalJSON([]byte(text)), text)
	}
}

func TestGreet_EachConnect_EmitsTheEvent(t *testing.T) {
	url := Serve(t, "echo-server.mjs")
	node := Start(t)
	c := node.Connect(url, Options{
		Transports: WebSocket, Greet: "echo", Reconnect: true, Extra: map[string]any{"reconnectionDelay": 10},
	})
	_, err := c.WaitEvent(t.Context(), "echo")
	require.NoError(t, err)
	assert.Equal(t, []string{"connect", "auth", "echo"}, c.Events())
	assert.True(t, c.Active())
	c.Close()
	_, err = c.WaitEvent(t.Context(), "disconnect")
	require.NoError(t, err)
	assert.Equal(t, "forced close", c.DisconnectReason())
	_, err = c.WaitEvent(t.Context(), "echo")
	require.NoError(t, err)
	c.Emit("kick")
	for range 2 {
		_, err = c.WaitEvent(t.Context(), "connect")
		require.NoError(t, err)
	}
	_, err = c.WaitEvent(t.Context(), "disconnect")
	require.NoError(t, err)
	assert.False(t, c.Active())

	group, err := node.ConnectMany(t.Context(), 2, url, Options{Transports: WebSocket, Greet: "kick"})
	require.NoError(t, err)
	require.NoError(t, group.Wait(t.Context(), "disconnect", 1))
	events, err := group.Events(t.Context())
	require.NoError(t, err)
	assert.Equal(t, slices.Repeat([][]string{{"connect", "auth", "disconnect"}}, 2), events)
}

func TestEmitMany_NumbersTheEvents(t *testing.T) {
	c := Start(t).Connect(Serve(t, "echo-server.mjs"), Options{Transports: WebSocket})
	c.EmitMany(3, "echo", []byte{7})
	for i := range 3 {
		args, err := c.WaitEvent(t.Context(), "echo")
		require.NoError(t, err)
		assert.Equal(t, []any{[]byte{7}, float64(i)}, args.Values())
	}
}

func TestSilence_AnswersNoHeartbeat(t *testing.T) {
	url := Serve(t, "echo-server.mjs", "100")
	node := Start(t)
	for name, transports := range map[string][]string{"websocket": WebSocket, "polling": Polling} {
		t.Run(name, func(t *testing.T) {
			c := node.Connect(url, Options{Transports: transports})
			c.Silence()
			_, err := c.WaitEvent(t.Context(), "disconnect")
			require.NoError(t, err)
			assert.Contains(t, c.DisconnectReason(), "transport")
		})
	}
}
