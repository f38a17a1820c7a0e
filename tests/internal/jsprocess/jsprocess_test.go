package jsprocess

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// request is one of the harness for clients.
type request struct {
	Command string   `json:"cmd"`
	Clients []string `json:"clients"`
}

func TestScripts_Missing_NamesMakeTest(t *testing.T) {
	_, err := scriptsAbove(t.TempDir())
	require.ErrorContains(t, err, "no tests/js/harness.mjs")
	require.ErrorContains(t, installed(t.TempDir()), "`make test` installs them")
	t.Setenv("PATH", t.TempDir())
	_, err = scripts()
	require.ErrorContains(t, err, "`make test` installs it")
}

func TestCall_AnswersAndErrors_ComeBack(t *testing.T) {
	d := Drive(t, func(line []byte) { t.Errorf("event %s", line) }, "harness.mjs")
	var infos []any
	require.NoError(t, d.Call(t.Context(), request{Command: "info", Clients: []string{}}, &infos))
	assert.Empty(t, infos)
	require.NoError(t, d.Call(t.Context(), request{Command: "info", Clients: []string{}}, nil))
	require.ErrorContains(t, d.Call(t.Context(), request{Command: "info", Clients: []string{"nobody"}}, nil), "nobody")
	require.Error(t, d.Call(t.Context(), request{Command: "info", Clients: []string{}}, new(string)))
	require.Error(t, d.Call(t.Context(), func() {}, nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, d.Call(ctx, request{Command: "info"}, nil), context.Canceled)
}

func TestCall_ProcessKilled_SaysSo(t *testing.T) {
	d := Drive(t, func([]byte) {}, "harness.mjs")
	require.NoError(t, d.Err())
	require.NoError(t, d.Signal(os.Kill))
	require.ErrorIs(t, d.Call(t.Context(), request{Command: "info"}, nil), ErrEnded)
	<-d.Ended()
	require.ErrorContains(t, d.Err(), "killed")
	require.Error(t, d.Signal(os.Kill))
	require.ErrorIs(t, d.Call(t.Context(), request{Command: "info"}, nil), ErrEnded)
	d.End()
}
