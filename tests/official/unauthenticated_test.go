package official

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

// The messages of `unauthenticated`.
const (
	refusedText  = "Invalid token to authenticate! Please login again!"
	failedText   = "Failed to authenticate connection! Please login again!"
	timedOutText = "Authentication timed out! Please login again!"
	expiredText  = "Authentication expired! Please login again!"
)

// contexts keeps the contexts that a function was called with.
type contexts struct {
	mu   sync.Mutex
	kept []context.Context
}

func (c *contexts) keep(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, ctx)
}

// cancelled waits until all of them are, and returns how many there are.
func (c *contexts) cancelled(t *testing.T) int {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ctx := range c.kept {
		await.Value(t, ctx.Done())
	}
	return len(c.kept)
}

// unsuccessful is a way in which authentication does not succeed.
type unsuccessful struct {
	name     string
	verify   func(ctx context.Context) (*actio.Principal, error)
	silent   bool // the client never sends `authenticate`
	message  string
	counter  func(actio.Stats) uint64
	panics   bool
	deadline time.Duration
}

func ways() []unsuccessful {
	const soon = 800 * time.Millisecond
	timedOut := func(s actio.Stats) uint64 { return s.AuthTimedOut }
	return []unsuccessful{
		{
			name:    "refused",
			verify:  func(context.Context) (*actio.Principal, error) { return nil, actio.ErrRefused },
			message: refusedText, counter: func(s actio.Stats) uint64 { return s.AuthRefused },
		},
		{
			name:    "failed",
			verify:  func(context.Context) (*actio.Principal, error) { return nil, errBroken },
			message: failedText, counter: func(s actio.Stats) uint64 { return s.AuthFailed },
		},
		{
			name:    "panicked",
			verify:  func(context.Context) (*actio.Principal, error) { panic("on purpose") },
			message: failedText, counter: func(s actio.Stats) uint64 { return s.AuthFailed }, panics: true,
		},
		{
			name: "timed out",
			verify: func(ctx context.Context) (*actio.Principal, error) {
				<-ctx.Done()
				return &actio.Principal{}, nil
			},
			message: timedOutText, counter: timedOut, deadline: soon,
		},
		{
			name:    "never asked for",
			silent:  true,
			message: timedOutText, counter: timedOut, deadline: soon,
		},
	}
}

func TestUnauthenticated_EachWay_ArrivesEveryTimeThenAllIsGone(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		for _, way := range ways() {
			t.Run(way.name, func(t *testing.T) { way.test(t, l) })
		}
	})
}

func (way unsuccessful) test(t *testing.T, l link) {
	t.Helper()
	const clients = 200
	var seen contexts
	o := actio.Options{
		Authenticate: func(ctx context.Context, _ *actio.Handshake) (*actio.Principal, error) {
			seen.keep(ctx)
			return way.verify(ctx)
		},
		AuthenticateTimeout: way.deadline,
		ClientConnected:     func(context.Context, *actio.Socket) { t.Error("an unauthenticated client was connected") },
	}
	if way.panics {
		o.OnPanic = func(string, any, []byte) {}
	}
	s := l.serve(t, o)
	greet := "authenticate"
	if way.silent {
		greet = ""
	}
	group, err := l.node.ConnectMany(t.Context(), clients, s.url, s.options(jsclient.Options{Greet: greet}))
	require.NoError(t, err)
	require.NoError(t, group.Wait(t.Context(), "disconnect", 1))
	s.untilEmpty(t)

	farewells, err := group.Received(t.Context(), "unauthenticated")
	require.NoError(t, err)
	reasons, err := group.Received(t.Context(), "disconnect")
	require.NoError(t, err)
	events, err := group.Events(t.Context())
	require.NoError(t, err)
	messages, ends, courses := make(map[any]int), make(map[any]int), make(map[string]int)
	for i := range clients {
		for _, farewell := range farewells[i] {
			payload := farewell.Values()
			require.Len(t, payload, 1)
			fields, ok := payload[0].(map[string]any)
			require.True(t, ok)
			assert.Len(t, fields, 2)
			assert.WithinDuration(t, time.Now(), timeOf(t, payload[0]), time.Minute)
			messages[fields["message"]]++
		}
		ends[reasons[i][0].Values()[0]]++
		courses[strings.Join(without(events[i], "upgrade"), ", ")]++
	}
	assert.Equal(t, map[any]int{way.message: clients}, messages)
	assert.Equal(t, map[any]int{"io server disconnect": clients}, ends)
	assert.Equal(t, map[string]int{"connect, unauthenticated, disconnect": clients}, courses)

	stats := s.stats(t)
	assert.EqualValues(t, clients, way.counter(stats))
	assert.EqualValues(t, clients, stats.AuthRefused+stats.AuthFailed+stats.AuthTimedOut)
	assert.EqualValues(t, clients, stats.SessionsClosed)
	assert.Zero(t, stats.AuthSucceeded)
	switch asked := seen.cancelled(t); {
	case way.silent:
		assert.Zero(t, asked)
	case way.deadline == 0:
		assert.Equal(t, clients, asked)
	default: // a slow machine may not be asked by all in time
		assert.Positive(t, asked)
	}
}
