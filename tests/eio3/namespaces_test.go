package eio3

import (
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

func TestWebSocket_QueryBehindTheNamespaceOfAnyPacket_IsNoPartOfItsName(t *testing.T) {
	t.Parallel()
	s := link{}.serve(t, actio.Options{})
	admin, err := s.Of("/admin")
	require.NoError(t, err)
	for _, n := range []*actio.Namespace{s.Root(), admin} {
		require.NoError(t, n.Handle("echo", echo(t)))
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
