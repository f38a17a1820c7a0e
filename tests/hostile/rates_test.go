package hostile

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

// burst is how many events a limited client of these tests may send at once. In a minute, in which a test is long over, it gets
// no more than a few others.
const burst = 5

// limitedHost is a server with a limit that no neighbour reaches, and an event that it counts.
func limitedHost(t *testing.T, p actio.RatePolicy) (h *host, handled *atomic.Int64) {
	t.Helper()
	h = serve(t, actio.Options{MaxEventsPerSecond: 1, EventBurst: burst, RatePolicy: p})
	handled = new(atomic.Int64)
	h.handle(t, "f", func(_ context.Context, _ *actio.Socket, e *actio.Event) {
		handled.Add(1)
		_ = e.Reply("done")
	})
	return h, handled
}

// excess are more events than a client may send at once, with acknowledgements from 0 on, in one piece.
func excess(n int) []byte {
	var b []byte
	for i := range n {
		b = append(b, text(`42`+string(rune('0'+i%10))+`["f"]`)...)
	}
	return b
}

func TestRateLimit_Drop_LosesTheExcessAndNothingElse(t *testing.T) {
	h, handled := limitedHost(t, actio.RateDrop)
	n, s := h.neighbour(t), h.connect(t)
	const sent = 1000
	s.raw(t, excess(sent))
	s.raw(t, text("41"))
	assert.Equal(t, actio.ReasonClientDisconnect, h.reasonOf(t, s.id), "it is served to the end")
	st := h.stats(t)
	assert.GreaterOrEqual(t, handled.Load(), int64(burst))
	assert.Equal(t, uint64(sent), uint64(handled.Load())+st.EventsRateLimited)
	assert.Greater(t, st.EventsRateLimited, uint64(sent/2))
	h.log.await(t, "WARN", "rate limit exceeded", s.id, "policy=drop")
	n.echo(t, "afterwards")
}

func TestRateLimit_Error_AnswersEveryQuestion(t *testing.T) {
	h, handled := limitedHost(t, actio.RateError)
	n, s := h.neighbour(t), h.connect(t)
	const sent = 100
	s.raw(t, excess(sent))
	done, refused := 0, 0
	for range sent {
		switch _, answer, _ := strings.Cut(s.mustNext(t), "["); answer {
		case `"done"]`:
			done++
		case `{"error":"rate limit exceeded"}]`:
			refused++
		default:
			require.Fail(t, "neither answer nor error", answer)
		}
	}
	assert.Equal(t, int64(done), handled.Load())
	assert.Equal(t, uint64(refused), h.stats(t).EventsRateLimited)
	assert.GreaterOrEqual(t, done, burst)
	assert.Positive(t, refused)
	n.echo(t, "afterwards")
}

func TestRateLimit_Disconnect_EndsTheConnectionAndSaysWhy(t *testing.T) {
	h, handled := limitedHost(t, actio.RateDisconnect)
	n, s := h.neighbour(t), h.connect(t)
	s.raw(t, excess(burst+20))
	assert.Equal(t, uint16(1008), s.end(t))
	assert.Equal(t, actio.ReasonRateLimited, h.reasonOf(t, s.id))
	assert.Equal(t, uint64(1), h.stats(t).EventsRateLimited)
	assert.GreaterOrEqual(t, handled.Load(), int64(burst))
	n.echo(t, "afterwards")
}

func TestRateLimit_Bytes_BoundLargeEvents(t *testing.T) {
	h := serve(t, actio.Options{MaxBytesPerSecond: 1, ByteBurst: 3000})
	n, s := h.neighbour(t), h.connect(t)
	large := strings.Repeat("x", 1000)
	for range 5 {
		s.say(t, `42["echo","`+large+`"]`)
	}
	s.expect(t, `42["echo","`+large+`"]`, `42["echo","`+large+`"]`)
	s.say(t, `420["ask"]`)
	s.expect(t, `430["answer"]`)
	assert.Equal(t, uint64(3), h.stats(t).EventsRateLimited)
	n.echo(t, "afterwards")
}
