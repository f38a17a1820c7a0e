package link

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
)

// remembered is how many entries the subscriber has, wherever they are.
func (s *subscriber) remembered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := max(len(s.entries), len(s.dirty)) + len(s.parked)
	for _, f := range s.feeds {
		n += len(f.waiting)
	}
	return n
}

func TestUnsubscribe_WhileRedisIsGone_NothingIsRemembered(t *testing.T) {
	fake := startFake(t)
	base := format.Subscription{Name: "base"}
	l, h := openFake(t, Options{Client: fake.client()}, base)
	fake.script(func([]string) string { return hangUp })
	fake.hangUpAll()
	until(t, "nothing noticed", func() bool { return h.count("subscribe down") > 0 })
	for round := range 100 {
		var rooms []format.Subscription
		for i := range 100 {
			rooms = append(rooms, format.Subscription{Name: strconv.Itoa(round*100 + i)})
		}
		l.Subscribe(rooms...)
		if round%2 == 0 {
			until(t, "not looked at", func() bool {
				l.subscriber.mu.Lock()
				defer l.subscriber.mu.Unlock()
				return len(l.subscriber.dirty) == 0
			})
		}
		l.Unsubscribe(rooms...)
	}
	until(t, "remembered", func() bool { return l.subscriber.remembered() <= 2 }) // base, which waits
	l.Subscribe(format.Subscription{Name: "kept"})
	fake.script(nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, l.Subscribed(ctx, base, format.Subscription{Name: "kept"}))
	require.ErrorIs(t, l.Subscribed(ctx, format.Subscription{Name: "7"}), ErrNotWanted)
}

func TestUnsubscribed_ConfirmationWithheld_Waits(t *testing.T) {
	fake := startFake(t)
	base, room := format.Subscription{Name: "base"}, format.Subscription{Name: "room"}
	l, _ := openFake(t, Options{Client: fake.client()}, base, room)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.ErrorIs(t, l.Unsubscribed(ctx, room), ErrWanted)
	asked := make(chan struct{})
	release := make(chan struct{})
	fake.script(func(command []string) string {
		if command[0] == "unsubscribe" {
			close(asked)
			<-release
		}
		return ""
	})
	l.Unsubscribe(room)
	<-asked
	over := make(chan error, 1)
	go func() { over <- l.Unsubscribed(ctx, room) }()
	short, stop := context.WithCancel(ctx)
	stop()
	require.ErrorIs(t, l.Unsubscribed(short, room), context.Canceled)
	assert.Empty(t, over)
	close(release)
	require.NoError(t, <-over)
	require.NoError(t, l.Unsubscribed(ctx, format.Subscription{Name: "never"}))
}

func TestPublish_LargerThanTheBuffer_IsSentAlone(t *testing.T) {
	fake := startFake(t)
	l, _ := openFake(t, Options{Client: fake.client(), BufferBytes: 1000}, format.Subscription{Name: "base"})
	large := strings.Repeat("x", 2000)
	l.Publish(format.Frame{Channel: "c", Payload: []byte(large)})
	until(t, "not sent", func() bool { return len(fake.published()) == 1 })
	assert.Equal(t, []string{large}, fake.published())
	assert.Zero(t, l.Stats().PublishLost)
}
