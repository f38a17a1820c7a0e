package redisbridge

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors"
	"github.com/actio-go/actio/actors/roomregistry"
	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/redisbridge/link"
)

// nowhere is a link that sends nothing.
type nowhere struct{ fakeLink }

func (*nowhere) Emit(_ format.Frame, settled func(link.Outcome)) {
	if settled != nil {
		settled(link.Delivered)
	}
}
func (*nowhere) Publish(format.Frame)        {}
func (*nowhere) Close(context.Context) error { return nil }

// nobody is an instance that does nothing; only the room "in" may have members.
type nobody struct{ Instance }

func (nobody) Broadcast(*roomregistry.Broadcast) {}
func (nobody) MayHave(_, room string) bool       { return room == "in" }

func benchmarked(b *testing.B, o Options) *Bridge {
	b.Helper()
	sys := actors.NewSystem(actors.Options{})
	o.Client = someClient()
	bridge, err := start(b.Context(), sys, o, []string{"/"}, nobody{}, func(
		context.Context, link.Handler, *link.Streams, func() []format.Subscription, []format.Subscription,
	) (linkage, error) {
		return &nowhere{}, nil
	})
	require.NoError(b, err)
	b.Cleanup(func() {
		require.NoError(b, bridge.Close(context.Background()))
		require.NoError(b, sys.Close(context.Background()))
	})
	return bridge
}

func message(rooms ...string) *format.Message {
	return &format.Message{
		Kind: format.Broadcast, Namespace: "/", Target: Target{Rooms: rooms},
		Event: event(`["chat",{"from":"ann","text":"hello, everybody","n":12345,"tags":["a","b"]}]`),
	}
}

func BenchmarkEmit(b *testing.B) {
	for _, a := range []Adapter{ClassicAdapter, ShardedAdapter} {
		b.Run(a.String(), func(b *testing.B) {
			bridge := benchmarked(b, Options{Adapter: a})
			b.ReportAllocs()
			for b.Loop() {
				bridge.Emit(message("in"), nil)
			}
		})
	}
}

func BenchmarkReceived(b *testing.B) {
	for name, m := range map[string]*format.Message{
		"all": message(), "room": message("in"), "unwanted room": message("out"), "unwanted rooms": message("out", "away"), "own": nil,
	} {
		for _, a := range []Adapter{ClassicAdapter, ShardedAdapter} {
			b.Run(name+"/"+a.String(), func(b *testing.B) {
				bridge := benchmarked(b, Options{Adapter: a})
				uid, m := "abcdef", m
				if m == nil {
					uid, m = bridge.uid, message()
				}
				m.Sender = uid
				f, err := bridge.options.dialect(uid).Encode(m)
				require.NoError(b, err)
				h := handler{bridge}
				b.ReportAllocs()
				b.SetBytes(int64(len(f.Payload)))
				for b.Loop() {
					h.Received(f.Channel, f.Payload)
				}
			})
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	sys := actors.NewSystem(actors.Options{})
	hub := newHub()
	var bridges []*Bridge
	for _, id := range []string{"a", "b", "c"} {
		var l *fakeLink
		bridge, err := start(b.Context(), sys, Options{Client: someClient()}, []string{"/"}, newInstance(id), hub.open(&l))
		require.NoError(b, err)
		bridges = append(bridges, bridge)
	}
	b.Cleanup(func() {
		for _, bridge := range bridges {
			require.NoError(b, bridge.Close(context.Background()))
		}
		require.NoError(b, sys.Close(context.Background()))
	})
	b.ReportAllocs()
	for b.Loop() {
		_, missing, err := bridges[0].Fetch(b.Context(), "/", Target{}, 0)
		require.NoError(b, err)
		require.Zero(b, missing.Unnamed)
	}
}
