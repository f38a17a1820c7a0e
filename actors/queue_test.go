package actors

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestQueue_AnyPushesAndPops_BehavesLikeASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &segments{}
		var q queue
		var want []any
		for i, push := range rapid.SliceOfN(rapid.IntRange(-40, 60), 0, 40).Draw(t, "pushes (pops if negative)") {
			for ; push > 0; push-- {
				q.push(s, i*1000+push)
				want = append(want, i*1000+push)
			}
			for ; push < 0; push++ {
				m, ok := q.pop(s)
				require.Equal(t, len(want) > 0, ok)
				if ok {
					require.Equal(t, want[0], m)
					want = want[1:]
				}
			}
			require.EqualValues(t, len(want), q.n)
			if len(want) == 0 {
				require.Equal(t, queue{}, q, "an empty queue holds nothing")
			}
		}
	})
}

func TestQueue_RecycledSegment_HoldsNoMessage(t *testing.T) {
	s := &segments{}
	var q queue
	for i := range 3 * segmentSize {
		q.push(s, i)
	}
	head := q.head
	for range segmentSize {
		q.pop(s)
	}
	assert.Equal(t, segment{}, *head)
}
