package roomregistry

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFilter_AnyHistory_HasExactlyWhatWasAdded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Few hashes that begin at few slots: the same ones again, and long chains.
		hash := rapid.Custom(func(t *rapid.T) uint64 {
			return hashFirst + rapid.Uint64Range(0, 5).Draw(t, "slot") + 1<<20*rapid.Uint64Range(0, 40).Draw(t, "chain")
		})
		var public atomic.Pointer[slots]
		rooms := map[uint64]int{}
		var initial []uint64
		for _, h := range rapid.SliceOfN(hash, 0, 40).Draw(t, "initial") {
			initial = append(initial, h)
			rooms[h]++
		}
		f := newFilter(&public, initial)
		add := func(t *rapid.T) {
			for _, h := range rapid.SliceOfN(hash, 0, 40).Draw(t, "add") {
				f.insert(h)
				rooms[h]++
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": add,
			"remove": func(t *rapid.T) {
				for _, h := range rapid.SliceOfN(hash, 0, 60).Draw(t, "remove") {
					if rooms[h] == 0 {
						if _, found := f.slots.find(h); found {
							t.Fatalf("%d is there", h)
						}
						f.remove(h) // changes nothing
						continue
					}
					f.remove(h)
					if rooms[h]--; rooms[h] == 0 {
						delete(rooms, h)
					}
				}
			},
			"": func(t *rapid.T) { f.agree(t, rooms) },
		})
		for h, n := range rooms {
			for range n {
				f.remove(h)
			}
		}
		f.agree(t, nil)
		require.Empty(t, f.more)
		require.Zero(t, f.used, "graves are left")
		require.Len(t, f.slots, minSlots)
	})
}

// agree asserts that the public table has the rooms and nothing else.
func (f *filter) agree(t require.TestingT, rooms map[uint64]int) {
	s := *f.public.Load()
	for h := range rooms {
		require.True(t, s.has(h))
	}
	for slot := range uint64(6) {
		for chain := range uint64(41) {
			if h := hashFirst + slot + chain<<20; rooms[h] == 0 {
				require.False(t, s.has(h))
			}
		}
	}
	live, used := 0, 0
	for i := range s {
		switch h := s[i].Load(); {
		case h >= hashFirst:
			live++
			used++
		case h == slotGrave:
			used++
		}
	}
	require.Equal(t, len(rooms), live)
	require.Equal(t, live, f.live)
	require.Equal(t, used, f.used)
	require.LessOrEqual(t, 2*used, len(s))
}

func TestFilter_ReadWhileOthersComeAndGo_NeverMissesWhatStays(t *testing.T) {
	var public atomic.Pointer[slots]
	stays := []uint64{hashFirst, hashFirst + 1<<20, hashFirst + 3, 77}
	f := newFilter(&public, stays)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for missed := false; !missed; {
				select {
				case <-stop:
					return
				default:
				}
				for _, h := range stays {
					missed = missed || !assert.True(t, public.Load().has(h))
				}
			}
		})
	}
	for round := range uint64(200) {
		n := 10 + 7*(round%40)
		for i := range n {
			f.insert(hashFirst + 1 + i%9 + i<<21)
		}
		for i := range n {
			f.remove(hashFirst + 1 + i%9 + i<<21)
		}
	}
	close(stop)
	wg.Wait()
	assert.Equal(t, len(stays), f.live)
}
