package official

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/testserver"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

type order struct {
	Item  string            `json:"item"`
	Count int               `json:"count"`
	Photo []byte            `json:"photo,omitempty"`
	Files map[string][]byte `json:"files,omitempty"`
	Parts [][]byte          `json:"parts,omitempty"`
}

type receipt struct {
	Text  string `json:"text"`
	Total int    `json:"total"`
	Seal  []byte `json:"seal"`
	Any   any    `json:"any"`
}

func TestOn_StructInAndOut_Fits(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{})
		require.NoError(t, actio.On(s.Root(), "order", func(_ context.Context, _ *actio.Socket, in order) (receipt, error) {
			if in.Count < 0 {
				return receipt{}, fmt.Errorf("%w: %d", errBroken, in.Count)
			}
			return receipt{
				Text: in.Item, Total: in.Count * 2, Seal: in.Photo, Any: []any{in.Files["a"], map[string][][]byte{"parts": in.Parts}},
			}, nil
		}))
		c := s.login(t)
		photo := []byte{0, 1, 255}
		assert.Equal(t,
			[]any{map[string]any{
				"text": "book", "total": 4.0, "seal": photo,
				"any": []any{[]byte("x"), map[string]any{"parts": []any{[]byte{}, []byte("y")}}},
			}},
			jsclient.Ask(t, c, "order", map[string]any{
				"item": "book", "count": 2, "photo": photo, "unknown": 1,
				"files": map[string]any{"a": []byte("x")}, "parts": []any{[]byte{}, []byte("y")},
			}))

		for _, wrong := range []any{"text", 5, []any{1}, map[string]any{"count": "two"}, map[string]any{"photo": 1}, photo} {
			answer := jsclient.Ask(t, c, "order", wrong)
			require.Len(t, answer, 1)
			fields, ok := answer[0].(map[string]any)
			require.True(t, ok)
			assert.Len(t, fields, 1)
			assert.Contains(t, fields["error"], "invalid payload")
			c.Emit("order", wrong)
		}
		assert.Equal(t, []any{map[string]any{"error": "broken on purpose: -1"}}, jsclient.Ask(t, c, "order", map[string]any{"count": -1}))
		c.Emit("order", map[string]any{"count": -1})
		assert.Empty(t, jsclient.Ask(t, c, "order")[0].(map[string]any)["text"], "no argument is the zero value")
		assert.Equal(t, 1, s.stats(t).Connections)
		assert.Zero(t, s.stats(t).HandlerPanics)
	})
}

func TestOn_OtherTypes_FitToo(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{})
		root := s.Root()
		called := make(chan struct{}, 10)
		require.NoError(t, actio.On(root, "none", func(context.Context, *actio.Socket, actio.None) (actio.None, error) {
			called <- struct{}{}
			return actio.None{}, nil
		}))
		require.NoError(t, actio.On(root, "bytes", func(_ context.Context, _ *actio.Socket, in []byte) ([]byte, error) {
			return append([]byte{9}, in...), nil
		}))
		require.NoError(t, actio.On(root, "args", func(_ context.Context, _ *actio.Socket, in actio.Args) ([]any, error) {
			return testserver.Values(t, in), nil
		}))
		require.NoError(t, actio.On(root, "text", func(_ context.Context, _ *actio.Socket, in string) (*string, error) {
			if in == "" {
				return nil, nil
			}
			return &in, nil
		}))
		c := s.login(t)
		assert.Empty(t, jsclient.Ask(t, c, "none"))
		assert.Empty(t, jsclient.Ask(t, c, "none", "ignored", []byte{1}))
		c.Emit("none")
		for range 3 {
			await.Value(t, called)
		}
		assert.Equal(t, []any{[]byte{9, 1, 2}}, jsclient.Ask(t, c, "bytes", []byte{1, 2}))
		assert.Equal(t, []any{[]any{"a", []byte{1}, nil}}, jsclient.Ask(t, c, "args", "a", []byte{1}, nil))
		assert.Equal(t, []any{[]any{}}, jsclient.Ask(t, c, "args"))
		assert.Equal(t, []any{"x"}, jsclient.Ask(t, c, "text", "x"))
		assert.Equal(t, []any{nil}, jsclient.Ask(t, c, "text", ""))
	})
}

