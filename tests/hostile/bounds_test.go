package hostile

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
)

// A client that asks for more rooms than it may be in is told that it got none of them.
func TestBounds_TooManyRooms_JoinsNoneOfThem(t *testing.T) {
	h := serve(t, actio.Options{
		MaxRooms:      3,
		ValidateRooms: func(_ context.Context, _ *actio.Socket, rooms []string) ([]string, error) { return rooms, nil },
	})
	n, s := h.neighbour(t), h.connect(t)
	s.say(t, `420["join",{"rooms":["a","b"]}]`, `421["join",{"rooms":["c","d"]}]`, `422["join",{"rooms":["c"]}]`)
	s.expect(t, `430[["a","b"]]`, `431[[]]`, `432[["c"]]`)
	st := h.stats(t)
	assert.Equal(t, uint64(1), st.JoinsRefused)
	assert.Equal(t, 3, st.Rooms)
	h.log.await(t, "WARN", "failed to join rooms", s.id)

	n.say(t, `420["join",{"rooms":["d"]}]`)
	assert.Equal(t, `430[["d"]]`, await.Value(t, n.heard))
	n.echo(t, "afterwards")
}

// A client that enters more namespaces than it may is refused by the last, and stays in the others.
func TestBounds_TooManyNamespaces_RefusesTheLast(t *testing.T) {
	h := serve(t, actio.Options{MaxNamespaces: 2})
	_, err := h.Of("/a")
	require.NoError(t, err)
	_, err = h.Of("/b")
	require.NoError(t, err)
	n, s := h.neighbour(t), h.connect(t) // in the main namespace
	s.say(t, "40/a,", "40/b,")
	assert.Contains(t, s.mustNext(t), `40/a,{"sid"`)
	s.expect(t, `44/b,{"message":"Too many namespaces"}`)
	st := h.stats(t)
	assert.Equal(t, uint64(1), st.NamespacesRefused)
	assert.Equal(t, uint64(1), st.ConnectsRefused)
	s.echo(t, "goes on")

	s.say(t, "41/a,", "40/b,")
	assert.Contains(t, s.mustNext(t), `40/b,{"sid"`)
	n.say(t, "40/b,")
	assert.Contains(t, await.Value(t, n.heard), `40/b,{"sid"`)
	n.echo(t, "afterwards")
}

// A client that answers nothing is not asked any more, and costs nobody else a question.
func TestBounds_TooManyAcksPending_AsksNoMore(t *testing.T) {
	h := serve(t, actio.Options{MaxPendingAcks: 3})
	n, s := h.neighbour(t), h.connect(t)
	silent, err := h.Socket(t.Context(), s.id)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 3)
	for range cap(failed) {
		go func() {
			_, err := silent.EmitWithAck(ctx, "question")
			failed <- err
		}()
	}
	for range cap(failed) {
		assert.Regexp(t, `^42\d+\["question"\]$`, s.mustNext(t))
	}
	_, err = silent.EmitWithAck(t.Context(), "one too many")
	require.ErrorIs(t, err, actio.ErrTooManyAcks)
	assert.Equal(t, uint64(1), h.stats(t).AcksRefused)

	lively, err := h.Socket(t.Context(), n.id)
	require.NoError(t, err)
	answered := make(chan error, 1)
	go func() {
		_, err := lively.EmitWithAck(t.Context(), "question")
		answered <- err
	}()
	var id int
	_, err = fmt.Sscanf(await.Value(t, n.heard), `42%d["question"]`, &id)
	require.NoError(t, err)
	n.say(t, fmt.Sprintf(`43%d[]`, id))
	require.NoError(t, await.Value(t, answered))

	s.echo(t, "the silent one is served all the same")
	cancel()
	for range cap(failed) {
		require.ErrorIs(t, await.Value(t, failed), context.Canceled)
	}
}
