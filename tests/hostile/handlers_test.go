package hostile

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
)

func TestHandlers_ThatBlock_HoldUpTheirOwnClientOnly(t *testing.T) {
	t.Parallel()
	h := serve(t, actio.Options{})
	const clients = 50
	ended := make(chan error, clients)
	h.handle(t, "block", func(ctx context.Context, _ *actio.Socket, _ *actio.Event) {
		<-ctx.Done()
		ended <- context.Cause(ctx)
	})
	n := h.neighbour(t)
	var blocked []*socket
	for range clients {
		s := h.connect(t)
		s.say(t, `42["block"]`, `42["echo",1]`)
		blocked = append(blocked, s)
		n.echo(t, "meanwhile")
	}
	require.NoError(t, h.Emit("news")) // broadcasts and handshakes go on as well
	h.connect(t).echo(t, "newcomer")
	for _, s := range blocked {
		s.expect(t, `42["news"]`)
		require.NoError(t, s.Close())
	}
	for range clients {
		assert.ErrorIs(t, await.Value(t, ended), actio.ErrClosed)
	}
}

func TestHandlers_ThatPanic_EndTheirOwnClientOnly(t *testing.T) {
	t.Parallel()
	panics := make(chan any, 1)
	h := serve(t, actio.Options{OnPanic: func(_ string, recovered any, _ []byte) { panics <- recovered }})
	h.handle(t, "panic", func(context.Context, *actio.Socket, *actio.Event) { panic("on purpose") })
	n, s := h.neighbour(t), h.connect(t)
	s.say(t, `42["panic"]`)
	assert.Equal(t, uint16(1011), s.end(t))
	assert.Equal(t, actio.ReasonHandlerPanic, h.reasonOf(t, s.id))
	assert.Equal(t, "on purpose", await.Value(t, panics))
	n.echo(t, "afterwards")
}

// The acknowledgement of each event lies behind all the other events, of which the inbox takes 64.
func TestHandlers_ThatAwaitTheirOwnClient_AllComeThrough(t *testing.T) {
	t.Parallel()
	const events = 2000
	h := serve(t, actio.Options{})
	results := make(chan error, events)
	h.handle(t, "question", func(ctx context.Context, s *actio.Socket, e *actio.Event) {
		var n, answer int
		if err := e.Args.Decode(0, &n); err != nil {
			results <- err
			return
		}
		args, err := s.EmitWithAck(ctx, "counter", n)
		if err == nil {
			err = args.Decode(0, &answer)
		}
		if err == nil && answer != n {
			err = fmt.Errorf("answer %d to %d", answer, n)
		}
		results <- err
	})
	s := h.connect(t)
	var all []byte
	for n := range events {
		all = append(all, text(fmt.Sprintf(`42["question",%d]`, n))...)
	}
	s.raw(t, all)
	for n := range events {
		asked := s.mustNext(t)
		id, ok := strings.CutSuffix(strings.TrimPrefix(asked, "42"), fmt.Sprintf(`["counter",%d]`, n))
		require.True(t, ok, asked)
		s.say(t, fmt.Sprintf("43%s[%d]", id, n))
	}
	for range events {
		require.NoError(t, await.Value(t, results))
	}
	assert.Zero(t, h.stats(t).AcksOverflown)
}

// Over the second bound the wait fails, and the session goes on.
func TestHandlers_ThatAwaitBehindAFullInbox_FailAndGoOn(t *testing.T) {
	t.Parallel()
	for _, polling := range []bool{false, true} {
		t.Run(fmt.Sprintf("polling %v", polling), func(t *testing.T) {
			t.Parallel()
			o := actio.Options{}
			o.Engine.InboxEvents, o.Engine.InboxEventsHard = 4, 16
			h := serve(t, o)
			const events = 200
			waited, handled := make(chan error, 1), make(chan int, events)
			h.handle(t, "await", func(ctx context.Context, s *actio.Socket, _ *actio.Event) {
				_, err := s.EmitWithAck(ctx, "never")
				waited <- err
			})
			h.handle(t, "n", func(_ context.Context, _ *actio.Socket, e *actio.Event) {
				var n int
				_ = e.Args.Decode(0, &n)
				handled <- n
			})
			messages := []string{`42["await"]`}
			for n := range events {
				messages = append(messages, fmt.Sprintf(`42["n",%d]`, n))
			}
			if polling {
				p := h.pollConnected(t)
				p.say(t, messages...)
				require.Equal(t, `420["never"]`, p.hear(t))
				p.say(t, `430["late"]`)
				defer p.echo(t, "still here")
			} else {
				s := h.connect(t)
				s.say(t, messages...)
				s.expect(t, `420["never"]`)
				require.ErrorIs(t, await.Value(t, waited), actio.ErrInboxFull)
				waited <- actio.ErrInboxFull
				s.say(t, `430["late"]`)
				defer s.echo(t, "still here")
			}
			require.ErrorIs(t, await.Value(t, waited), actio.ErrInboxFull)
			for n := range events {
				require.Equal(t, n, await.Value(t, handled))
			}
			assert.Equal(t, uint64(1), h.stats(t).AcksOverflown)
		})
	}
}

