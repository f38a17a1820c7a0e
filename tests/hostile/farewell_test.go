package hostile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
)

// farewells is how often each is said.
const farewells = 200

const spam = `42["spam","` + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" + `"]`

// refusing is a server that lets nobody in.
func refusing(t *testing.T, secure bool) *host {
	t.Helper()
	refuse := actio.AuthenticateFunc(func(context.Context, actio.Handshake) (bool, error) { return false, nil })
	return serveOver(t, actio.Options{Authenticate: refuse}, secure)
}

// overAndOver runs a test many times, some at a time.
func overAndOver(t *testing.T, times int, test func() error) {
	t.Helper()
	errs := make(chan error, times)
	work := make(chan struct{}, times)
	for range times {
		work <- struct{}{}
	}
	close(work)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range work {
				errs <- test()
			}
		})
	}
	workers.Wait()
	close(errs)
	for err := range errs {
		assert.NoError(t, err)
	}
}

func TestFarewell_WebSocketThatFloods_GetsIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		secure bool
		times  int
	}{{"TCP", false, farewells}, {"TLS", true, farewells / 4}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := refusing(t, c.secure)
			overAndOver(t, c.times, func() error { return h.floodedFarewell(t.Context()) })
			assert.Equal(t, uint64(c.times), h.stats(t).AuthRefused)
		})
	}
}

// floodedFarewell authenticates in the middle of a flood that ends only with the connection, and reads what it is told.
func (h *host) floodedFarewell(ctx context.Context) error {
	s, err := h.join(ctx)
	if err != nil {
		return err
	}
	_ = s.SetDeadline(time.Now().Add(patience))
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		burst := []byte(strings.Repeat(string(text(spam)), 50))
		_, err := s.Write(append(burst, text(`42["authenticate"]`)...))
		for err == nil {
			_, err = s.Write(burst)
		}
	}()
	defer func() {
		_ = s.Close()
		<-flooded
	}()
	told, err := s.next()
	if err != nil || !strings.HasPrefix(told, `42["unauthenticated",{"message":"Invalid token`) {
		return fmt.Errorf("told %q, %w", told, err)
	}
	if told, err = s.next(); err != nil || told != "41" {
		return fmt.Errorf("told %q, %w", told, err)
	}
	var frame *closed
	if _, err = s.next(); !errors.As(err, &frame) || frame.code != 1000 {
		return fmt.Errorf("closed by %w", err)
	}
	return nil
}

func TestFarewell_PollingClientThatFloods_GetsIt(t *testing.T) {
	t.Parallel()
	h := refusing(t, false)
	for range farewells {
		p := h.pollConnected(t)
		stop, flooded := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(flooded)
			burst := strings.Repeat(spam+"\x1e", 50)
			body := burst + `42["authenticate"]`
			for {
				headers := fmt.Sprintf("Content-Length: %d\r\n", len(body))
				if _, err := p.post.Write([]byte(request(http.MethodPost, p.target, headers, body))); err != nil {
					return
				}
				if _, err := p.post.read(); err != nil {
					return
				}
				body = burst + spam
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
		told := p.hear(t)
		require.Regexp(t, `^42\["unauthenticated",{"message":"Invalid token[^}]*}\]`+"\x1e41$", told)
		require.Equal(t, "1", p.hear(t))
		close(stop)
		await.Value(t, flooded)
		_ = p.get.Close()
		_ = p.post.Close()
	}
	assert.Equal(t, uint64(farewells), h.stats(t).AuthRefused)
}

// A client that times out is told so, whatever it sends meanwhile; nobody waits for a poll that never comes.
func TestFarewell_Timeout_IsToldAndHeldForAWhile(t *testing.T) {
	t.Parallel()
	never := func(ctx context.Context, _ *actio.Handshake) (*actio.Principal, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	h := serve(t, actio.Options{Authenticate: never, AuthenticateTimeout: 100 * time.Millisecond})
	s, p := h.connect(t), h.pollConnected(t)
	s.say(t, `42["authenticate"]`)
	p.say(t, `42["authenticate"]`)
	assert.Contains(t, s.mustNext(t), `42["unauthenticated",{"message":"Authentication timed out!`)
	s.expect(t, "41")
	assert.Equal(t, uint16(1000), s.end(t))
	assert.Contains(t, p.hear(t), `42["unauthenticated",{"message":"Authentication timed out!`)
	assert.Equal(t, "1", p.hear(t))
	p.over(t)
	assert.Equal(t, uint64(2), h.stats(t).AuthTimedOut)
}

// The close packet of Engine.IO is a word of long-polling. Some clients say it over a websocket, too, before they close that.
func TestFarewell_ClosePacketOverWebSocket_IsAnsweredWithACloseFrame(t *testing.T) {
	t.Parallel()
	h := serve(t, actio.Options{})
	for name, say := range map[string][]byte{
		"alone":                 text("1"),
		"before a close frame":  append(text("1"), frameOf(1000)...),
		"before what is unread": append(text("1"), text(spam)...),
	} {
		t.Run(name, func(t *testing.T) {
			s := h.connect(t)
			s.raw(t, say)
			assert.Equal(t, uint16(1000), s.end(t))
			assert.Equal(t, actio.ReasonTransportClose, h.reasonOf(t, s.id))
			assert.Zero(t, h.stats(t).ParseErrors)
		})
	}
}
