package hostile

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
)

// A packet may wait for its attachments as long as AttachmentTimeout allows, whatever the client sends meanwhile.
func TestAttachments_ThatNeverCome_EndTheSessionInTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		frames [][]byte
	}{
		{"none", texts(`451-["echo",` + placeholder + "]")},
		{"one of two", append(texts(`452-["echo",`+placeholder+"]"), bytesOf("a"))},
		{"an ack's", texts(`461-7[` + placeholder + "]")},
		{"pongs instead", append(texts(`451-["echo",`+placeholder+"]"), texts("3", "3", "6")...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, actio.Options{AttachmentTimeout: 100 * time.Millisecond})
			neighbour, s := h.connect(t), h.connect(t)
			start := time.Now()
			for _, f := range c.frames {
				s.raw(t, f)
			}
			neighbour.echo(t, "meanwhile")
			assert.Equal(t, uint16(1002), s.end(t))
			assert.GreaterOrEqual(t, time.Since(start), 100*time.Millisecond)
			assert.Equal(t, actio.ReasonParseError, h.reasonOf(t, s.id))
			assert.Equal(t, uint64(1), h.stats(t).ParseErrors)
			neighbour.echo(t, "afterwards")
		})
	}
}

func TestAttachments_ThatNeverComeOverPolling_EndTheSessionInTime(t *testing.T) {
	t.Parallel()
	h := serve(t, actio.Options{AttachmentTimeout: 100 * time.Millisecond})
	p := h.pollConnected(t)
	p.say(t, `451-["echo",`+placeholder+"]")
	assert.Equal(t, "1", p.hear(t))
	p.over(t)
	assert.Equal(t, actio.ReasonParseError, h.reasonOf(t, p.id))
}

// The deadline is of the packet, not of the session: one that was completed in time ends nothing, although its handler is
// slower than the deadline and holds the reader up.
func TestAttachments_ThatComeInTime_MayWaitForTheirHandler(t *testing.T) {
	t.Parallel()
	const timeout = 100 * time.Millisecond
	o := actio.Options{AttachmentTimeout: timeout}
	o.Engine.InboxEvents = 1
	h := serve(t, o)
	entered, release := make(chan struct{}), make(chan struct{})
	h.handle(t, "hold", func(context.Context, *actio.Socket, *actio.Event) {
		close(entered)
		<-release
	})
	h.handle(t, "bytes", func(_ context.Context, s *actio.Socket, e *actio.Event) {
		var b []byte
		if e.Args.Decode(0, &b) == nil {
			_ = s.Emit("got", len(b))
		}
	})
	s := h.connect(t)
	s.say(t, `42["hold"]`, `451-["bytes",`+placeholder+"]")
	s.raw(t, bytesOf("abc"))
	await.Value(t, entered)
	// What takes its time is another client's deadline, which is armed later than this one's.
	clock := h.connect(t)
	clock.say(t, `451-["bytes",`+placeholder+"]")
	clock.end(t)
	close(release)
	s.expect(t, `42["got",3]`)
	s.echo(t, "still here")
}

// Attachments that never end are a packet that is too big.
func TestAttachments_ThatNeverEnd_EndTheSession(t *testing.T) {
	t.Parallel()
	o := actio.Options{}
	o.Engine.MaxPayload = 100_000
	h := serve(t, o)
	neighbour, s := h.connect(t), h.connect(t)
	s.say(t, `4510-["echo",`+placeholder+"]")
	go func() {
		for range 10 {
			if _, err := s.Write(bytesOf(strings.Repeat("a", 90_000))); err != nil {
				return
			}
		}
	}()
	assert.Equal(t, uint16(1002), s.end(t))
	assert.Equal(t, actio.ReasonParseError, h.reasonOf(t, s.id))
	neighbour.echo(t, "afterwards")
}