// While a client waits for its own slow handler it is not read, and so its pongs are not: it must not die of that.
func TestHandlers_ThatAreSlow_AreNotTakenForADeadClient(t *testing.T) {
	t.Parallel()
	const events = 300
	for _, polling := range []bool{false, true} {
		t.Run(fmt.Sprintf("polling %v", polling), func(t *testing.T) {
			t.Parallel()
			o := actio.Options{}
			o.Engine.PingInterval, o.Engine.PingTimeout = 300*time.Millisecond, 600*time.Millisecond
			h := serve(t, o)
			release, handled := make(chan struct{}), make(chan struct{}, events)
			h.handle(t, "slow", func(context.Context, *actio.Socket, *actio.Event) {
				<-release
				handled <- struct{}{}
			})
			messages := make([]string, events)
			for n := range messages {
				messages[n] = `42["slow"]`
			}
			clock := h.connect(t)
			beats := func() {
				for range 5 {
					_, payload, err := clock.readFrame()
					require.NoError(t, err)
					require.Equal(t, "2", string(payload))
					clock.say(t, "3")
				}
			}
			if polling {
				p := h.pollConnected(t)
				p.begin(t, strings.Join(messages, "\x1e"))
				beats()
				close(release)
				require.Equal(t, 200, p.post.mustRead(t).status)
				p.say(t, "3")
			} else {
				s := h.connect(t)
				s.say(t, messages...)
				beats()
				close(release)
				defer s.echo(t, "still here")
			}
			for range events {
				await.Value(t, handled)
			}
			assert.Positive(t, h.stats(t).PongsExcused)
			assert.Zero(t, h.stats(t).SessionsClosed)
		})
	}
}

// A client may enter and leave a namespace as often as it likes. It must not collect callbacks that are still running.
func TestHandlers_ConnectedCallbackThatBlocks_IsNotCollected(t *testing.T) {
	h := serve(t, actio.Options{})
	release := make(chan struct{})
	var connected, running, most atomic.Int64
	h.Root().OnConnection(func(context.Context, *actio.Socket) {
		most.Store(max(most.Load(), running.Add(1)))
		<-release
		running.Add(-1)
		connected.Add(1)
	})
	s := h.connect(t)
	before := runtime.NumGoroutine()
	const cycles = 5000
	sent := make(chan error, 1)
	go func() {
		var err error
		for n := 0; n < cycles && err == nil; n++ {
			_, err = s.Write(append(text("41"), text("40")...))
		}
		sent <- err
	}()
	// The server answers until it stops reading. What it has answered by then is what it keeps.
	_ = s.SetReadDeadline(time.Now().Add(time.Second))
	answered, err := 0, error(nil)
	for ; err == nil; answered++ {
		_, err = s.next()
	}
	var frame *closed
	require.NotErrorAs(t, err, &frame)
	assert.Less(t, answered, 200)
	assert.Less(t, runtime.NumGoroutine()-before, 200)
	assert.Less(t, most.Load(), int64(200))

	close(release)
	require.NoError(t, s.SetReadDeadline(time.Now().Add(patience)))
	for ; answered <= cycles; answered++ {
		_, err := s.next()
		require.NoError(t, err)
	}
	require.NoError(t, await.Value(t, sent))
	for range cycles {
		await.Value(t, h.ended)
	}
	s.echo(t, "still here")
	assert.Equal(t, int64(cycles+1), connected.Load())
}
