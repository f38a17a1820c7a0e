package cluster

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jspeer"
)

// emitter is actio's emitter.
type emitter struct {
	*actio.Emitter
}

var _ speaker = emitter{}

// emitters are the programs without a server that talk to a cluster: actio's, and the official one, which knows only the
// classic adapter.
func (c *cluster) emitters(t *testing.T) []speaker {
	t.Helper()
	o := c.medium.actio
	ours, err := actio.NewEmitter(c.store.client(), actio.EmitterOptions{
		Adapter: o.Adapter, Prefix: o.Prefix, SubscriptionMode: o.SubscriptionMode, Streams: o.Streams,
	})
	require.NoError(t, err)
	all := []speaker{emitter{ours}}
	if c.medium.classic() {
		all = append(all, outside{Speaker: jspeer.StartEmitter(t, c.store.where, o.Prefix), title: "official emitter"})
	}
	return all
}

func (e emitter) name() string { return "actio's emitter" }

func (e emitter) to(to target) *actio.Emitter {
	o := e.Emitter
	if to.Namespace != "" {
		o = o.Of(to.Namespace)
	}
	if len(to.Rooms) > 0 {
		o = o.To(to.Rooms...)
	}
	if to.Volatile {
		o = o.Volatile()
	}
	return o.Except(to.Except...)
}

func (e emitter) emit(t *testing.T, to target, event string, args ...any) {
	t.Helper()
	require.NoError(t, e.to(to).Emit(t.Context(), event, args...))
}

func (e emitter) socketsJoin(t *testing.T, to target, rooms ...string) {
	t.Helper()
	require.NoError(t, e.to(to).SocketsJoin(t.Context(), rooms...))
}

func (e emitter) socketsLeave(t *testing.T, to target, rooms ...string) {
	t.Helper()
	require.NoError(t, e.to(to).SocketsLeave(t.Context(), rooms...))
}

func (e emitter) disconnect(t *testing.T, to target, whole bool) {
	t.Helper()
	require.NoError(t, e.to(to).DisconnectSockets(t.Context(), whole))
}

func (e emitter) serverEvent(t *testing.T, event string, args ...any) {
	t.Helper()
	require.NoError(t, e.ServerSideEmit(t.Context(), event, args...))
}
