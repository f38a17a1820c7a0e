package actio_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

func TestBroadcast_DerivedInParallel_KeepsItsRooms(t *testing.T) {
	s := newServer(t, actio.Options{})
	base := s.To("a", "b", "c").Except("x", "y", "z")
	var deriving sync.WaitGroup
	for range 8 {
		deriving.Go(func() {
			for range 100 {
				_ = base.To("d").Except("w").Local().Volatile().Compress().Timeout(time.Second).ToUser("u")
			}
		})
	}
	deriving.Wait()
	assert.Equal(t, s.To("a", "b", "c").Except("x", "y", "z"), base)
	rooms := []string{"a", "b"}
	kept := s.To(rooms...)
	rooms[0] = "changed"
	assert.Equal(t, s.To("a", "b"), kept)
}

func TestEmit_Targets_ReachTheirSocketsOnce(t *testing.T) {
	s := serve(t, actio.Options{Authenticate: byName, DefaultRooms: []string{}, PingInterval: -1})
	ann, ann2, bob := s.login("ann"), s.login("ann"), s.login("bob")
	ctx := bounded(t)
	require.NoError(t, s.To(ann.id).SocketsJoin(ctx, "red", "blue"))
	require.NoError(t, s.To(bob.id).SocketsJoin(ctx, "blue"))
	for _, c := range []struct {
		name string
		to   actio.Broadcast
		want []*peer
	}{
		{"all", s.Except(), []*peer{ann, ann2, bob}},
		{"room", s.In("red"), []*peer{ann}},
		{"rooms that overlap", s.To("red", "blue"), []*peer{ann, bob}},
		{"room less another", s.To("blue").Except("red"), []*peer{bob}},
		{"user", s.ToUser("ann"), []*peer{ann, ann2}},
		{"user and room", s.To("red", bob.id).ToUser("ann").ToUser("ann"), []*peer{ann, ann2, bob}},
		{"user less a room", s.ToUser("ann").Except("red"), []*peer{ann2}},
		{"nobody's user", s.ToUser(""), nil},
		{"no room", s.To(), nil},
		{"an empty name", s.To(""), nil},
		{"local", s.Local(), []*peer{ann, ann2, bob}},
		{"volatile", s.Volatile().To("red"), []*peer{ann}},
		{"compressed", s.Compress().To("red"), []*peer{ann}},
		{"with a timeout", s.Timeout(time.Second).To("red"), []*peer{ann}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, c.to.Emit("event", c.name))
			for _, p := range c.want {
				assert.Equal(t, `42["event","`+c.name+`"]`, p.next())
			}
			s.nothingMore(ann, ann2, bob)
		})
	}
}

func TestBroadcast_TwoUsers_IsAnErrorOfEveryUse(t *testing.T) {
	s := serve(t, actio.Options{})
	b := s.ToUser("ann").ToUser("bob")
	ctx := bounded(t)
	require.ErrorIs(t, b.Emit("x"), actio.ErrTwoUsers)
	_, err := b.EmitWithAck(ctx, "x")
	require.ErrorIs(t, err, actio.ErrTwoUsers)
	_, err = b.FetchSockets(ctx)
	require.ErrorIs(t, err, actio.ErrTwoUsers)
	require.ErrorIs(t, b.SocketsJoin(ctx, "r"), actio.ErrTwoUsers)
	require.ErrorIs(t, b.DisconnectSockets(ctx, true), actio.ErrTwoUsers)
}

func TestBroadcast_AuthenticatedOnly_HoldsForEverybodyAlone(t *testing.T) {
	s := serve(t, actio.Options{
		Authenticate: byName, DefaultRooms: []string{}, PingInterval: -1, BroadcastAuthenticatedOnly: true,
	})
	ann, stranger := s.login("ann"), s.connect(`{"user":"eve"}`)
	require.NoError(t, s.Emit("all"))
	require.NoError(t, s.Except("r").Emit("all but"))
	require.NoError(t, s.To(ann.id, stranger.id).Emit("some"))
	for _, want := range []string{"all", "all but", "some"} {
		assert.Equal(t, `42["`+want+`"]`, ann.next())
	}
	assert.Equal(t, `42["some"]`, stranger.next())
	answered := make(chan actio.Responses, 1)
	go func() {
		r, err := s.EmitWithAck(t.Context(), "asked")
		assert.NoError(t, err)
		answered <- r
	}()
	ann.answer(ann.question("asked"), `"yes"`)
	r := <-answered
	require.Len(t, r.Answers, 1)
	assert.Equal(t, ann.id, r.Answers[0].SocketID)
	s.nothingMore(stranger)
}

