package cluster

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStalledNeighbour_CostsAMissingEntryAndNoError: a server of Node.js that hears and says nothing is counted as missing in
// every request, within the time that was given, and takes part again afterwards.
func TestStalledNeighbour_CostsAMissingEntryAndNoError(t *testing.T) {
	overEachMedium(t, func(t *testing.T, m medium) {
		const timeout = 500 * time.Millisecond
		ctx := t.Context()
		c := m.start(t)
		ours := c.clients[2:]
		process := c.node.peer.Process()
		require.NoError(t, process.Signal(syscall.SIGSTOP))
		t.Cleanup(func() { _ = process.Signal(syscall.SIGCONT) })

		for _, by := range []*instance{c.one, c.two} {
			started := time.Now()
			f, err := by.Except().Timeout(timeout).FetchSockets(ctx)
			require.NoError(t, err)
			assert.ElementsMatch(t, ids(ours), keys(by.known(t, f)))
			assert.Empty(t, f.Missing.Instances)
			assert.Equal(t, 1, f.Missing.Unnamed)
			assert.GreaterOrEqual(t, time.Since(started), timeout)
			assert.Less(t, time.Since(started), timeout+requestTimeout/2)

			r, err := by.Timeout(timeout).EmitWithAck(ctx, "question")
			require.NoError(t, err)
			assert.Len(t, r.Acknowledged(), len(ours))
			assert.Len(t, r.Answers, len(ours))
			assert.Zero(t, r.Unanswered)
			assert.Empty(t, r.Missing.Instances)
			assert.Equal(t, 1, r.Missing.Unnamed)
			by.emit(t, target{}, "while stalled", by.name())
		}

		require.NoError(t, process.Signal(syscall.SIGCONT))
		for _, by := range c.members {
			assert.ElementsMatch(t, ids(c.clients), keys(by.fetch(t, target{})), by.name())
			got := by.ask(t, target{}, patience, "question")
			assert.ElementsMatch(t, titles(c.clients), got.answers)
		}
		for _, one := range c.clients {
			assert.ElementsMatch(t, []any{"one", "two"}, []any{wait(t, one, "while stalled")[0], wait(t, one, "while stalled")[0]})
		}
	})
}
