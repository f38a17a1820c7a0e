package connection

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/actio-go/actio/wire"
)

func laneMessage(tb require.TestingT, n int) *wire.Prepared {
	m, err := wire.EncodeEvent("/", "n", fmt.Sprintf("%05d", n))
	require.NoError(tb, err)
	return m
}

// A client that is always a little behind must not make its queue grow for ever.
func TestLane_ThatNeverEmpties_KeepsItsSize(t *testing.T) {
	l, m := &lane{}, laneMessage(t, 0)
	for range 10 {
		l.append(outgoing{message: m})
	}
	for range 100_000 {
		l.append(outgoing{message: m})
		l.drop()
	}
	assert.LessOrEqual(t, cap(l.queue), 64)
	assert.Equal(t, 10, len(l.queue)-l.head)
	assert.Equal(t, 10*(m.Size()+entryBytes), l.bytes)
}

// What shed drops are the oldest entries that may be dropped, no more of them than it takes, and never one that was begun.
func TestLane_ShedAndEverythingElse_BehavesLikeAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, list, next := &lane{}, []outgoing(nil), 0
		expendable := func(f Flags) bool { return f&FlagKeep == 0 }
		bytes := func() (n int) {
			for i := range list {
				if list[i].message != nil || list[i].frame != nil { // not dropped
					n += list[i].size()
				}
			}
			return n
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				o := outgoing{message: laneMessage(t, next), flags: rapid.SampledFrom([]Flags{FlagNone, FlagKeep}).Draw(t, "flags")}
				if rapid.IntRange(0, 9).Draw(t, "frame") == 0 {
					o = outgoing{frame: []byte{0x8a, 0}, flags: FlagKeep}
				}
				next++
				l.append(o)
				list = append(list, o)
			},
			"drop": func(t *rapid.T) {
				if len(list) == 0 {
					t.Skip("empty")
				}
				l.drop()
				list = list[1:]
			},
			"begin": func(*rapid.T) {
				if len(list) > 0 {
					l.offset = 1
				}
			},
			"shed": func(t *rapid.T) {
				bound := rapid.IntRange(0, bytes()).Draw(t, "bound")
				begun, kept := l.offset > 0, list[:0:0]
				for i, o := range list {
					if bytes := bytes(); bytes > bound && !(i == 0 && begun) && expendable(o.flags) {
						list[i] = outgoing{}
						continue
					}
					kept = append(kept, o)
				}
				dropped := len(list) - len(kept)
				list = kept
				assert.Equal(t, dropped, l.shed(bound, expendable))
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(list) == 0, l.empty())
				require.Equal(t, bytes(), l.bytes)
				require.True(t, slices.EqualFunc(list, l.queue[l.head:], func(a, b outgoing) bool {
					return a.message == b.message && a.flags == b.flags
				}))
			},
		})
	})
}

func TestLane_OutgrownAndEmpty_KeepsNoMessage(t *testing.T) {
	l := &lane{}
	for range 3 {
		l.append(outgoing{message: wire.PrepareEngine(wire.EnginePacket{Type: wire.EngineNoop})})
	}
	for range 3 {
		l.drop()
	}
	assert.Zero(t, l.bytes)
	assert.Nil(t, l.queue)
	assert.Zero(t, l.room)
}

func TestMoment_FarAway_StaysThere(t *testing.T) {
	assert.EqualValues(t, math.MaxInt64, moment(5).add(math.MaxInt64))
	assert.EqualValues(t, 8, moment(5).add(3))
	assert.EqualValues(t, 1, moment(5).add(-10), "long past, and yet a moment")
}
