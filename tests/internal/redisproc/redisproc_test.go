package redisproc_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/actio-go/actio/tests/internal/redisproc"
)

// answers tells whether a client gets an answer soon.
func answers(t *testing.T, client redis.UniversalClient) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	return client.Set(ctx, "key", "value", 0).Err()
}

func impatient(t *testing.T, s *redisproc.Server) *redis.Client {
	t.Helper()
	o := s.ClientOptions()
	o.ContextTimeoutEnabled, o.MaxRetries = true, -1
	client := redis.NewClient(o)
	t.Cleanup(func() { assert.NoError(t, client.Close()) })
	return client
}

func TestServer_KillRestartPauseResume_SamePort(t *testing.T) {
	s := redisproc.Start(t)
	client := impatient(t, s)
	require.NoError(t, answers(t, client))
	address := s.Addr()

	s.Kill()
	assert.False(t, s.Alive())
	require.Error(t, answers(t, client))
	s.Restart()
	assert.Equal(t, address, s.Addr())
	_, err := s.Do(t.Context(), "GET", "key")
	require.ErrorIs(t, err, redis.Nil, "nothing is persisted")

	s.Pause()
	require.Error(t, answers(t, impatient(t, s)))
	s.Resume()
	require.NoError(t, s.Client().Ping(t.Context()).Err())
}

func TestServer_PasswordAndTLS_AreWanted(t *testing.T) {
	s := redisproc.StartWith(t, redisproc.Options{Password: "secret", TLS: true})
	require.NoError(t, s.Client().Ping(t.Context()).Err())
	o := s.ClientOptions()
	o.Password = ""
	client := redis.NewClient(o)
	defer func() { require.NoError(t, client.Close()) }()
	require.ErrorContains(t, client.Ping(t.Context()).Err(), "NOAUTH")
	assert.Contains(t, s.URL(), "rediss://:secret@127.0.0.1:")
}

func TestServer_ClientNames_AreThoseOfConnections(t *testing.T) {
	s := redisproc.Start(t)
	o := s.ClientOptions()
	o.ClientName = "alice"
	client := redis.NewClient(o)
	defer func() { require.NoError(t, client.Close()) }()
	require.NoError(t, client.Ping(t.Context()).Err())
	assert.Equal(t, []string{"alice"}, s.ClientNames())
}

func TestSentinel_MasterKilled_AReplicaTakesItsPlace(t *testing.T) {
	s := redisproc.StartSentinel(t)
	client := s.Client()
	require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())

	old := s.KillMaster()
	master := s.WaitFailover(old)
	assert.NotEqual(t, old.Addr(), master.Addr())
	assert.Same(t, master, s.Master())
	require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())

	old.Restart()
	assert.NotSame(t, master, s.Failover())
	require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())
}

// Clients learn the nodes of a cluster once, from whichever node they ask: one that is not named then is not known to them, and
// who is subscribed there is not counted.
func TestCluster_JustStarted_EveryNodeNamesAllOthers(t *testing.T) {
	c := redisproc.StartCluster(t)
	for _, s := range c.Servers() {
		client := redis.NewClient(s.ClientOptions())
		slots, err := client.ClusterSlots(t.Context()).Result() //nolint:staticcheck // it is what clients ask
		require.NoError(t, err)
		require.NoError(t, client.Close())
		var named []string
		for _, slot := range slots {
			for _, node := range slot.Nodes {
				named = append(named, node.Addr)
			}
		}
		assert.ElementsMatch(t, c.Addrs(), named, "of %s", s.Addr())
	}
}

func TestCluster_SlotMovedAndMasterKilled_KeysStayReachable(t *testing.T) {
	c := redisproc.StartCluster(t)
	client := c.Client()
	require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())

	from, to := c.MigrateSlot("elsewhere")
	assert.NotSame(t, from, to)
	c.WaitStable()
	assert.Same(t, to, c.MasterOf("elsewhere"))
	require.NoError(t, client.Set(t.Context(), "elsewhere", "value", 0).Err())

	dead := c.KillMaster("key")
	c.WaitStable()
	assert.NotSame(t, dead, c.MasterOf("key"))
	require.NoError(t, c.Client().Set(t.Context(), "key", "value", 0).Err())
	dead.Restart()
	c.WaitStable()
}
