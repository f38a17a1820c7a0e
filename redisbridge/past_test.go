package redisbridge

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/redisbridge/format"
	"github.com/actio-go/actio/wire"
)

// at is the id of an entry.
func at(n int) format.EntryID { return format.EntryID{Milliseconds: uint64(n)} }

// written is what a stream has after a message.
func written(t testing.TB, id format.EntryID, m *format.Message) *format.Entry {
	t.Helper()
	m.Sender, m.Namespace = "other", "/"
	f, err := format.Streams(format.StreamsConfig{}).Encode(m)
	require.NoError(t, err)
	e := *f.Entry
	e.ID, e.Data = id.String(), f.Payload
	return &e
}

func broadcastAt(t testing.TB, n int) *format.Entry {
	t.Helper()
	return written(t, at(n), &format.Message{Kind: format.Broadcast, Event: event(fmt.Sprintf(`["e",%d]`, n))})
}

// entered is a past of a stream of which as much was handed out.
func entered(limit, last int) (*pasts, *past) {
	all := &pasts{}
	all.begin(Options{ReplayBytes: limit})
	return all, all.enter("s", at(last))
}

// hand hands an entry out.
func hand(t testing.TB, all *pasts, n int) {
	t.Helper()
	e := broadcastAt(t, n)
	m, err := all.dialect.DecodeEntry(e)
	require.NoError(t, err)
	all.note("s", e, m)
}

// page is what is read before an id.
func page(t testing.TB, all *pasts, from, to int) []moment {
	t.Helper()
	var entries []*format.Entry
	for n := from; n < to; n++ {
		entries = append(entries, broadcastAt(t, n))
	}
	return all.read(entries)
}

// eventsSince are the events after an entry.
func eventsSince(t testing.TB, p *past, n int) (texts []string) {
	t.Helper()
	rest, known, err := p.since(at(n))
	require.NoError(t, err)
	require.True(t, known)
	for _, m := range rest {
		array, _, _ := m.event.prepare().Event()
		texts = append(texts, string(array))
	}
	return texts
}

func TestPast_ReadAndHandedOut_AreOneStory(t *testing.T) {
	all, p := entered(1<<20, 10)
	hand(t, all, 11)
	_, known, err := p.since(at(8))
	require.NoError(t, err)
	assert.False(t, known, "nobody has read it yet")
	from, _, _ := p.begins()
	p.prepend(page(t, all, 8, 11), from, false, all.limit)
	hand(t, all, 12)
	assert.Equal(t, []string{`["e",9,"9-0"]`, `["e",10,"10-0"]`, `["e",11,"11-0"]`, `["e",12,"12-0"]`}, eventsSince(t, p, 8))
	assert.Empty(t, eventsSince(t, p, 12))
	_, known, err = p.since(at(7))
	require.NoError(t, err)
	assert.False(t, known)
	from, _, _ = p.begins()
	p.prepend(nil, from, true, all.limit)
	_, _, err = p.since(at(7))
	require.ErrorIs(t, err, ErrNoOffset, "the stream begins behind it")
}

func TestPast_MoreThanItsBytes_LosesItsBeginning(t *testing.T) {
	const limit = 100_000
	all, p := entered(limit, 0)
	from, _, _ := p.begins()
	p.prepend(nil, from, true, limit)
	most := 0
	for n := 1; n <= 1000; n++ {
		hand(t, all, n)
		most = max(most, sizeOf(p.all))
	}
	assert.LessOrEqual(t, most, limit)
	assert.Greater(t, most, limit/2)
	from, _, full := p.begins()
	assert.True(t, full)
	rest, known, err := p.since(from)
	require.NoError(t, err)
	assert.True(t, known)
	assert.Equal(t, at(1000), rest[len(rest)-1].id)
	_, known, err = p.since(from.Prev())
	require.NoError(t, err)
	assert.False(t, known)
}

func TestPast_BeginningLostWhileSomebodyReadsBeforeIt_HasNoGap(t *testing.T) {
	all, p := entered(1, 100)
	from, _, _ := p.begins()
	read := page(t, all, 90, 101)
	for n := range 2 * minPast {
		hand(t, all, 101+n)
	}
	p.prepend(read, from, true, all.limit)
	_, known, err := p.since(at(95))
	require.NoError(t, err)
	assert.False(t, known)
	assert.Len(t, p.all, minPast, "few large ones are kept all the same")
}

