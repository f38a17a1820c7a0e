package recovery

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
)

func TestConnection_CutTenTimesUnderALoad_EveryMessageArrivesOnceAndInOrder(t *testing.T) {
	overEach(t, func(t *testing.T, transports []string, node *jsclient.Harness) {
		const cuts, each = 10, 1000
		s := serve(t, actio.Options{})
		c, err := node.Dial(t.Context(), s.proxy.URL(), s.options(transports))
		require.NoError(t, err)
		id, recovered := again(t, c)
		require.False(t, recovered)
		s.join(t)
		next := 0
		emit := func(n int) {
			for range n {
				require.NoError(t, s.To("r").Emit("n", next))
				next++
			}
		}
		for range cuts {
			upgraded(t, c, transports)
			emit(each / 2)
			s.outage(t, c, func() { emit(each / 2) })
			was, recovered := again(t, c)
			require.True(t, recovered)
			require.Equal(t, id, was)
			require.True(t, s.join(t).Recovered())
		}
		for want := range cuts * each {
			require.Equal(t, want, numberOf(t, c, "n"))
		}
		require.NoError(t, s.To("r").Emit("last"))
		_, err = c.WaitEvent(t.Context(), "last")
		require.NoError(t, err)
		assert.Zero(t, c.Received("n"))
	})
}
