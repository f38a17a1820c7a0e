package actio_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
)

func TestSocket_WithoutAPrincipal_BelongsToNoUser(t *testing.T) {
	plain := serve(t, actio.Options{})
	require.NoError(t, actio.On(plain.Root(), "who", func(_ context.Context, s *actio.Socket, _ actio.None) (string, error) {
		assert.Nil(t, s.Principal())
		return "nobody but " + s.UserID(), nil
	}))
	p := plain.connect("")
	p.send(`421["who"]`)
	assert.Equal(t, `431["nobody but "]`, p.next(), "and the connection is still there")

	users := serve(t, actio.Options{Authenticate: byName})
	c := users.connect(`{"user":"ann"}`)
	socket, err := users.Socket(bounded(t), c.id)
	require.NoError(t, err)
	assert.Empty(t, socket.UserID())
	c.send(`42["authenticate"]`)
	c.wait(`42["authenticated"`)
	assert.Equal(t, "ann", socket.UserID())
}
