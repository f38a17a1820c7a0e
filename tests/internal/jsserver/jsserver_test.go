package jsserver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/jsserver"
)

func TestServer_OfficialClient_IsServedAndSeen(t *testing.T) {
	server := jsserver.Start(t, jsserver.Options{})
	node := jsclient.Start(t)
	client := node.Connect(server.URL()+"/auth", jsclient.Options{Auth: map[string]string{"token": "good"}})
	connection, err := server.WaitEvent(t.Context(), "connection")
	require.NoError(t, err)
	assert.Equal(t, []any{client.ID(), "/auth", false}, connection.Values())
	answer, err := client.EmitWithAck(t.Context(), "count", 7)
	require.NoError(t, err)
	assert.Equal(t, []any{float64(7)}, answer.Values())
	numbers, err := server.Counted(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []int{7}, numbers)
	sockets, err := server.Sockets(t.Context(), "/auth")
	require.NoError(t, err)
	require.Len(t, sockets, 1)
	assert.JSONEq(t, `{"token":"good"}`, string(sockets[0].Auth))
	require.NoError(t, server.Emit(t.Context(), "/auth", "news", []byte{1}))
	_, err = client.WaitEvent(t.Context(), "news")
	require.NoError(t, err)
	requests, err := server.Requests(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, requests)
	require.NoError(t, server.Cut(t.Context()))
	_, err = server.WaitEvent(t.Context(), "disconnect")
	require.NoError(t, err)
}