func TestPast_StreamGoesOnBeforeItsEnd_IsLostForThoseInIt(t *testing.T) {
	all, p := entered(1<<20, 10)
	hand(t, all, 11)
	hand(t, all, 5)
	_, _, err := p.since(at(11))
	require.ErrorIs(t, err, ErrNoOffset)
	fresh := all.enter("s", at(5))
	hand(t, all, 6)
	assert.NotSame(t, p, fresh)
	p.prepend(page(t, all, 5, 6), at(12), false, all.limit)
	from, _, _ := fresh.begins()
	fresh.prepend(page(t, all, 5, 6), from, false, all.limit)
	assert.Equal(t, []string{`["e",6,"6-0"]`}, eventsSince(t, fresh, 5))
	all.leave("s", p)
	assert.EqualValues(t, 1, all.open.Load())
	all.leave("s", fresh)
	assert.Zero(t, all.open.Load())
	assert.Empty(t, all.of)
}

func TestPast_NobodyUsesIt_IsForgotten(t *testing.T) {
	all, p := entered(1<<20, 10)
	hand(t, all, 11)
	assert.Same(t, p, all.enter("s", at(11)))
	all.leave("s", p)
	assert.EqualValues(t, 1, all.open.Load())
	all.leave("s", p)
	assert.Zero(t, all.open.Load())
	assert.Empty(t, all.of)
}

func TestMoment_WhatNobodyMisses_IsNoEvent(t *testing.T) {
	all, _ := entered(1<<20, 10)
	volatile := written(t, at(1), &format.Message{
		Kind: format.Broadcast, Flags: format.Flags{Volatile: true}, Event: event(`["v"]`),
	})
	join := written(t, at(2), &format.Message{Kind: format.Join, Rooms: []string{"r"}})
	broken := broadcastAt(t, 3)
	broken.Data = []byte(`{"opts":`)
	for _, m := range all.read([]*format.Entry{volatile, join, broken, {ID: at(4).String()}}) {
		assert.Nil(t, m.event, m.id)
	}
	none := all.read([]*format.Entry{{ID: "no id"}})
	assert.Empty(t, none)
}

// TestUnfiltered_RoomThatNobodyIsKnownInYet_GetsWhatIsSentToIt: a socket that has just been attached may be the first in its
// rooms.
func TestUnfiltered_RoomThatNobodyIsKnownInYet_GetsWhatIsSentToIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		m := r.add(Options{Adapter: StreamsAdapter, Recovery: time.Minute}, "a")
		counts := func() [2]uint64 {
			e := written(t, at(1), &format.Message{
				Kind: format.Broadcast, Event: event(`["e"]`), Target: Target{Rooms: []string{"of nobody yet"}},
			})
			before := m.Stats()
			handler{m.Bridge}.entry("socket.io", e)
			after := m.Stats()
			return [2]uint64{after.Broadcasts - before.Broadcasts, after.Unwanted - before.Unwanted}
		}
		assert.Equal(t, [2]uint64{0, 1}, counts())
		first, second := m.Unfiltered(), m.Unfiltered()
		first()
		assert.Equal(t, [2]uint64{1, 0}, counts())
		second()
		assert.Equal(t, [2]uint64{0, 1}, counts())
	})
}

// TestMissable_ManyWantIt_ShareWhatIsPrepared: as the receivers of a broadcast do.
func TestMissable_ManyWantIt_ShareWhatIsPrepared(t *testing.T) {
	all, _ := entered(1<<20, 10)
	m := page(t, all, 1, 2)[0]
	got := make([]*wire.Prepared, 8)
	var running sync.WaitGroup
	for i := range got {
		running.Go(func() { got[i] = m.event.prepare() })
	}
	running.Wait()
	for _, p := range got {
		assert.Same(t, got[0], p)
	}
	assert.Nil(t, m.event.message, "what it came as is not kept beside it")
}

func TestNextPage_LargeEntries_AreReadFewAtATime(t *testing.T) {
	large, small := make([]moment, 100), make([]moment, 100)
	for i := range large {
		large[i].size, small[i].size = 1<<20, momentBytes
	}
	assert.Equal(t, minPage, nextPage(large))
	assert.Equal(t, maxPage, nextPage(small))
	for i := range large {
		large[i].size = pageBytes / 50
	}
	assert.InDelta(t, 50, nextPage(large), 1)
}

// BenchmarkReplayAdd is what a client costs that has missed what others have prepared already, without waiting for anything.
func BenchmarkReplayAdd(b *testing.B) {
	all, _ := entered(1<<30, 0)
	missed := page(b, all, 0, 1000)
	for name, rooms := range map[string]int{"few rooms": 2, "many rooms": 100} {
		b.Run(name, func(b *testing.B) {
			s := &Session{Rooms: strings.Split(strings.Repeat("room ", rooms), " ")}
			b.ReportAllocs()
			for b.Loop() {
				r := replay{session: s, namespace: "/", left: 1 << 30}
				if err := r.add(missed); err != nil || len(r.missed) != len(missed) {
					b.Fatal(err)
				}
			}
		})
	}
}
