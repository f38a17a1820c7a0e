package parsers

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/jsclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
	"github.com/actio-go/actio/tests/internal/testserver"
	"github.com/actio-go/actio/wire/msgpack"
)

func TestParser_InstancesWithOtherParsers_ShareBroadcasts(t *testing.T) {
	t.Parallel()
	redis, node := redisproc.Start(t), jsclient.Start(t)
	options := actio.Options{Redis: actio.RedisOptions{Client: redis.Client()}}
	packed := way{msgpack.Parser{}, "msgpack", jsclient.WebSocket, node}.serve(t, options)
	text := way{plain{}, "plain", jsclient.Polling, node}.serve(t, options)
	usual := way{nil, "", jsclient.WebSocket, node}.serve(t, options)
	ofPacked, ofText, ofUsual := packed.connect(t), text.connect(t), usual.connect(t)

	for _, s := range []*stand{packed, text, usual} {
		require.NoError(t, s.Root().Emit("news", "é", 1.5))
		for _, c := range []*jsclient.Client{ofPacked, ofText, ofUsual} {
			assert.Equal(t, []any{"é", 1.5}, jsclient.Wait(t, c, "news"))
		}
		answers, err := s.Root().Timeout(patience).EmitWithAck(t.Context(), "question", 7)
		require.NoError(t, err)
		require.Len(t, answers.Acknowledged(), 3)
		for _, a := range answers.Acknowledged() {
			assert.Equal(t, []any{7.0}, testserver.Values(t, a.Args))
		}
	}

	require.NoError(t, usual.Root().Emit("binary", []byte{1, 2}))
	require.NoError(t, usual.Root().Emit("last"))
	for _, c := range []*jsclient.Client{ofPacked, ofUsual} {
		assert.Equal(t, []any{[]byte{1, 2}}, jsclient.Wait(t, c, "binary"))
	}
	jsclient.Wait(t, ofText, "last")
	assert.Zero(t, ofText.Received("binary"), "a parser without binary values has no form for them")
	assert.Eventually(t, func() bool {
		stats, err := text.Stats(t.Context())
		return err == nil && stats.ParserFailures == 1
	}, patience, 5*time.Millisecond)
}
