package eio3

import (
	"context"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/testserver"
)

// diary is what the application lives through in a namespace, in its order.
type diary struct {
	mu   sync.Mutex
	days []string
}

func (d *diary) note(day string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.days = append(d.days, day)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.days
}

// Both sockets have one id: were the second known before the end of the first, whoever keeps something by id would lose it.
func TestClient2_NamespaceLeftAndEnteredAgainDuringAHandler_TheFirstSocketEndsBeforeTheSecondBegins(t *testing.T) {
	overEachLink(t, func(t *testing.T, l link) {
		var d diary
		s := l.serve(t, actio.Options{})
		admin, err := s.Of("/admin")
		require.NoError(t, err)
		admin.OnConnection(func(_ context.Context, s *actio.Socket) { d.note("begins " + s.ID()) })
		admin.OnDisconnect(func(s *actio.Socket, _ actio.Reason) { d.note("ends " + s.ID()) })
		entered, release := make(chan struct{}), make(chan struct{})
		require.NoError(t, admin.Handle("slow", func(context.Context, *actio.Socket, *actio.Event) {
			close(entered)
			<-release
			d.note("slow is done")
		}))
		require.NoError(t, admin.Handle("echo", testserver.Echo(t)))

		main := s.connect(t)
		first, err := main.Of(t.Context(), "/admin", nil)
		require.NoError(t, err)
		first.Emit("slow")
		<-entered
		first.Disconnect()
		second, err := main.Of(t.Context(), "/admin", nil)
		require.NoError(t, err, "the client need not wait")
		id := "/admin#" + main.ID()
		require.Equal(t, id, second.ID())
		assert.Equal(t, []string{"begins " + id}, d.read())
		close(release)
		assert.Equal(t, []any{"x"}, jsclient.Ask(t, second, "echo", "x"))
		assert.Equal(t, []string{"begins " + id, "slow is done", "ends " + id, "begins " + id}, d.read())
	})
}

func TestWebSocket_QueryBehindTheNamespaceOfAnyPacket_IsNoPartOfItsName(t *testing.T) {
	t.Parallel()
	s := link{}.serve(t, actio.Options{})
	admin, err := s.Of("/admin")
	require.NoError(t, err)
	for _, n := range []*actio.Namespace{s.Root(), admin} {
		require.NoError(t, n.Handle("echo", testserver.Echo(t)))
	}
	c, err := dialSocket(t, s.socketURL(""), nil)
	require.NoError(t, err)
	read(t, c)
	read(t, c)
	for _, row := range []struct{ say, hear string }{
		{`40/none?x=1,`, `44/none,"Invalid namespace"`},
		{`40/admin?x=1,`, `40/admin,`},
		{`42/admin?x=1,["echo","as it came"]`, `42/admin,["echo","as it came"]`},
		{`42/admin,["echo","without"]`, `42/admin,["echo","without"]`},
		{`42/admin?y=2,7["echo","another"]`, `43/admin,7["another"]`},
		{`42/?x=1,["echo","main"]`, `42["echo","main"]`},
		{`41/admin?x=1,`, ""},
		{`40/admin?x=2,`, `40/admin,`},
	} {
		require.NoError(t, c.Write(t.Context(), websocket.MessageText, []byte(row.say)))
		if row.hear != "" {
			_, heard := read(t, c)
			assert.Equal(t, row.hear, string(heard), row.say)
		}
	}
	require.NoError(t, c.Write(t.Context(), websocket.MessageText, []byte(`40/admin?x=3,`)))
	_, _, err = c.Read(t.Context())
	for err == nil { // DISCONNECT comes before
		_, _, err = c.Read(t.Context())
	}
	assert.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(err), "it was there already")
}
