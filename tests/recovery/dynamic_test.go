package recovery

import (
	"regexp"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio"
	"github.com/actio-go/actio/tests/internal/await"
	"github.com/actio-go/actio/tests/internal/rawclient"
	"github.com/actio-go/actio/tests/internal/redisproc"
)

// rule makes a rule for dynamic namespaces whose sockets are those of the stand.
func (s *stand) rule() *actio.ParentNamespace {
	p := s.OfPattern(regexp.MustCompile(`^/d$`))
	p.OnConnection(s.note)
	p.OnDisconnect(func(_ *actio.Socket, r actio.Reason) { s.ended <- r })
	return p
}

// enterDynamic joins the dynamic namespace, and returns how the client comes back.
func (s *stand) enterDynamic(t *testing.T) (c *rawclient.Client, i identity, again string) {
	t.Helper()
	c = s.dial(t)
	i = enter(t, c, "40/d,")
	require.NoError(t, s.join(t).Emit("n", 1))
	_, offset := event(t, c)
	return c, i, `40/d,{"pid":"` + i.PID + `","offset":"` + offset + `"}`
}

func TestDynamic_NamespaceOfWhoIsAwayAlone_GivesWhatWasSentToIt(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{})
	p := s.rule()
	c, i, back := s.enterDynamic(t)
	c.Reset()
	await.Value(t, s.ended)
	require.NoError(t, p.Emit("n", 2))
	d := s.dial(t)
	require.Equal(t, i, enter(t, d, back))
	require.NoError(t, s.join(t).Emit("n", 3))
	for _, want := range []string{"2", "3"} {
		args, _ := event(t, d)
		require.Equal(t, want, args)
	}
}

func TestDynamic_NamespaceOfWhoIsAwayAlone_GivesWhatOtherInstancesSentToIt(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]actio.RedisOptions{"classic": {}, "sharded": {Adapter: actio.ShardedAdapter}} {
		t.Run(name, func(t *testing.T) {
			o.Client = redis.NewClient(redisproc.Start(t).ClientOptions())
			t.Cleanup(func() { assert.NoError(t, o.Client.Close()) })
			s, other := serve(t, actio.Options{Redis: o}), serve(t, actio.Options{Redis: o})
			n, err := other.rule().Of("/d")
			require.NoError(t, err)
			p := s.rule()
			c, i, back := s.enterDynamic(t)
			here := p.Children()[0]
			assert.EventuallyWithT(t, func(c *assert.CollectT) { // it is listened to from a while after its first socket on
				found, err := n.FetchSockets(t.Context())
				assert.NoError(c, err)
				assert.Len(c, found.Sockets, 1)
			}, patience, 5*time.Millisecond)
			c.Reset()
			await.Value(t, s.ended)
			require.NoError(t, n.Emit("n", 2))
			d := s.dial(t)
			questions(t, n, here)
			require.Equal(t, i, enter(t, d, back))
			require.NoError(t, s.join(t).Emit("n", 3))
			for _, want := range []string{"2", "3"} {
				args, _ := event(t, d)
				require.Equal(t, want, args)
			}
		})
	}
}

func TestDynamic_NamespaceOfWhoDoesNotComeBack_Ends(t *testing.T) {
	t.Parallel()
	s := serve(t, actio.Options{Recovery: actio.RecoveryOptions{MaxDisconnectionDuration: 50 * time.Millisecond}})
	p := s.rule()
	c, _, _ := s.enterDynamic(t)
	require.Len(t, p.Children(), 1)
	c.Reset()
	s.eventually(t, func(r actio.RecoveryStats) bool { return r.Expired == 1 && r.Kept == 0 })
	assert.Empty(t, p.Children())
}