func TestHandlers_OfSocketAndNamespace_RunInTheirOrder(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{
			ClientConnected: func(_ context.Context, socket *actio.Socket) {
				socket.Data().Store("visits", 1)
				assert.NoError(t, socket.Handle("hello", func(_ context.Context, socket *actio.Socket, e *actio.Event) {
					visits, _ := socket.Data().Load("visits")
					assert.NoError(t, e.Reply("socket", visits))
				}))
			},
		})
		require.NoError(t, s.On("hello", func(_ context.Context, _ *actio.Socket, e *actio.Event) {
			assert.ErrorIs(t, e.Reply("namespace"), actio.ErrAcknowledged)
		}))
		c := s.login(t)
		assert.Equal(t, []any{"socket", 1.0}, jsclient.Ask(t, c, "hello"))
		c.Emit("nobody handles this", 1)
		assert.Equal(t, []any{"socket", 1.0}, jsclient.Ask(t, c, "hello"))
		assert.Equal(t, uint64(1), s.stats(t).EventsUnhandled)
	})
}

func TestHandler_Panics_EndsItsConnectionAtMost(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		for _, survive := range []bool{false, true} {
			gone := make(chan actio.Reason, 10)
			s := l.serve(t, actio.Options{
				SurvivePanics:      survive,
				OnPanic:            func(string, any, []byte) {},
				ClientDisconnected: func(_ *actio.Socket, r actio.Reason) { gone <- r },
			})
			require.NoError(t, s.On("panic", func(context.Context, *actio.Socket, *actio.Event) { panic("on purpose") }))
			require.NoError(t, s.On("echo", testserver.Echo(t)))
			c, other := s.login(t), s.login(t)
			c.Emit("panic")
			if survive {
				assert.Equal(t, []any{1.0}, jsclient.Ask(t, c, "echo", 1))
				await.Nothing(t, gone)
			} else {
				assert.Equal(t, "transport close", reasonOf(t, c))
				assert.Equal(t, actio.ReasonHandlerPanic, await.Value(t, gone))
			}
			assert.Equal(t, []any{2.0}, jsclient.Ask(t, other, "echo", 2))
			assert.Equal(t, uint64(1), s.stats(t).HandlerPanics)
			s.stop(t)
		}
	})
}

func TestNumbers_AboveTwoToThe53_StayAsTheyWereWritten(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		raws := make(chan string, 10)
		s := l.serve(t, actio.Options{NoAuthentication: true})
		require.NoError(t, s.On("number", func(_ context.Context, _ *actio.Socket, e *actio.Event) {
			var n int64
			assert.NoError(t, e.Args.Decode(0, &n))
			assert.Equal(t, fmt.Sprint(n), string(e.Args.Raw(0)))
			raws <- string(e.Args.Raw(0))
			assert.NoError(t, e.Reply(n, json.RawMessage(e.Args.Raw(0))))
		}))
		// JavaScript writes 2^60 with as many digits as it takes to tell it from its neighbours.
		c := s.connect(t)
		jsclient.Ask(t, c, "number", int64(1)<<60)
		assert.Equal(t, "1152921504606847000", await.Value(t, raws))

		ws, _, err := websocket.Dial(t.Context(), s.url+s.Path()+"/?EIO=4&transport=websocket", nil)
		require.NoError(t, err)
		defer func() { assert.NoError(t, ws.Close(websocket.StatusNormalClosure, "")) }()
		exchange := func(sent string) string {
			if sent != "" {
				require.NoError(t, ws.Write(t.Context(), websocket.MessageText, []byte(sent)))
			}
			_, got, err := ws.Read(t.Context())
			require.NoError(t, err)
			return string(got)
		}
		assert.Contains(t, exchange(""), `"sid"`)
		assert.Contains(t, exchange("40"), `40{"sid":"~`)
		assert.Equal(t, "437[9007199254740993,9007199254740993]", exchange(`427["number",9007199254740993]`))
		assert.Equal(t, "9007199254740993", await.Value(t, raws))
	})
}
