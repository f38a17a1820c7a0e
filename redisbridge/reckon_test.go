package redisbridge

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// told returns what the link was told to expect last, and how often it was told.
func (l *fakeLink) told() (last, times int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if times = len(l.expected); times > 0 {
		last = l.expected[times-1]
	}
	return last, times
}

func TestReckon_NeighboursComeAndGo_TheLinkIsTold(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a := r.add(o)
		last, times := a.link.told()
		assert.Equal(t, 1, last)
		assert.Positive(t, times, "counted when it is subscribed itself")
		b, c := r.add(o), r.add(o)
		for _, m := range []*testMember{a, b, c} {
			last, _ = m.link.told()
			assert.Equal(t, 3, last)
		}
		require.NoError(r.t, b.Leave(r.t.Context()))
		synctest.Wait()
		last, _ = a.link.told()
		assert.Equal(t, 2, last)
	})
}

func TestReckon_NamespaceAdded_TheLinkCountsAnew(t *testing.T) {
	both(t, func(r *rig, o Options) {
		a := r.add(o)
		_, before := a.link.told()
		a.AddNamespace("/more")
		synctest.Wait()
		last, times := a.link.told()
		assert.Equal(t, 1, last)
		assert.Equal(t, before+1, times)
	})
}
