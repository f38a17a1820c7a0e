package roomregistry

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/actio-go/actio/wire"
)

// event makes an event that has the number n as argument.
func event(t require.TestingT, n int, b Broadcast) *Broadcast {
	m, err := wire.EncodeEvent("/", "n", n)
	require.NoError(t, err)
	b.Namespace, b.Message = "/", m
	return &b
}

// gets says by the rules of Broadcast whether a socket gets an event.
func (r *Restore) gets(b *Broadcast) bool {
	in := func(room string) bool { return room == r.Member.SocketID || slices.Contains(r.Rooms, room) }
	switch {
	case b.Socket != "":
		return b.Socket == r.Member.SocketID
	case b.AuthenticatedOnly && !r.Authenticated, slices.ContainsFunc(b.Except, in):
		return false
	case len(b.Rooms) == 0 && b.User == "":
		return true
	default:
		return slices.ContainsFunc(b.Rooms, in) || b.User != "" && b.User == r.User
	}
}

// TestHistory_AnyEventsAndSockets_MissedAreThoseThatItWouldHaveGot compares the lines of the history with a list of everything.
func TestHistory_AnyEventsAndSockets_MissedAreThoseThatItWouldHaveGot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newEventLog(HistoryOptions{MaxBytes: rapid.SampledFrom([]int{3000, 1 << 20}).Draw(t, "bytes"), Age: time.Minute})
		now := time.Now()
		var all []*Broadcast
		for i := range rapid.IntRange(0, 40).Draw(t, "events") {
			b := Broadcast{
				Rooms: someRooms(t, "rooms", 3), Except: someRooms(t, "except", 2), User: anyUser.Draw(t, "user"),
				AuthenticatedOnly: rapid.Bool().Draw(t, "authenticated only"),
			}
			if rapid.IntRange(0, 4).Draw(t, "direct") == 0 {
				b = Broadcast{Socket: anyID.Draw(t, "socket")}
			}
			numbered := h.number(event(t, i, b))
			require.EqualValues(t, i+1, numbered.position)
			now = now.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "seconds")) * time.Second)
			h.remember(numbered, now)
			all = append(all, numbered)
		}
		r := &Restore{
			Member: &Member{Namespace: "/", SocketID: anyID.Draw(t, "id")}, Rooms: someRooms(t, "in", 5),
			User: anyUser.Draw(t, "is"), Authenticated: rapid.Bool().Draw(t, "authenticated"),
			After:    rapid.Uint64Range(0, uint64(len(all))).Draw(t, "after"),
			MaxBytes: rapid.SampledFrom([]int{0, 100, 1000, 1 << 20}).Draw(t, "at most"), EachBytes: 50,
		}
		missed, err := h.missed(r)
		if r.After < h.gone {
			require.ErrorIs(t, err, ErrHistoryLost)
			return
		}
		want, bytes := []*Broadcast{}, 0
		for _, b := range all[r.After:] {
			if r.gets(b) {
				want = append(want, b)
				bytes += b.Message.Size() + r.EachBytes
			}
		}
		if r.MaxBytes > 0 && bytes > r.MaxBytes {
			require.ErrorIs(t, err, ErrHistoryTooMuch)
		} else {
			require.NoError(t, err)
			require.Equal(t, want, append([]*Broadcast{}, missed...))
		}
		h.forget(now.Add(time.Hour))
		require.Empty(t, h.lines)
		require.Zero(t, h.bytes)
		require.EqualValues(t, len(all), h.gone)
	})
}

func TestHistory_Offsets_AreReadAndThoseOfOthersAreNot(t *testing.T) {
	h, other := newEventLog(HistoryOptions{}), newEventLog(HistoryOptions{})
	for _, number := range []uint64{1, 35, 36, 1 << 40} {
		offset := string(h.appendOffset(nil, number))
		got, ok := h.position(offset)
		require.True(t, ok)
		require.Equal(t, number, got)
		_, ok = other.position(offset)
		require.False(t, ok)
	}
	for _, offset := range []string{"", ".", h.epoch, h.epoch + ".", h.epoch + ".-1", h.epoch + ".0", h.epoch + ".00", h.epoch + ".1.1", "1700000000000-0"} {
		_, ok := h.position(offset)
		require.False(t, ok, offset)
	}
}

func TestHistory_Number_IsTheLastArgumentAndLeavesTheRest(t *testing.T) {
	h := newEventLog(HistoryOptions{})
	m, err := wire.EncodeEvent("/chat", "e", "text", []byte{1, 2})
	require.NoError(t, err)
	b := &Broadcast{Namespace: "/chat", Message: m}
	numbered := h.number(b)
	require.NotSame(t, b, numbered)
	array, attachments, ok := numbered.Message.Event()
	require.True(t, ok)
	require.JSONEq(t, fmt.Sprintf(`["e","text",{"_placeholder":true,"num":0},"%s.1"]`, h.epoch), string(array))
	require.Equal(t, [][]byte{{1, 2}}, attachments)
	array, _, _ = m.Event()
	require.JSONEq(t, `["e","text",{"_placeholder":true,"num":0}]`, string(array), "what others have of it")
}

func FuzzHistory_Position(f *testing.F) {
	h := newEventLog(HistoryOptions{})
	h.epoch = "AbCdEf-_"
	for _, offset := range []string{"", "AbCdEf-_.1", "AbCdEf-_.zz", "AbCdEf-_.", "AbCdEf-_.0", "x.1", "1700000000000-0"} {
		f.Add(offset)
	}
	f.Fuzz(func(t *testing.T, offset string) {
		number, ok := h.position(offset)
		if ok && number == 0 {
			t.Errorf("%q is what no event has", offset)
		}
		if again, is := h.position(string(h.appendOffset(nil, number))); ok && (!is || again != number) {
			t.Errorf("%q is %d", offset, number)
		}
	})
}
