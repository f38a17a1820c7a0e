package rediskeeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/actors/connection"
	"github.com/actio-go/actio/redisbridge/keeper"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// TestSocket_ThatHasGone_LeavesNoRoomBehind: while it might come back its rooms counted as present, so that what is sent to them
// is asked for. Redis remembers for whoever takes the session up.
func TestSocket_ThatHasGone_LeavesNoRoomBehind(t *testing.T) {
	t.Parallel()
	for name, goes := range map[string]func(w *walker, elsewhere *rig){
		"its connection is lost": func(w *walker, _ *rig) { w.client.session.Close(connection.ReasonTransportClose) },
		"it goes on elsewhere":   func(w *walker, elsewhere *rig) { w.to(elsewhere) },
		"it goes on as what Node has left": func(w *walker, _ *rig) {
			w.at.leftByNode(w.pid, w.id, "of Node")
			w.to(w.at)
			assert.Equal(w.t, []string{"of Node"}, w.rooms())
		},
		"its session is spent": func(w *walker, _ *rig) {
			c, answers := w.at.claim(w.pid, "/")
			given(w.t, answers)
			w.at.keeper.Spent(c, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redisproc.Start(t)
			r, elsewhere := start(t, server, keeper.Options{}), start(t, server, keeper.Options{})
			w := walk(t, r)
			require.True(t, r.env.Registry.MayHave("/", "room"))
			gone := w.socket
			goes(w, elsewhere)
			assert.Same(t, gone, await.Value(t, r.app.ended))
			require.Eventually(t, func() bool { return !r.env.Registry.MayHave("/", "room") }, patience, time.Millisecond)
		})
	}
}
