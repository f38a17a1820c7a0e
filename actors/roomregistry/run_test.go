package roomregistry

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lengths returns the number of items in each take of a backlog.
func lengths(items ...any) (all []int) {
	var b backlog
	for _, m := range items {
		b.push(m)
	}
	for !b.empty() {
		all = append(all, len(b.take()))
	}
	return all
}

func TestBacklog_EqualAudiences_MakeOneRun(t *testing.T) {
	same := func() *Broadcast {
		return &Broadcast{
			Namespace: "/", Rooms: []string{"r"}, Except: []string{"x"}, User: "u", AuthenticatedOnly: true,
			Volatile: true, Compress: true, Message: message("a"),
		}
	}
	assert.Equal(t, []int{3}, lengths(same(), same(), same()))
	for name, change := range map[string]func(b *Broadcast){
		"namespace":     func(b *Broadcast) { b.Namespace = "/x" },
		"rooms":         func(b *Broadcast) { b.Rooms = []string{"r", "s"} },
		"except":        func(b *Broadcast) { b.Except = nil },
		"user":          func(b *Broadcast) { b.User = "" },
		"authenticated": func(b *Broadcast) { b.AuthenticatedOnly = false },
		"volatile":      func(b *Broadcast) { b.Volatile = false },
		"compress":      func(b *Broadcast) { b.Compress = false },
	} {
		t.Run(name, func(t *testing.T) {
			other := same()
			change(other)
			assert.Equal(t, []int{1, 1, 2}, lengths(same(), other, same(), same()))
		})
	}
}

func TestBacklog_OtherItems_EndTheRun(t *testing.T) {
	a := cast("a")
	assert.Equal(t, []int{1, 1, 2, 1, 1}, lengths(&direct{}, &direct{}, a, a, &barrier{}, a))
}

func TestBacklog_LongRun_IsSplit(t *testing.T) {
	many := make([]any, 2*maxRunMessages+1)
	for i := range many {
		many[i] = cast("a")
	}
	assert.Equal(t, []int{maxRunMessages, maxRunMessages, 1}, lengths(many...))

	half, huge := cast(strings.Repeat("x", maxRunBytes/2-100)), cast(strings.Repeat("x", maxRunBytes+1))
	assert.Equal(t, []int{2, 1, 1, 1, 2}, lengths(half, half, half, huge, huge, half, half))
}

func TestBacklog_Reset_KeepsTheRestAndLittleMemory(t *testing.T) {
	var b backlog
	for i := range 2 * keepBacklog {
		b.push(cast("a", fmt.Sprint(i)))
	}
	assert.Equal(t, 2*keepBacklog, b.broadcasts())
	b.take()
	b.reset()
	assert.Equal(t, 2*keepBacklog-1, b.broadcasts())
	assert.Equal(t, []string{"1"}, b.items[0].(*Broadcast).Rooms)
	for !b.empty() {
		b.take()
	}
	b.reset()
	assert.Zero(t, cap(b.items))
	b.push(cast("a"))
	b.take()
	b.reset()
	assert.Nil(t, b.items[:1][0], "a delivered broadcast is still held")
}

func TestNewDelivery_SeveralMessages_JoinsTheirFrames(t *testing.T) {
	run := []any{
		&Broadcast{Namespace: "/n", Volatile: true, Compress: true, AuthenticatedOnly: true, Message: message("one")},
		&Broadcast{Message: message("two")},
	}
	d := newDelivery(run)
	assert.Equal(t, []string{"one", "two"}, texts(d))
	assert.Equal(t, bytes.Join([][]byte{message("one").WebSocket(), message("two").WebSocket()}, nil), d.Joined)
	assert.Equal(t, len(d.Joined), d.Size)
	assert.Equal(t, d.Messages[0].Size()+d.Messages[1].Size(), d.Size)
	assert.Equal(t, "/n", d.Namespace)
	assert.True(t, d.Volatile && d.Compress && d.AuthenticatedOnly)
}

func TestNewDelivery_OneMessage_CopiesNothing(t *testing.T) {
	m := message("one")
	d := newDelivery([]any{&Broadcast{Message: m}})
	assert.Same(t, &m.WebSocket()[0], &d.Joined[0])
}

func TestDeliver_Run_IsOnePointerForAllMembers(t *testing.T) {
	w := newWorld(t, Options{Shards: 1})
	got := make(chan *Delivery, 8)
	for i := range 4 {
		p := w.peer(fmt.Sprint(i), func(m any) {
			if d, ok := m.(*Delivery); ok {
				got <- d
			}
		})
		p.send(&Attach{Member: p.member})
	}
	release := w.hold(w.shards[0])
	for range 10 {
		w.to("a")
	}
	release()
	w.flush()
	require.Len(t, got, 4)
	first := <-got
	assert.Len(t, first.Messages, 10)
	for range 3 {
		assert.Same(t, first, <-got)
	}
}