func TestEmitWithAck_AnsweredSilentAndGone_OneResultEach(t *testing.T) {
	s := serve(t, actio.Options{})
	quick, silent, gone := s.connect(""), s.connect(""), s.connect("")
	others := make(chan actio.Responses, 1)
	go func() {
		r, err := s.Timeout(2*time.Second).EmitWithAck(t.Context(), "ask", "how?")
		assert.NoError(t, err)
		others <- r
	}()
	quick.answer(quick.question("ask"), `"fine",2`)
	silent.question("ask")
	gone.question("ask")
	gone.send("41")
	r := <-others
	assert.True(t, r.Missing.None())
	assert.Zero(t, r.Unanswered)
	require.Len(t, r.Answers, 3)
	byID := make(map[string]actio.Answer)
	for _, a := range r.Answers {
		byID[a.SocketID] = a
	}
	require.NoError(t, byID[quick.id].Err)
	var word string
	var number int
	require.NoError(t, byID[quick.id].Args.DecodeAll(&word, &number))
	assert.Equal(t, "fine", word)
	assert.Equal(t, 2, number)
	require.ErrorIs(t, byID[silent.id].Err, actio.ErrTimeout)
	require.ErrorIs(t, byID[gone.id].Err, actio.ErrGone)
	assert.Len(t, r.Acknowledged(), 1)
}

func TestEmitWithAck_AllAnswered_DoesNotWaitForTheTimeout(t *testing.T) {
	s := serve(t, actio.Options{})
	p := s.connect("")
	answered := make(chan actio.Responses, 1)
	go func() {
		r, err := s.To(p.id).Timeout(time.Hour).EmitWithAck(t.Context(), "ask", []byte("binary"))
		assert.NoError(t, err)
		answered <- r
	}()
	id := p.wait("451-")
	assert.Equal(t, "binary", p.next())
	p.answer(id[:1], "")
	r := <-answered
	require.Len(t, r.Answers, 1)
	assert.Zero(t, r.Answers[0].Args.Len())
	r, err := s.To("nobody").Timeout(time.Hour).EmitWithAck(bounded(t), "ask")
	require.NoError(t, err)
	assert.Empty(t, r.Answers)
	r, err = s.To().Timeout(time.Hour).EmitWithAck(bounded(t), "ask")
	require.NoError(t, err)
	assert.Empty(t, r.Answers)
}

func TestEmitWithAck_ContextEnds_DeadlineIsATimeoutAndCancellationAnError(t *testing.T) {
	s := serve(t, actio.Options{})
	p := s.connect("")
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	r, err := s.EmitWithAck(short, "ask")
	require.NoError(t, err)
	require.Len(t, r.Answers, 1)
	require.ErrorIs(t, r.Answers[0].Err, actio.ErrTimeout)
	p.question("ask")

	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := s.Timeout(time.Hour).EmitWithAck(ctx, "ask")
		failed <- err
	}()
	p.question("ask")
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	_, err = s.EmitWithAck(ctx, "ask")
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.EmitWithAck(t.Context(), "disconnect")
	require.ErrorIs(t, err, actio.ErrReservedEvent)
}

func TestEmitWithAck_CancelledWithACause_EveryMethodSaysBoth(t *testing.T) {
	s := serve(t, actio.Options{})
	p := s.connect("")
	socket, err := s.Socket(bounded(t), p.id)
	require.NoError(t, err)
	reason := errors.New("not needed any more")
	for name, ask := range map[string]func(ctx context.Context) error{
		"socket": func(ctx context.Context) error {
			_, err := socket.EmitWithAck(ctx, "ask")
			return err
		},
		"broadcast": func(ctx context.Context) error {
			_, err := s.Timeout(time.Hour).EmitWithAck(ctx, "ask")
			return err
		},
	} {
		for _, until := range []time.Duration{0, time.Hour} { // without and with a deadline, which does not come
			ctx, cancel := context.WithCancelCause(t.Context())
			if until > 0 {
				timed, stop := context.WithTimeout(ctx, until)
				defer stop()
				ctx = timed
			}
			failed := make(chan error, 1)
			go func() { failed <- ask(ctx) }()
			p.question("ask")
			cancel(reason)
			err := <-failed
			require.ErrorIs(t, err, context.Canceled, name)
			require.ErrorIs(t, err, reason, name)
			require.NotErrorIs(t, err, actio.ErrTimeout, name)
		}
	}
}

func TestEmitWithAck_InsideAHandler_AwaitsItsOwnClient(t *testing.T) {
	s := serve(t, actio.Options{})
	require.NoError(t, s.Root().Handle("go", func(ctx context.Context, c *actio.Socket, e *actio.Event) {
		r, err := s.To(c.ID()).EmitWithAck(ctx, "ask")
		assert.NoError(t, err)
		assert.NoError(t, e.Reply(len(r.Acknowledged())))
	}))
	p := s.connect("")
	p.send(`427["go"]`)
	p.answer(p.question("ask"), "1")
	assert.Equal(t, "[1]", p.wait("437"))
}
