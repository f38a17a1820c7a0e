package jsclient

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Wait is WaitEvent for a test that fails when the event does not come.
func Wait(t *testing.T, c *Client, event string) []any {
	t.Helper()
	args, err := c.WaitEvent(t.Context(), event)
	require.NoError(t, err)
	return args.Values()
}

// Ask is EmitWithAck for a test that fails when no acknowledgement comes.
func Ask(t *testing.T, c *Client, event string, args ...any) []any {
	t.Helper()
	answer, err := c.EmitWithAck(t.Context(), event, args...)
	require.NoError(t, err)
	return answer.Values()
}
