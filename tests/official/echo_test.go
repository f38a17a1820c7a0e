package official

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/testserver"
)

// samples are arguments of all kinds, among them 64 KiB of binary, nested.
func samples() []any {
	big := make([]byte, 64<<10)
	for i := range big {
		big[i] = byte(i * 7)
	}
	return []any{
		"text \u2028 \"quoted\" Ж 漢 🙂", "", 0.0, -1.5, true, false, nil,
		[]any{},
		map[string]any{},
		big,
		[]byte{},
		map[string]any{"deep": []any{map[string]any{"big": big, "none": nil}, []byte{0, 255}}, "_placeholder": false},
	}
}

func TestEcho_EventsAndAcks_ComeBackAsTheyWere(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{})
		require.NoError(t, s.On("echo", testserver.Echo(t)))
		c := s.login(t)
		c.Emit("echo", samples()...)
		assert.Equal(t, samples(), jsclient.Wait(t, c, "echo"))
		assert.Equal(t, samples(), jsclient.Ask(t, c, "echo", samples()...))
		assert.Empty(t, jsclient.Ask(t, c, "echo"))
		for _, sample := range samples() {
			assert.Equal(t, []any{sample}, jsclient.Ask(t, c, "echo", sample))
		}
	})
}

func TestEmitWithAck_Server_GetsTheClientsAnswer(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		s := l.serve(t, actio.Options{})
		// In a handler the server may await its own client.
		require.NoError(t, s.On("ask me", func(ctx context.Context, s *actio.Socket, e *actio.Event) {
			answer, err := s.EmitWithAck(ctx, "question", testserver.Values(t, e.Args)...)
			assert.NoError(t, err)
			assert.NoError(t, e.Reply(testserver.Values(t, answer)...))
		}))
		c := s.login(t)
		answer, err := s.socket(t, c).EmitWithAck(t.Context(), "question", samples()...)
		require.NoError(t, err)
		assert.Equal(t, samples(), testserver.Values(t, answer))
		assert.Equal(t, samples(), jsclient.Wait(t, c, "question"))
		assert.Equal(t, samples(), jsclient.Ask(t, c, "ask me", samples()...))

		none, err := s.socket(t, c).EmitWithAck(t.Context(), "question")
		require.NoError(t, err)
		assert.Zero(t, none.Len())
	})
}

func TestOrder_ThousandMessages_EachWay(t *testing.T) {
	const n = 1000
	overEachLink(t, func(t *testing.T, l link) {
		for name, extra := range map[string][]any{"text": {"x"}, "binary": {[]byte{1, 2, 3}}} {
			t.Run(name, func(t *testing.T) {
				arrived := make(chan int, n)
				s := l.serve(t, actio.Options{})
				require.NoError(t, s.On("up", func(_ context.Context, _ *actio.Socket, e *actio.Event) {
					var i int
					var first any
					assert.NoError(t, e.Args.DecodeAll(&first, &i))
					assert.Equal(t, extra[0], first)
					arrived <- i
				}))
				c := s.login(t)
				c.EmitMany(n, "up", extra...)
				for i := range n {
					require.Equal(t, i, await.Value(t, arrived))
				}

				// Downwards broadcasts and direct events keep the order in which one goroutine makes them.
				socket := s.socket(t, c)
				for i := range n {
					if i%3 == 0 {
						require.NoError(t, s.To(actio.RoomDefault).Emit("down", extra[0], i))
					} else {
						require.NoError(t, socket.Emit("down", extra[0], i))
					}
				}
				for i := range n {
					require.Equal(t, []any{extra[0], float64(i)}, jsclient.Wait(t, c, "down"))
				}
				await.Nothing(t, arrived)
			})
		}
	})
}
